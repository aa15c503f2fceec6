"""An event: one thing worth telling somebody, as a frozen value with a name that survives repetition; and the words for it.

What came out of a report is a name at most, and no channel takes it for markup, a mention or a command.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from pipeline.insight.phrases import and_more

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.insight.incident import Incident

Kind = Literal["new", "worse", "still", "over", "changed", "ahead", "summary"]
Urgency = Literal["now", "later"]
Topic = Literal["fault", "ingest", "reporter", "certificate", "published", "readiness", "rollover", "summary", "digest"]

TOPICS: tuple[Topic, ...] = get_args(Topic)

_KIND_ORDER = {"summary": 0, "new": 1, "worse": 1, "still": 2, "changed": 2, "ahead": 2, "over": 3}

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9.:_/-]")
_HOST_NAME = re.compile(r"[a-z0-9._-]+")
_MARKUP = re.compile(r"[<>`*|\[\]@#~]")
_WILDCARD = re.compile(r"\*\.(?=[a-z0-9])")
_NAME_CHARS = 253
_TEXT_CHARS = 1_000


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


def name(value: str) -> str:
    """Return a domain, host, address or reporter as a notice shows it: every other sign becomes a question mark."""
    return _NOT_IN_A_NAME.sub("?", value)[:_NAME_CHARS] or "?"


def names(values: Sequence[str], most: int = 3) -> str:
    """Return the first names and how many more there are."""
    return and_more([name(value) for value in values], most)


def defused(value: str) -> str:
    """Return a text of ours that has names of others in it, without what chat programs, Markdown or HTML might obey."""
    flat = _WILDCARD.sub("(any).", " ".join(value.split()))
    shown = "".join(char if char.isprintable() else "?" for char in flat)
    return _MARKUP.sub("'", shown)[:_TEXT_CHARS]


def speaks_of(text: str, domain: str) -> bool:
    """Say whether a text of ours names a domain or a host below it."""
    return any(part == domain or part.endswith(f".{domain}") for part in _HOST_NAME.findall(text))
