"""`tlsrpt export-raw`: the bytes of one message as received."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import output
from pipeline.commands._insight import who
from pipeline.errors import InputError, UsageError

if TYPE_CHECKING:
    import argparse

    from pipeline.cli import Context

_SHORTEST = 6
"""Digits of a sha256 that are enough to ask by."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sha256", metavar="SHA256", help="sha256 of the message, or its first digits")
    parser.add_argument("-o", "--output", metavar="FILE", help="write to a file instead of standard output")


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.notify.audit import audit

    content = _content(context.settings.lake.path, args.sha256.lower())
    audit(context.settings, "raw-view", who(), what=args.sha256.lower())
    if args.output is not None:
        try:
            Path(args.output).write_bytes(content)
        except OSError as err:
            raise InputError(f"{args.output} cannot be written: {err.strerror or err}") from err
    elif sys.stdout.isatty():
        raise UsageError("received mail is not written to a terminal; name a file with -o, or pipe them")
    else:
        sys.stdout.buffer.write(content)
    return 0


def _content(lake: str, digits: str) -> bytes:
    """Return the bytes of the one kept message whose sha256 begins so.

    Raises:
        UsageError: These are not digits, too few, or several messages have them.
        InputError: No kept message has them.
    """
    from pipeline.lake.raw import find_raw

    if len(digits) < _SHORTEST or set(digits) - set("0123456789abcdef"):
        raise UsageError(f"{output.escape(digits)} is not a sha256; give at least its first {_SHORTEST} hexadecimal digits")
    found = find_raw(lake, digits)
    if len(found) > 1:
        raise UsageError(f"{digits} is the beginning of several messages: {', '.join(name[:16] for name in sorted(found))}")
    if not found:
        raise InputError(f"no message whose sha256 begins with {digits} is kept; its bytes may have expired, or it was a duplicate")
    return next(iter(found.values()))
