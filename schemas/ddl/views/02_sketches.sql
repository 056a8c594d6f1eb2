-- SELECT window_start, response_buckets, response_ends FROM token_sketches(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- The merged sketches of each window's request and response tokens (METRICS: Sketch), for lengths: the buckets in
-- ascending order, and how many values lie in each or those before it. Zeros are not among them: rows count them apart.
-- Parameters as in stream_minutes.
--
-- Windows of up to two hours hold few buckets: putting them one after another and sorting is several times as fast as
-- counting by window and bucket. In longer ones buckets are counted, or their number would grow with the window. One of
-- the two queries has a condition that is false, and reads nothing.
CREATE OR REPLACE VIEW token_sketches {{onCluster}} AS
{{template "sketches" columns "request" "response"}}

-- SELECT window_start, ttft_buckets, ttft_ends FROM latency_sketches(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- The merged sketches of each window's elapsed, ttft and tpot in microseconds, for latency. Made as token_sketches is.
CREATE OR REPLACE VIEW latency_sketches {{onCluster}} AS
{{template "sketches" columns "elapsed" "ttft" "tpot"}}
{{define "sketches"}}WITH
    -- A bucket and its count as one number, which sorts fast.
    ((b, c) -> bitShiftLeft(toUInt64(b + 32768), 40) + c) AS pack,
    (packed -> arrayMap(e -> bitShiftRight(e, 40), packed)) AS buckets_of,
    (packed -> arrayMap(e -> toInt16(toInt64(e) - 32768), arrayCompact(buckets_of(packed)))) AS distinct_of,
    -- How many lie in each distinct bucket and those before it: the sums so far, where the next bucket is another.
    (packed -> arrayFilter((e, b, next) -> b != next, arrayCumSum(arrayMap(e -> bitAnd(e, 1099511627775), packed)), buckets_of(packed),
        arrayResize(arrayPopFront(buckets_of(packed)), length(packed)))) AS ends_of
SELECT
    window_start,
{{- range $i, $column := .}}{{if $i}},{{end}}
    distinct_of({{$column}}_packed) AS {{$column}}_buckets,
    ends_of({{$column}}_packed) AS {{$column}}_ends
{{- end}}
FROM
(
    SELECT
        window_start,
{{- range $i, $column := .}}{{if $i}},{{end}}
        arraySort(groupArrayArray(arrayMap((b, c) -> pack(b, c), {{$column}}_buckets, {{$column}}_counts))) AS {{$column}}_packed
{{- end}}
    FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
        from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
    WHERE {step_s:UInt32} BETWEEN 1 AND 7200
    GROUP BY window_start
    UNION ALL
    SELECT
        window_start,
{{- range $i, $column := .}}{{if $i}},{{end}}
        arraySort(groupArrayIf(pack(b, c), kind = {{$i}})) AS {{$column}}_packed
{{- end}}
    FROM
    (
{{- range $i, $column := .}}
        {{- if $i}}
        UNION ALL
        {{- end}}
        SELECT window_start, {{$i}} AS kind, b, sum(n) AS c
        FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
            from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
        ARRAY JOIN {{$column}}_buckets AS b, {{$column}}_counts AS n
        WHERE {step_s:UInt32} NOT BETWEEN 1 AND 7200
        GROUP BY window_start, b
{{- end}}
    )
    GROUP BY window_start
);
{{- end}}
