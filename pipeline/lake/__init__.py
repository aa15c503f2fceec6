"""The lake: Delta tables of Parquet files, one commit protocol, rebuild and maintenance. `pipeline.query` is the door for readers."""
