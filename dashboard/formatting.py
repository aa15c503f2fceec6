"""Numbers, days and the text of strangers as the page writes them.

What a report says reaches the page through `st.text`, `st.code`, the cells of a table or the canvas of a chart, none of which reads
Markdown or HTML; control and bidirectional characters become visible escapes here first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd

from pipeline.insight.phrases import and_more
from pipeline.output import escape

NOTHING = "–"
NO_HOST = "no host named"
"""What stands for the host of a failure that names none."""
NO_RESULT = "no details given"
"""What stands for the result of a failure without one."""
_LONGEST = 400
"""Characters of one text in a table."""

_PLAIN_NAME = re.compile(r"(?!www\.)[a-z0-9]+(?:[.-][a-z0-9]+)+")
"""Letters, digits, single dots and hyphens; what begins with www. would become a link."""


def number(value: Any) -> str:
    """Return a count with its thousands grouped."""
    return NOTHING if value is None or pd.isna(value) else f"{int(value):,}"


def short(value: Any) -> str:
    """Return a count that fits a small card: from ten millions on with three digits and its unit, such as 12.3 M or 4.57 bn."""
    exact = number(value)
    if exact == NOTHING or abs(int(value)) < 10_000_000:
        return exact
    size, unit = next((size, unit) for size, unit in ((10**12, "tn"), (10**9, "bn"), (10**6, "M")) if abs(int(value)) >= size)
    whole = int(value) / size
    return f"{whole:,.{2 if whole < 10 else 1 if whole < 100 else 0}f} {unit}"


def rate(value: Any) -> str:
    """Return a rate in per cent; one that is not quite all, or not quite nothing, never looks so."""
    if value is None or pd.isna(value):
        return NOTHING
    share = float(value)
    shown = min(share, 0.9999) if share < 1 else 1.0
    return f"{max(shown, 0.0001) if share > 0 else 0:.2%}"


def day(value: Any) -> str:
    """Return a UTC day."""
    return NOTHING if value is None or pd.isna(value) else str(value)[:10]


def moment(value: Any) -> str:
    """Return a moment, which is in UTC."""
    return "never" if value is None or pd.isna(value) else f"{value:%Y-%m-%d %H:%M} UTC"


def ago(value: datetime | None, now: datetime) -> str:
    """Return how long ago a moment was, roughly."""
    if value is None or pd.isna(value):
        return "never"
    minutes = max(0, int((now - value).total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 60 * 48 else f"{minutes // 1440} d ago"


def span(first: date, last: date) -> str:
    """Return days from one to another, both inclusive."""
    return day(first) if first == last else f"{day(first)} to {day(last)}"


def listed(texts: Iterable[str], most: int = 4) -> str:
    """Return texts of strangers in a row, the surplus counted."""
    return and_more([escape(text)[:_LONGEST] for text in texts], most)


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose texts do nothing and are not too long; lists become one text each."""
    return frame.assign(**{name: frame[name].map(_cell) for name in frame.columns if _is_text(frame[name])}) if len(frame) else frame


def is_plain_name(domain: str) -> bool:
    """Return whether a name can be nothing else in Markdown."""
    return _PLAIN_NAME.fullmatch(domain) is not None


def plain(text: Any) -> str:
    """Return one text of a stranger so that it does nothing."""
    return NOTHING if text is None or (not isinstance(text, str) and pd.isna(text)) else escape(str(text))


def without_marks(text: str) -> str:
    """Return words of ours without the backticks that mark a command in a terminal: `st.text` shows them as they are."""
    return text.replace("`", "")


def _is_text(column: pd.Series[Any]) -> bool:
    return not pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_datetime64_any_dtype(column)


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return _short(escape(value))
    if isinstance(value, Sequence) or hasattr(value, "tolist"):
        return _short("; ".join(escape(str(element)) for element in value))
    return value


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
