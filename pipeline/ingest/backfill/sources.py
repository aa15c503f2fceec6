"""The sources of a bulk import, one after the other, as chunks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import InputError, UsageError
from pipeline.ingest.backfill.listing import list_path
from pipeline.mailbox.mail_files import STDIN, FileImport, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.ingest.backfill.chunk import Chunk
    from pipeline.ingest.stop import Stop

BUCKET = "s3://"


def check_sources(sources: Sequence[str]) -> None:
    """See that every local source is there before anything is done.

    Raises:
        InputError: One is not.
        UsageError: One is standard input, which cannot be read by many.
    """
    for source in sources:
        if source == STDIN:
            raise UsageError("a bulk import does not read standard input; write it to a file, or use tlsrpt ingest -")
        if source.startswith(BUCKET):
            continue
        if not Path(source).exists():
            raise InputError(f"{printable(source)} does not exist; name a folder, a tar, an mbox, a file, or s3://bucket/prefix")
        if not os.access(source, os.R_OK):
            raise InputError(f"{printable(source)} cannot be read; check its owner and permissions")


def list_sources(sources: Sequence[str], walker: FileImport) -> Iterator[Chunk]:
    """Yield the chunks of all sources, in order.

    Args:
        sources: Paths, and s3://bucket/prefix.
        walker: Counts what is passed over.

    Raises:
        InputError: A source cannot be read.
    """
    for source in sources:
        if source.startswith(BUCKET):
            from pipeline.ingest.backfill.bucket_objects import list_bucket

            yield from list_bucket(source, walker)
        else:
            yield from list_path(source, walker)


def size_of(sources: Sequence[str], stop: Stop) -> int | None:
    """Return the bytes of all local sources together; None where one is in a bucket, or somebody asks to stop."""
    total = 0
    if any(source.startswith(BUCKET) for source in sources):
        return None
    waiting = list(sources)
    while waiting:
        path = waiting.pop()
        if stop:
            return None
        try:
            if not Path(path).is_dir():
                total += Path(path).stat().st_size
                continue
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir():
                        waiting.append(entry.path)
                    elif not entry.name.startswith("."):
                        total += entry.stat().st_size
        except OSError:
            continue
    return total
