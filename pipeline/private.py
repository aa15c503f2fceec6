"""Who of this machine may read what the program writes: its owner and group, unless configured otherwise.

The mask of the process does it, because the Delta library, Parquet and temporary files all go by it and not by us. Bits that whoever called
us has taken away stay away.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Readers = Literal["owner", "group", "everybody"]

_MASKS: dict[Readers, int] = {"owner": 0o077, "group": 0o027, "everybody": 0o022}
_callers = [0o077]
"""The mask we were called with, while a command runs."""


@contextmanager
def kept_private() -> Iterator[None]:
    """Write for owner and group alone, until `readable_by` says otherwise."""
    _callers.append(os.umask(0o077))
    readable_by("group")
    try:
        yield
    finally:
        os.umask(_callers.pop())


def readable_by(readers: Readers) -> None:
    """Let these read what is written from here on; outside a command nothing is changed."""
    if len(_callers) > 1:
        os.umask(_callers[-1] | _MASKS[readers])
