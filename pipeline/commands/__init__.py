"""The commands of `tlsrpt`, one module each; `pipeline.cli` says what a module provides."""
