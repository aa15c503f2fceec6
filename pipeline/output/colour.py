"""Colour on a terminal: red for what is ours to fix, yellow for what may become so, green for what is well. Never in a file or a pipe."""

from __future__ import annotations

import os
import re
from typing import IO, Any

_RED, _YELLOW, _GREEN = "31", "33", "32"
_WORDS = {
    "ours": _RED, "error": _RED, "fail": _RED, "failing": _RED, "not-ready": _RED,
    "warn": _YELLOW, "silent": _YELLOW, "not-enough-evidence": _YELLOW,
    "ok": _GREEN, "ready": _GREEN, "already-enforcing": _GREEN, "resolved": _GREEN,
}  # fmt: skip
"""By word, where it is a whole cell or value."""
_CELL = re.compile(rf"(?m)(^|  |: )({'|'.join(map(re.escape, _WORDS))})(?=$|  |,)")


def wants_colour(stream: IO[Any]) -> bool:
    """Say whether a stream is a terminal whose user has not asked for none (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def coloured(text: str) -> str:
    """Return text with its words of state in colour."""
    return _CELL.sub(lambda found: f"{found[1]}\x1b[{_WORDS[found[2]]}m{found[2]}\x1b[0m", text)
