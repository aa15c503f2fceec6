"""Keys, identities and digests are what they were: they are in people's lakes, and a changed one would take all mail in again."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from pipeline.message.fetched import Fetched, MessageRef
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.rows import Ownership, RunStamp
from pipeline.settings.single_tables import TrustSettings
from pipeline.workers.reading_task import Job, read_chunk
from tests.tables.test_read_columns import GOLDEN
from tests.worlds.random_worlds import random_world

PINNED = Path(__file__).parent / "pinned-keys.txt"
SAMPLE = Path(__file__).parent.parent.parent / "data" / "sample"
RECEIVED = datetime(2026, 5, 13, 6, tzinfo=UTC)
JOB = Job(DEFAULT_LIMITS, Ownership(), TrustSettings(dkim="off"), RunStamp("run", RECEIVED, "0"))


def pinned_mail() -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of every golden report, sample mail, and some days of mail of a made-up world."""
    for path in [*GOLDEN, *sorted(SAMPLE.rglob("*"))]:
        if path.suffix in {".eml", ".json", ".gz"}:
            yield path.name, path.read_bytes()
    world = random_world(7, last_day=datetime(2026, 6, 1, tzinfo=UTC).date())
    for number, mail in enumerate(islice(world.mails(), 200)):
        yield f"world-{number}.eml", mail.content


def keys_of(name: str, content: bytes) -> Iterator[str]:
    """Yield a line for each report of a mail or file: as it came, and where it is a JSON text as a gzipped file, too."""
    bare = not name.endswith(".eml")
    ways = [content, gzip.compress(content, mtime=0)] if name.endswith(".json") else [content]
    for way in ways:
        fetched = Fetched(MessageRef("file", "pinned", item=name), way, RECEIVED, len(way), bare)
        for rows in read_chunk([fetched], JOB):
            for report, *_ in rows.reports:
                yield f"{name} {report.report_key} {report.identity} {report.content_sha256}"


def test_keys_identities_and_digests_are_what_they_were():
    lines = [line for name, content in pinned_mail() for line in dict.fromkeys(keys_of(name, content))]
    if os.environ.get("PIN_KEYS") == "1":
        PINNED.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert len(lines) > 200
    assert lines == PINNED.read_text(encoding="utf-8").splitlines()
