"""The only door for readers: one question is one .sql file, run by DuckDB over one snapshot of the lake."""
