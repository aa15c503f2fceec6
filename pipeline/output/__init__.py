"""Answers on their way out: an aligned table, JSON, CSV or Parquet, with the text of strangers made harmless for where it goes.

A terminal obeys control and bidirectional characters, a spreadsheet runs cells that begin like a formula: both get the text in a form that
does nothing. JSON and Parquet keep every character; in JSON the dangerous ones are written as escapes.
"""

from __future__ import annotations

from pipeline.output.safe_text import escape, json_text, neutralise
from pipeline.output.write import FORMATS, Format, add_arguments, deliver, deliver_json, deliver_rows, deliver_text, note, prose, write

__all__ = [
    "FORMATS",
    "Format",
    "add_arguments",
    "deliver",
    "deliver_json",
    "deliver_rows",
    "deliver_text",
    "escape",
    "json_text",
    "neutralise",
    "note",
    "prose",
    "write",
]
