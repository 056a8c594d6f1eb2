-- +goose Up

-- conversation_summary works out only what is asked for.
{{views "73" "73"}}

-- +goose Down
SELECT 1;
