"""The mails that benchmarks are run on: those of random worlds, signed, and the zone with their keys; the same ones in every run."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from pipeline.message.fetched import Fetched, MessageRef
from pipeline.message.verdict import VOUCHED
from pipeline.report.read import read_mail
from pipeline.report.rows import Ownership, RunStamp, build_rows
from tests.worlds.random_worlds import random_world

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.demo.mail import DemoMail
    from pipeline.tables.row_types import MessageRows


RUN = RunStamp("bench", datetime(2026, 11, 1, tzinfo=UTC), "bench")


def rows_of(mail: DemoMail, uid: int = 1) -> MessageRows:
    """Read one mail of a world into rows, with its sender believed."""
    reading = read_mail(mail.content, received_at=mail.received_at)
    fetched = Fetched(MessageRef("rua", "INBOX", 1, uid), mail.content, mail.received_at, len(mail.content))
    return build_rows(fetched=fetched, reading=reading, verdicts=(VOUCHED,) * len(reading.parts), own=Ownership(), run=RUN)


def world_mails(count: int) -> tuple[list[DemoMail], Mapping[str, str]]:
    """Mails of as many random worlds as it takes, and the zone with their keys."""
    mails: list[DemoMail] = []
    zone: dict[str, str] = {}
    for seed in range(1, 100):
        world = random_world(seed)
        mails += islice(world.mails(world.spec.first_day, world.spec.last_day), count - len(mails))
        zone |= world.keys
        if len(mails) == count:
            return mails, zone
    raise RuntimeError(f"the worlds have fewer than {count} mails")
