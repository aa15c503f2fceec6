"""Importing files: chunks that are read together, without those whose bytes the ledger knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import InputError, NotAReportError
from pipeline.ingest.sink import Sink
from pipeline.ingest.source import chunks
from pipeline.mailbox.mail_files import STDIN, printable, read_paths
from pipeline.message.fetched import messages_and_bytes
from pipeline.stages import FETCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa

    from pipeline.ingest.context import Hands
    from pipeline.message.fetched import Fetched

CHUNK_FILES = 1_000
"""Files that are read together: they come faster than mail, and to type the hundred columns of a chunk takes 3 ms whatever is in it."""


def import_files(hands: Hands, paths: Sequence[str]) -> None:
    """Import files and folders; what was imported before is a duplicate and not read again.

    Raises:
        InputError: A path is missing or cannot be read.
        NotAReportError: One file was named, and it is not a report.
        LakeError: The lake cannot be written.
    """
    source = read_paths(paths, received_at=hands.job.run.ingested_at, limits=hands.job.limits)
    refused: list[str] = []
    sink = Sink(hands.lake, hands.tally, lambda messages, outcomes: refused.extend(_reasons(messages, outcomes)))
    hands.progress.begin("files", None)
    for chunk, columns in hands.pool.read(
        _not_seen(hands, hands.tally.stages.over(FETCH, chunks(source, hands, CHUNK_FILES), messages_and_bytes))
    ):
        hands.progress.advance(len(chunk))
        sink.add(columns)
    sink.flush()
    hands.progress.end()
    hands.tally.skipped += source.skipped
    if source.unreadable:
        hands.tally.exit_codes.append(InputError.exit_code)
    _refuse_single(hands, paths, refused)


def _not_seen(hands: Hands, chunks: Iterable[list[Fetched]]) -> Iterator[list[Fetched]]:
    seen: set[str] = set()
    for chunk in chunks:
        hashed = [each.hashed() for each in chunk]
        known = hands.lake.ledger.file_hashes(each.sha256 for each in hashed if each.sha256 and each.sha256 not in seen)
        fresh = []
        for fetched in hashed:
            digest = fetched.sha256
            if digest is not None and (digest in seen or digest in known):
                hands.tally.add(["duplicate"])
                continue
            fresh.append(fetched)
            if digest is not None:
                seen.add(digest)
        if fresh:
            yield fresh


def _reasons(messages: pa.Table, outcomes: Sequence[str]) -> Iterator[str]:
    reasons = (messages.column(name).to_pylist() for name in ("reject_code", "reject_detail"))
    for code, detail, outcome in zip(*reasons, outcomes, strict=True):
        if outcome in {"quarantined", "too_large"}:
            yield f"{code}: {detail}"


def _refuse_single(hands: Hands, paths: Sequence[str], refused: Sequence[str]) -> None:
    """One named file that cannot be read, or is not a report, is a mistake of the user; among others it is normal."""
    seen = hands.tally.messages + hands.tally.skipped
    if len(paths) != 1 or seen > 1 or not (paths[0] == STDIN or Path(paths[0]).is_file()):
        return
    what = "what came on standard input" if paths[0] == STDIN else printable(paths[0])
    if refused:
        raise NotAReportError(f"{what} cannot be read: {refused[0]}; it is kept, see tlsrpt rejects")
    if hands.tally.not_tlsrpt + hands.tally.skipped == seen:
        raise NotAReportError(f"{what} is not a TLS report; expected a report mail, JSON, or gzip or zip of one")
