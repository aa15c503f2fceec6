"""What a worker would log, gathered for the driver, who has the log."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST = 100
"""Of one task; a million unreadable files need not be said one by one."""
_LOGGER = logging.getLogger("tlsrpt")


class _Gathering(logging.Handler):
    def __init__(self, found: list[tuple[str, dict[str, Any]]]) -> None:
        super().__init__(logging.WARNING)
        self._found = found
        self._thread = threading.get_ident()  # beside ours, other tasks run in this process

    def emit(self, record: logging.LogRecord) -> None:
        if len(self._found) < _MOST and record.thread == self._thread:
            fields: dict[str, Any] = getattr(record, "fields", {})
            self._found.append((record.getMessage(), {name: str(value) for name, value in fields.items()}))


@contextmanager
def collected() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Gather warnings while inside."""
    found: list[tuple[str, dict[str, Any]]] = []
    gathering = _Gathering(found)
    _LOGGER.addHandler(gathering)
    _LOGGER.propagate = False
    try:
        yield found
    finally:
        _LOGGER.removeHandler(gathering)
