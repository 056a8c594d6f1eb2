-- +goose Up

-- What DCGM exporters say of each GPU and MIG instance (Go: schemas.GPUSample), in base units; NaN and -1 are not known. The
-- key is the identity: a sample that is written twice is one row after merging. It begins with the hour, as every read is
-- a range of time, of one host or of all: either is a run of granules in each hour.
CREATE TABLE IF NOT EXISTS {{local "gpu_samples"}} {{onCluster}} (
    host LowCardinality(String),
    uuid LowCardinality(String),
    gpu_instance LowCardinality(String),
    at_us Int64 CODEC(Delta, LZ4),
    target LowCardinality(String),
    service LowCardinality(String),
    namespace LowCardinality(String),
    pod LowCardinality(String),
    container LowCardinality(String),
    gpu LowCardinality(String),
    device LowCardinality(String),
    model_name LowCardinality(String),
    profile LowCardinality(String),
    driver LowCardinality(String),
    share Float64,
    xid Int64 DEFAULT -1,
{{- range gpuGauges}}
    {{.}} Float64 DEFAULT nan,
{{- end}}
{{- range gpuCounters}}
    {{.}} Float64 DEFAULT nan,
{{- end}}
    stored_at DateTime DEFAULT now() CODEC(Delta, LZ4)
) ENGINE = {{replacing ""}}
PARTITION BY toYYYYMM(toDateTime(intDiv(at_us, 1000000), 'UTC'))
ORDER BY (intDiv(at_us, 3600000000), host, uuid, gpu_instance, at_us)
SETTINGS {{smallParts}};
{{distributed "gpu_samples"}}

-- One row for each GPU or instance and minute with samples, a pure function of these (schemas.Rewrites). A gauge's values
-- are kept whole, sorted by size: there are four a minute, and means, maxima and quantiles of any longer window come out of
-- them. Of a counter there are its first and last value and what it gained in between, so that views find what it gained
-- between two minutes. The version is the number of samples.
CREATE TABLE IF NOT EXISTS {{local "gpu_minutes"}} {{onCluster}} (
    host LowCardinality(String),
    uuid LowCardinality(String),
    gpu_instance LowCardinality(String),
    minute UInt32 CODEC(Delta, LZ4),
    version UInt64,
    first_us Int64,
    last_us Int64,
    target LowCardinality(String),
    service LowCardinality(String),
    namespace LowCardinality(String),
    pod LowCardinality(String),
    container LowCardinality(String),
    gpu LowCardinality(String),
    device LowCardinality(String),
    model_name LowCardinality(String),
    profile LowCardinality(String),
    driver LowCardinality(String),
    share Float64,
    xid_first Int64,
    xid_last Int64,
    xid_changes UInt64,
{{- range gpuGauges}}
    {{.}} Array(Float64),
{{- end}}
{{- range gpuCounters}}
    {{.}}_n UInt64,
    {{.}}_first_us Int64,
    {{.}}_first Float64,
    {{.}}_last_us Int64,
    {{.}}_last Float64,
    {{.}}_gain Float64,
{{- end}}
    stored_at DateTime DEFAULT now() CODEC(Delta, LZ4)
) ENGINE = {{replacing "version"}}
PARTITION BY toYYYYMM(toDateTime(minute * 60, 'UTC'))
ORDER BY (intDiv(minute, 60), host, uuid, gpu_instance, minute)
SETTINGS {{smallParts}};
{{distributed "gpu_minutes"}}

-- What inference engines say of themselves on their own /metrics (Go: schemas.EngineSample).
CREATE TABLE IF NOT EXISTS {{local "engine_samples"}} {{onCluster}} (
    host LowCardinality(String),
    target LowCardinality(String),
    model LowCardinality(String),
    engine_index LowCardinality(String),
    at_us Int64 CODEC(Delta, LZ4),
    engine LowCardinality(String),
    service LowCardinality(String),
{{- range engineGauges}}
    {{.}} Float64 DEFAULT nan,
{{- end}}
{{- range engineCounters}}
    {{.}} Float64 DEFAULT nan,
{{- end}}
    stored_at DateTime DEFAULT now() CODEC(Delta, LZ4)
) ENGINE = {{replacing ""}}
PARTITION BY toYYYYMM(toDateTime(intDiv(at_us, 1000000), 'UTC'))
ORDER BY (intDiv(at_us, 3600000000), host, target, model, engine_index, at_us)
SETTINGS {{smallParts}};
{{distributed "engine_samples"}}

-- One row for each engine, model and minute with samples, as in gpu_minutes.
CREATE TABLE IF NOT EXISTS {{local "engine_minutes"}} {{onCluster}} (
    host LowCardinality(String),
    target LowCardinality(String),
    model LowCardinality(String),
    engine_index LowCardinality(String),
    minute UInt32 CODEC(Delta, LZ4),
    version UInt64,
    first_us Int64,
    last_us Int64,
    engine LowCardinality(String),
    service LowCardinality(String),
{{- range engineGauges}}
    {{.}} Array(Float64),
{{- end}}
{{- range engineCounters}}
    {{.}}_n UInt64,
    {{.}}_first_us Int64,
    {{.}}_first Float64,
    {{.}}_last_us Int64,
    {{.}}_last Float64,
    {{.}}_gain Float64,
{{- end}}
    stored_at DateTime DEFAULT now() CODEC(Delta, LZ4)
) ENGINE = {{replacing "version"}}
PARTITION BY toYYYYMM(toDateTime(minute * 60, 'UTC'))
ORDER BY (intDiv(minute, 60), host, target, model, engine_index, minute)
SETTINGS {{smallParts}};
{{distributed "engine_minutes"}}

-- One row for each scrape of a target, whether it was answered or not (Go: schemas.ScrapeSample): a target that is down is
-- a row that says so, not a row that is missing.
CREATE TABLE IF NOT EXISTS {{local "scrape_samples"}} {{onCluster}} (
    target LowCardinality(String),
    at_us Int64 CODEC(Delta, LZ4),
    host LowCardinality(String),
    kind LowCardinality(String),
    up UInt8,
    error String,
    duration_s Float64,
    samples Int64,
    stored_at DateTime DEFAULT now() CODEC(Delta, LZ4)
) ENGINE = {{replacing ""}}
PARTITION BY toYYYYMM(toDateTime(intDiv(at_us, 1000000), 'UTC'))
ORDER BY (intDiv(at_us, 3600000000), target, at_us)
SETTINGS {{smallParts}};
{{distributed "scrape_samples"}}

{{views "84" "85"}}
{{views "87" "99"}}

-- +goose Down
-- There is no way down: dropping what was measured is a decision for a person, not for a migration.
SELECT 1;
