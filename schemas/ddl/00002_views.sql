-- +goose Up

{{views}}

-- +goose Down
SELECT 1;
