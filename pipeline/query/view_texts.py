"""Reads the .sql files of `views/`: views, macros and statements that learn from the rows."""

from __future__ import annotations

from importlib.resources import files as package_files


def view_text(name: str) -> str:
    """Return a text of `pipeline/query/views`."""
    return package_files("pipeline.query").joinpath("views", f"{name}.sql").read_text(encoding="utf-8")
