"""The mails that benchmarks are run on: those of random worlds, signed, and the zone with their keys; the same ones in every run."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pipeline.demo.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.demo.mail import DemoMail


def world_mails(count: int) -> tuple[list[DemoMail], Mapping[str, str]]:
    """Mails of as many random worlds as it takes, and the zone with their keys."""
    mails: list[DemoMail] = []
    zone: dict[str, str] = {}
    for seed in range(1, 100):
        world = World.random(seed)
        mails += islice(world.mails(world.spec.first_day, world.spec.last_day), count - len(mails))
        zone |= world.keys
        if len(mails) == count:
            return mails, zone
    raise RuntimeError(f"the worlds have fewer than {count} mails")
