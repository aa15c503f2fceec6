"""What a run of the notifier looks at: the state of things on one day, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.insight.coverage import Coverage
    from pipeline.insight.ground import Ground
    from pipeline.insight.incident import Incident
    from pipeline.notify.mutes import Mute


class MailboxState(NamedTuple):
    """Whether a mailbox is looked into."""

    name: str
    failing_since: datetime | None
    """None: the last look was well."""
    silent_since: datetime | None
    """Since when it gives nothing although it used to; None: it does, or nobody knows its habit."""
    error: str
    """In one sentence, ours."""


class Certificate(NamedTuple):
    """A certificate the last check saw."""

    domain: str
    place: str
    """The host that presents it."""
    expires: date


class PublishedState(NamedTuple):
    """What a domain publishes, as last checked."""

    domain: str
    checked: date
    digest: str
    """Of policy, id, TLSRPT record, MX hosts and TLSA records."""
    mode: str | None
    changed_on: date | None = None
    """The day of the check that saw the last change, of the last thirty days; None: there was none."""
    changes: tuple[str, ...] = ()
    """What changed then, a clause each."""


class RollOver(NamedTuple):
    """A DANE roll-over ahead that will break mail."""

    domain: str
    place: str
    what: str
    step: str


class Measured(NamedTuple):
    """Numbers that are not events."""

    last_ingest: Mapping[str, datetime]
    """By mailbox: when something of it was stored last."""
    last_look: Mapping[str, datetime]
    """By mailbox: when it was last looked into with success."""
    quarantined: int
    not_counted: int
    """Reports of the last 90 days that do not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The state of things. What could not be looked at is not in it: nothing is ever told because something could not be checked."""

    as_of: date
    incidents: tuple[Incident, ...] = ()
    enforcing: frozenset[str] = frozenset()
    """Domains whose policy is `enforce`, published or as senders applied it lately."""
    mailboxes: tuple[MailboxState, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    published: tuple[PublishedState, ...] = ()
    verdicts: tuple[tuple[str, str], ...] = ()
    """Domain and verdict of readiness."""
    roll_overs: tuple[RollOver, ...] = ()
    ground: Ground | None = None
    """What all of it rests on; None: not asked."""
    muted: tuple[Mute, ...] = ()
    """Those that hold now."""
