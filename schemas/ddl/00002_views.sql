-- +goose Up

{{views "00" "69"}}
{{views "75" "83"}}

-- +goose Down
SELECT 1;
