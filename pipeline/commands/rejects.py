"""`tlsrpt rejects`: what could not be read, why, and its bytes."""

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
    from pipeline.query import Lake

_SHORTEST = 6
"""Digits of a sha256 that are enough to ask by."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "show", "retry"),
        default="list",
        help="list them, show the bytes of one, or read all once more",
    )
    parser.add_argument("id", nargs="?", metavar="ID", help="for show: the first digits of the message's sha256")
    parser.add_argument("--since", metavar="DAY", help="first day received, UTC (default: all)")
    parser.add_argument("--until", metavar="DAY", help="last day received (default: today)")
    parser.add_argument("--code", metavar="CODE", help="one reject code")
    output.add_arguments(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.notify.audit import audit
    from pipeline.query import open_lake

    if args.action == "retry":
        return _retry(args, context)
    with open_lake(settings=context.settings) as lake:
        if args.action == "list":
            output.deliver(lake.ask("rejects", since=args.since or "1970-01-01", until=args.until, code=args.code), args)
            return 0
        if args.id is None:
            raise UsageError("rejects show needs the ID of a message; `tlsrpt rejects` lists them")
        content = _bytes(lake, args.id)
        audit(context.settings, "raw-view", who(), what=args.id)
        _give(content, args.output)
    return 0


def _retry(args: argparse.Namespace, context: Context) -> int:
    """Read what was quarantined once more, with this version and today's limits."""
    from pipeline.ingest.retry import retry_rejects

    done = retry_rejects(context.settings)
    if args.format == "json":
        output.deliver_json(done._asdict(), args)
        return 0
    gone = f"; of {done.gone:,} more the bytes have expired" if done.gone else ""
    output.deliver_text(f"{done.messages:,} quarantined messages parsed again: {done.stored:,} now readable{gone}\n", args)
    return 0


def _bytes(lake: Lake, prefix: str) -> bytes:
    """Return the kept bytes of the one message whose sha256 begins like this.

    Raises:
        UsageError: The beginning is too short, or several messages have it.
        InputError: No kept message has it.
    """
    if len(prefix) < _SHORTEST:
        raise UsageError(f"an ID has at least {_SHORTEST} digits; {prefix!r} is too short")
    found = sorted({row["message_sha256"] for row in lake.ask("raw_found", prefix=prefix).to_pylist()})
    if len(found) > 1:
        raise UsageError(f"{prefix} is the beginning of several messages: {', '.join(name[:16] for name in found)}")
    if not found:
        raise InputError(f"no message whose sha256 begins with {output.escape(prefix)} is kept; `tlsrpt rejects` lists them")
    return bytes(lake.ask("raw_bytes", message_sha256=found[0]).column("content")[0].as_py())


def _give(content: bytes, where: str | None) -> None:
    """Write the bytes as they are; on a terminal what it might obey is escaped."""
    if where is not None:
        try:
            Path(where).write_bytes(content)
        except OSError as err:
            raise InputError(f"{where} cannot be written: {err.strerror or err}") from err
    elif sys.stdout.isatty():
        sys.stdout.writelines(output.escape(line) + "\n" for line in content.decode("utf-8", "backslashreplace").splitlines())
    else:
        sys.stdout.buffer.write(content)
