"""What a channel is given: the events of one run as one message in its words, or for Alertmanager all that stands open now."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.phrases import count_of
from pipeline.notify.notice import defused, name, to_plain, worst_first

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from pipeline.notify.notice import Notice

_MARKS = {"new": "NEW", "worse": "WORSE", "still": "STILL", "over": "OVER", "changed": "CHANGED", "ahead": "AHEAD", "summary": "SUMMARY"}


class Message(NamedTuple):
    """What is sent at once. `key` is the same for every repetition of it."""

    key: str
    subject: str
    text: str
    events: tuple[Notice, ...]
    left_out: int
    """Events beyond the configured most; they are counted in the text."""


def message_of(events: Sequence[Notice], *, most: int, link: str) -> Message:
    """Return the message of these events, the worst first.

    Args:
        events: At least one.
        most: No more than so many are told in full.
        link: The address of the page; empty: there is none to link to.
    """
    ordered = worst_first(list(events))
    shown = ordered[:most]
    if ordered[0].topic == "digest":  # it has words of its own, defused when they were written
        return Message(ordered[0].key, ordered[0].title, ordered[0].what, (ordered[0],), 0)
    key = hashlib.sha256("\0".join(sorted(event.key for event in events)).encode()).hexdigest()[:32]
    blocks = [_block(event, link) for event in shown]
    if left := len(ordered) - len(shown):
        blocks.append(f"And {left:,} more{f': {link}' if link else '; `tlsrpt incidents` lists them'}.")
    blocks.append(f"(notice {key})")
    return Message(key, _subject(ordered), "\n\n".join(blocks) + "\n", tuple(shown), left)


def _subject(ordered: Sequence[Notice]) -> str:
    first = defused(ordered[0].title)
    more = len(ordered) - 1
    word = f", {ordered[0].kind}" if ordered[0].topic == "fault" and ordered[0].kind in {"worse", "over"} else ""
    return f"TLS reports{word}: {first}" + (f" (and {count_of(more, 'other')})" if more else "")


def _block(event: Notice, link: str) -> str:
    lines = [f"{_MARKS[event.kind]}: {defused(event.title)}", defused(event.what)]
    if event.step:
        lines.append(f"First step: {defused(event.step)}")
    if link:
        lines.append(f"{link.rstrip('/')}/{event.path}")
    return "\n".join(lines)


def as_json(message: Message, link: str) -> dict[str, object]:
    """Return a message for a webhook: its key, and each event with its own key and link."""
    return {
        "version": 1,
        "key": message.key,
        "subject": message.subject,
        "events": [event_json(event, link) for event in message.events],
        "left_out": message.left_out,
    }


def event_json(event: Notice, link: str) -> dict[str, object]:
    """Return an event as one JSON object, for a webhook or a line in a log."""
    plain = to_plain(event)
    path = plain.pop("path")
    return {"key": event.key, **plain, "link": f"{link.rstrip('/')}/{path}" if link else None}


def alerts_of(standing: Iterable[tuple[Notice, datetime]], *, now: datetime, valid: timedelta, link: str) -> list[dict[str, object]]:
    """Return what stands now as alerts of Alertmanager's API, version 2, each valid until the next runs had their time.

    Args:
        standing: Each open matter as an event, and when it began.
        now: The moment of posting.
        valid: How long an alert lives without being posted again.
        link: The address of the page, or an empty text.
    """
    return [
        {
            "labels": {
                "alertname": f"tlsrpt_{event.topic}",
                "matter": event.lineage,
                "urgency": event.urgency,
                "fault": event.fault or "none",
                "domains": ",".join(name(domain) for domain in event.domains[:20]),
            },
            "annotations": {"summary": defused(event.title), "description": defused(event.what), "step": defused(event.step)},
            "startsAt": began.isoformat(),
            "endsAt": (now + valid).isoformat(),
            **({"generatorURL": f"{link.rstrip('/')}/{event.path}"} if link else {}),
        }
        for event, began in standing
    ]
