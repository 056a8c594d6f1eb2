// Package columnar reads and writes requests as Parquet and as Arrow files.
//
// It owns the columns: the fields of schemas/request.schema.json by their
// names, typed, null where a field is not known. It is the only package that
// knows the Arrow library; others give it requests or take the text of
// canonical lines from it. It holds a row group at a time.
//
// Start with columns.go for the schema and how requests become columns,
// write.go for the files, read.go for how columns of other writers (pandas,
// polars, DuckDB) become requests.
package columnar
