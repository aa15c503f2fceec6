"""An event: one thing worth telling somebody, as a frozen value with a name that survives repetition."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from pipeline.insight.incident import Incident

Kind = Literal["new", "worse", "still", "over", "changed", "ahead", "summary"]
Urgency = Literal["now", "later"]
Topic = Literal["fault", "ingest", "reporter", "certificate", "published", "readiness", "rollover", "summary", "digest"]

TOPICS: tuple[Topic, ...] = ("fault", "ingest", "reporter", "certificate", "published", "readiness", "rollover", "summary", "digest")

_KIND_ORDER = {"summary": 0, "new": 1, "worse": 1, "still": 2, "changed": 2, "ahead": 2, "over": 3}


class Notice(NamedTuple):
    """One thing to tell. Its texts hold names of hosts, domains and reporters, and no other text out of a report."""

    lineage: str
    """What it is about, the same as long as the matter lasts: `fault:mx-certificate-expired:0f3a52c19be7`."""
    topic: Topic
    kind: Kind
    urgency: Urgency
    """now: mail is refused or endangered, or nobody would notice; later: it can wait for the digest."""
    revision: str
    """Tells one state of the matter from the next: a day, a threshold, a digest."""
    domains: tuple[str, ...]
    title: str
    what: str
    step: str
    """The first step to take; empty where nothing is to be done."""
    path: str = ""
    """The address below that of the page."""
    fault: str = ""
    """Whose it is: ours, sender, path, unknown; empty for what is not a fault."""

    @property
    def tags(self) -> frozenset[str]:
        """The words by which a channel chooses: urgency, topic, kind, and `ours` where the fault is."""
        return frozenset({self.urgency, self.topic, self.kind, *((self.fault,) if self.fault else ())})

    @property
    def key(self) -> str:
        """32 hex digits by which a receiver drops a repetition."""
        return hashlib.sha256(f"{self.lineage}\0{self.kind}\0{self.revision}".encode()).hexdigest()[:32]


def lineage_of(incident: Incident) -> str:
    """Return the name of the fault of an incident: its cause, and the id all incidents of that fault share."""
    return f"fault:{incident.cause}:{incident.fault_id or incident.id}"


def worst_first(events: list[Notice]) -> list[Notice]:
    """Return events in the order of telling: urgent ones first, then what is new, then what is over; more domains before fewer."""
    return sorted(
        events,
        key=lambda event: (
            event.urgency != "now",
            _KIND_ORDER[event.kind],
            TOPICS.index(event.topic),
            -len(event.domains),
            event.lineage,
        ),
    )


def to_plain(event: Notice) -> dict[str, object]:
    """Return an event as plain values, for JSON."""
    return {**event._asdict(), "domains": list(event.domains)}


def from_plain(plain: dict[str, Any]) -> Notice:
    """Return an event from plain values.

    Raises:
        ValueError: They are not those of an event.
    """
    try:
        return Notice(**{**plain, "domains": tuple(plain["domains"])})
    except (KeyError, TypeError) as err:
        raise ValueError(f"not an event: {err}") from err
