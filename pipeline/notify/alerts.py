"""What Alertmanager gets: the state, all open faults and silent mailboxes at each run, each valid until the next runs had their time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pipeline.notify.notice_text import defused, name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.notify.notice import Notice


class Alert(NamedTuple):
    """One alert of Alertmanager's API, version 2."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts: datetime
    ends: datetime
    link: str

    def as_json(self) -> dict[str, object]:
        """Return it as the API takes it."""
        plain: dict[str, object] = {
            "labels": self.labels,
            "annotations": self.annotations,
            "startsAt": self.starts.isoformat(),
            "endsAt": self.ends.isoformat(),
        }
        return {**plain, "generatorURL": self.link} if self.link else plain


def alerts_of(standing: Iterable[tuple[Notice, datetime]], *, now: datetime, valid: timedelta, link: str) -> list[Alert]:
    """Return the alerts of what stands now.

    Args:
        standing: Each open matter as an event, and when it began.
        now: The moment of posting.
        valid: How long an alert lives without being posted again.
        link: The address of the page, or an empty text.
    """
    return [
        Alert(
            {
                "alertname": f"tlsrpt_{event.topic}",
                "matter": event.lineage,
                "urgency": event.urgency,
                "fault": event.fault or "none",
                "domains": ",".join(name(domain) for domain in event.domains[:20]),
            },
            {"summary": defused(event.title), "description": defused(event.what), "step": defused(event.step)},
            began,
            now + valid,
            f"{link.rstrip('/')}/{event.path}" if link else "",
        )
        for event, began in standing
    ]
