-- +goose Up

{{views "00" "83"}}

-- +goose Down
SELECT 1;
