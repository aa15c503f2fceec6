"""The tables of the configuration file, each a frozen value; `pipeline.config` reads them all."""
