"""One line per thing that happens, on stderr: an event in kebab-case first, then its fields, as key=value or as JSON.

Values are escaped, so that no text of a report can forge a line or move the cursor; a secret is never given to this module.
"""

from __future__ import annotations

import logging
import re
import sys

_LOGGER = logging.getLogger("tlsrpt")
_PLAIN = re.compile(r"[A-Za-z0-9_.:@/+%-]+")


def set_up(*, layout: str, level: str, verbose: bool = False) -> None:
    """Send events to stderr.

    Args:
        layout: text or json.
        level: The lowest that is shown; `auto` is `info` on a terminal and `warning` under cron.
        verbose: Show everything, whatever the level.
    """
    if level == "auto":
        level = "info" if sys.stderr.isatty() else "warning"
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines() if layout == "json" else _KeyValue())
    _LOGGER.handlers[:] = [handler]
    _LOGGER.propagate = False
    _LOGGER.setLevel("DEBUG" if verbose else level.upper())


def debug(event: str, **fields: object) -> None:
    """Say what only somebody who looks for a fault wants to know."""
    _LOGGER.debug(event, extra={"fields": fields})


def info(event: str, **fields: object) -> None:
    """Say what was done."""
    _LOGGER.info(event, extra={"fields": fields})


def warning(event: str, **fields: object) -> None:
    """Say what a postmaster should look at."""
    _LOGGER.warning(event, extra={"fields": fields})


def error(event: str, **fields: object) -> None:
    """Say what failed."""
    _LOGGER.error(event, extra={"fields": fields})


def _quoted(value: object) -> str:
    text = str(value)
    if _PLAIN.fullmatch(text):
        return text
    escaped = "".join(char if char.isprintable() and char not in '"\\' else _escaped(char) for char in text)
    return f'"{escaped}"'


def _escaped(char: str) -> str:
    return f"\\{char}" if char in '"\\' else char.encode("unicode_escape").decode("ascii")


class _KeyValue(logging.Formatter):
    """`event key=value key="two words"`; warnings and errors begin with their level."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields: dict[str, object] = getattr(record, "fields", {})
        level = f"{record.levelname.lower()} " if record.levelno >= logging.WARNING else ""
        return level + " ".join([record.getMessage(), *(f"{key}={_quoted(value)}" for key, value in fields.items())])


class _JsonLines(logging.Formatter):
    """One JSON object a line: time, level, event, and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        import json
        from datetime import UTC, datetime

        fields: dict[str, object] = getattr(record, "fields", {})
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return json.dumps({"time": moment, "level": record.levelname.lower(), "event": record.getMessage(), **fields}, default=str)
