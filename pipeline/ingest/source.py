"""What a source must do that is no IMAP mailbox: name what it has, hand it over, and treat it once it is in the lake.

Whatever the way, the messages end in the same workers, ledger and outcomes. `tests/ingest/test_sources.py` holds every source, IMAP and
files included, to the same promises: nothing lost under kill, cut and repeat; nothing stored twice; foreign mail untouched.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from pipeline import log
from pipeline.errors import TryAgainError
from pipeline.failpoint import reach
from pipeline.ingest.sink import Sink
from pipeline.lake.dedup.settle import mailbox_outcomes
from pipeline.message.fetched import messages_and_bytes
from pipeline.stages import FETCH, TREAT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    import pyarrow as pa

    from pipeline.ingest.context import Hands
    from pipeline.message.fetched import Fetched

CHUNK_MESSAGES = 200
CHUNK_BYTES = 8 * 1024 * 1024


class Source(Protocol):
    """A place that holds mails or report files under lasting names."""

    @property
    def name(self) -> str:
        """How the configuration calls it."""

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts of the ledger that its messages have."""

    @property
    def promise(self) -> str:
        """What is done with messages afterwards, as one text; where it changes, messages from before stay as they were promised.

        Empty: always the same.
        """

    def names(self) -> Sequence[str]:
        """Return the lasting names (`MessageRef.item`) of all that is there now, oldest first.

        Raises:
            TlsrptError: It cannot be told.
        """

    def fetch(self, names: Sequence[str]) -> Iterator[Fetched]:
        """Hand these over, in this order; what has gone meanwhile is left out.

        Raises:
            TlsrptError: The source fails; what was handed over is kept.
        """

    def close(self) -> None:
        """Let go of what is held open."""

    def treat(self, outcomes: Iterable[tuple[str, str]]) -> None:
        """Do what is configured with messages the lake has, by name and outcome; done already is fine.

        Raises:
            TlsrptError: The source refuses.
        """


@contextmanager
def minding_throttling(hands: Hands, name: str, folder: str) -> Iterator[None]:
    """Leave a server alone as long as it asked for, and remember what it asks for inside.

    Args:
        hands: What the run works with; the moment of the run decides.
        name: Name of the mailbox or source in the configuration.
        folder: The folder that was asked; empty for what has none.

    Raises:
        TryAgainError: The time has not come yet.
    """
    until = hands.memory(name, folder).not_before
    if until is not None and until > hands.job.run.ingested_at:
        raise TryAgainError(f"mailbox {name}: the server asked not to be called before {until:%Y-%m-%d %H:%M:%S} UTC; nothing was done")
    try:
        yield
    except TryAgainError as err:
        if err.not_before is not None:
            hands.remember(name, folder, not_before=err.not_before)
        raise


def take(hands: Hands, source: Source) -> None:
    """Take what is new at a source, commit it, and only then treat it; a killed run's messages are treated first.

    Raises:
        TlsrptError: The source fails, or the lake cannot be written.
    """
    with minding_throttling(hands, source.name, ""):
        _take(hands, source)


def _take(hands: Hands, source: Source) -> None:
    names = source.names()
    known = hands.lake.ledger.items(source.accounts, names)
    dry = hands.writer is None
    if not dry:
        since = _promised_since(hands, source)
        source.treat((name, outcome) for name, (outcome, ingested_at) in known.items() if since is None or ingested_at >= since)
    fresh = [name for name in names if name not in known]
    if not fresh:
        log.info("nothing-new", source=source.name, messages=len(names))
        return

    def committed(messages: pa.Table, outcomes: Sequence[str]) -> None:
        names, results = (messages.column(name).to_pylist() for name in ("item", "dkim_result"))
        reach("source-committed")
        told = [(name, fate) for name, fate in zip(names, mailbox_outcomes(outcomes, results), strict=True) if name]
        if not dry:
            with hands.tally.stages.timing(TREAT, messages=len(told)):
                source.treat(told)
        reach("source-treated")

    sink = Sink(hands.lake, hands.tally, committed)
    hands.progress.begin(source.name, len(fresh))
    try:
        for chunk, columns in hands.pool.read(hands.tally.stages.over(FETCH, chunks(source.fetch(fresh), hands), messages_and_bytes)):
            hands.progress.advance(len(chunk))
            sink.add(hands.within_quota(columns))
            if hands.stop:
                break
    finally:
        sink.flush()  # what was fetched is worth keeping even when the source is gone
        hands.progress.end()


def chunks(fetched: Iterable[Fetched], hands: Hands, messages: int = CHUNK_MESSAGES) -> Iterator[list[Fetched]]:
    """Yield messages in chunks that are read together; none after somebody asked to stop.

    Args:
        fetched: The messages.
        hands: What the run works with.
        messages: So many make a chunk; fewer where they are large.
    """
    chunk: list[Fetched] = []
    size = 0
    for each in fetched:
        if hands.stop:
            break
        chunk.append(each)
        size += each.size_bytes
        if len(chunk) >= messages or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _promised_since(hands: Hands, source: Source) -> datetime | None:
    if not source.promise:
        return None
    memory = hands.memory(source.name, "")
    if memory.after != source.promise or memory.since is None:
        memory = hands.remember(source.name, "", after=source.promise, since=hands.job.run.ingested_at)
    return memory.since
