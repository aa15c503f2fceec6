"""The configuration file: which one is read, its tables, each a frozen value, and what is wrong with it. `pipeline.config` reads it."""
