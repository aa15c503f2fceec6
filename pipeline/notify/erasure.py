"""Erasure of a domain reaches the notes beside the tables: outbox, mutes, audit, and what `incidents --new-since-last` remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.insight import told_incidents
from pipeline.lake.storage.notes import open_note
from pipeline.notify import audit, mutes, outbox
from pipeline.notify.cron_channel import FORMER
from pipeline.notify.kept_notes import MUTES, OUTBOX

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pipeline.lake.storage.location import Location


def forget_domain(location: Location, domain: str) -> None:
    """Take a domain out of every note that speaks of domains.

    Args:
        location: Where the lake lies.
        domain: A lower-case A-label.

    Raises:
        LakeError: A note cannot be read or written.
        TryAgainError: Another process holds the notes.
    """
    _rewrite(location, audit.NAME, lambda plain: audit.to_plain(audit.without_domain(audit.from_plain(plain), domain)))
    _rewrite(location, OUTBOX, lambda plain: outbox.to_plain(_without(outbox.from_plain(plain), domain)))
    _rewrite(location, MUTES, lambda plain: mutes.to_plain(mutes.without_domain(mutes.from_plain(plain), domain)))
    _rewrite(
        location, FORMER, lambda plain: told_incidents.to_plain([one for one in told_incidents.from_plain(plain) if one.domain != domain])
    )


def _without(boxes: dict[str, outbox.Box], domain: str) -> dict[str, outbox.Box]:
    return {name: outbox.without_domain(box, domain) for name, box in boxes.items()}


def _rewrite(location: Location, name: str, rewritten: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    with open_note(location, name) as note:
        plain = note.read()
        if plain is None:
            return
        try:
            note.write(rewritten(plain))
        except (ValueError, KeyError, TypeError) as err:
            raise note.damaged(str(err)) from err
