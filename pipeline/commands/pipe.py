"""`tlsrpt pipe`: one mail on standard input, from an alias or Sieve script of a mail server, kept in the spool until `ingest` runs.

Ends with 0 once the mail is safe and with 75 otherwise, so that the mail server tries again; in milliseconds, so nothing heavy is imported.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, BinaryIO

from pipeline.errors import ConfigError
from pipeline.settings.config_file import receive_table
from pipeline.spool import FULL_PERCENT, Spool

if TYPE_CHECKING:
    from pipeline.cli import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--spool", metavar="DIR", help="the spool (default: [receive] spool of the configuration)")


def run(args: argparse.Namespace, context: Context) -> int:
    table = {} if args.spool else receive_table(context.config)
    folder = args.spool or table.get("spool")
    if not folder or not isinstance(folder, str):
        raise ConfigError("no spool is configured; set spool of [receive], or give --spool DIR")
    try:
        percent = int(table.get("full_percent") or FULL_PERCENT)
    except ValueError as err:
        raise ConfigError("full_percent of [receive] is no whole number") from err
    spool = Spool(folder, full_percent=percent)
    spool.put_piped(_Mail(sys.stdin.buffer))
    return 0


class _Mail:
    """A mail without the line `From …` that Postfix puts before one for the command of an alias: no header, but of mboxes (RFC 4155)."""

    def __init__(self, source: BinaryIO) -> None:
        self._source, self._begun = source, False

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes; none at the end."""
        if not self._begun:
            self._begun = True
            line = self._source.readline(size)
            if not (line.startswith(b"From ") and line.endswith(b"\n")):
                return line
        return self._source.read(size)
