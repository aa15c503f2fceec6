"""Whether the mailboxes are looked into, and give anything: the pipeline's own health. Pure over looks and the habit of each mailbox.

Numbers from a mailbox that nobody reads any more look like good news; so `ingest-silent` comes before everything else.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.lake.mailbox_looks import Look, Seen

CAUSE = "ingest-silent"
FAILING = timedelta(hours=24)
"""So long a mailbox may fail, or not be looked into, before it is said."""
_TIMES_USUAL = 3
_LEAST = timedelta(days=3)
_WITHOUT_HABIT = timedelta(days=7)
_HABIT_DAYS = 5
"""Days with mail from which a habit can be told."""

Why = Literal["failing", "not-looked-into", "nothing-found"]


class MailHabit(NamedTuple):
    """How often a mailbox gets mail."""

    account: str
    days: int
    usual_gap_days: int | None
    last_found_at: datetime | None


class MailboxHealth(NamedTuple):
    """The state of one mailbox."""

    mailbox: str
    configured: bool
    last_try: datetime | None
    """None: unknown, the lake is older than the note of looks, or nobody has looked yet."""
    last_success: datetime | None
    error: str
    """Of the last look, where it failed."""
    failing_since: datetime | None
    last_found_at: datetime | None
    """When something new was last in it."""
    silent_since: datetime | None
    """Since when it is `ingest-silent`; None: it is not."""
    why: Why | None
    exit_code: int | None = None
    """Of the last look that ended; 0: it was well."""

    def title(self) -> str:
        """Return the state in a few words."""
        words = {"failing": "cannot be read", "not-looked-into": "is no longer polled", "nothing-found": "has gone silent"}
        return f"Mailbox {self.mailbox} {words[self.why]}" if self.why else f"Mailbox {self.mailbox} is read"

    def sentence(self) -> str:
        """Return what is known of it, in one or two sentences."""
        if self.why == "failing":
            return f"It has not been polled successfully since {_moment(self.silent_since)}: {self.error or 'the runs do not finish'}."
        if self.why == "not-looked-into":
            return f"It has never been polled since {_moment(self.silent_since)}."
        if self.why == "nothing-found":
            return f"It is polled, but nothing new has arrived since {_moment(self.silent_since)}, much longer than usual."
        if self.error:
            return f"The last poll failed ({_moment(self.last_try)}): {self.error}. Last success: {_moment(self.last_success)}."
        return f"Last polled {_moment(self.last_success)}." if self.last_success else "Time of the last poll unknown."

    def fix(self) -> str:
        """Return what to do."""
        if self.why == "failing":
            return "Run `tlsrpt doctor`, which shows what the mail server answers; mail that arrives meanwhile is read later."
        if self.why == "not-looked-into":
            return "Check whether cron or the timer still runs `tlsrpt ingest`, and what it wrote to its log."
        if self.why == "nothing-found":
            return "Check that the _smtp._tls records still name this mailbox, and that mail to it is delivered."
        return ""

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in self._asdict().items()}


def judge(
    seen: Iterable[Seen], looks: Sequence[Look], habits: Iterable[MailHabit], configured: Sequence[str], *, now: datetime
) -> list[MailboxHealth]:
    """Return the state of every mailbox that is configured, or was ever looked into; the silent ones first.

    Args:
        seen: What is known of each by the note of looks.
        looks: The looks, oldest first.
        habits: What the ledger says of each.
        configured: The names of the configuration. Others are never silent: somebody took them out on purpose.
        now: Aware; how long a mailbox has been silent is counted up to here.
    """
    by_name = {each.mailbox: each for each in seen}
    usual = {habit.account: habit for habit in habits}
    names = [*configured, *(name for name in by_name if name not in configured)]
    found = [_of(name, by_name.get(name), looks, usual, now, configured=name in configured) for name in names]
    return sorted(found, key=lambda each: (each.why is None, not each.configured, each.mailbox))


def _of(
    name: str, seen: Seen | None, looks: Sequence[Look], usual: Mapping[str, MailHabit], now: datetime, *, configured: bool
) -> MailboxHealth:
    habit = usual.get(name)
    health = MailboxHealth(
        mailbox=name,
        configured=configured,
        last_try=seen.last_try if seen else None,
        last_success=seen.last_success if seen else None,
        error=seen.error if seen else "",
        failing_since=seen.failing_since if seen else None,
        last_found_at=habit.last_found_at if habit else None,
        silent_since=None,
        why=None,
        exit_code=next((look.exit_code for look in reversed(looks) if look.mailbox == name and look.exit_code is not None), None),
    )
    if seen is None or not configured:
        return health
    since = seen.last_success or seen.first_try
    if now - since > max(FAILING, _TIMES_USUAL * _between(name, looks)):
        tried_since = seen.last_try > since or seen.last_success is None
        return health._replace(silent_since=since, why="failing" if tried_since else "not-looked-into")
    last = max(filter(None, (health.last_found_at, seen.first_try if health.last_found_at is None else None)))
    if seen.last_success is not None and now - last > _patience(habit):
        return health._replace(silent_since=last, why="nothing-found")
    return health


def _between(name: str, looks: Sequence[Look]) -> timedelta:
    """Return the middle distance between two looks: whoever looks once a day is not late after a day and an hour."""
    moments = [look.began_at for look in looks if look.mailbox == name]
    steps = sorted(after - before for before, after in pairwise(moments))
    return steps[len(steps) // 2] if steps else timedelta(0)


def _patience(habit: MailHabit | None) -> timedelta:
    if habit is None or habit.days < _HABIT_DAYS or habit.usual_gap_days is None:
        return _WITHOUT_HABIT
    return max(_LEAST, _TIMES_USUAL * timedelta(days=habit.usual_gap_days))


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment is not None else "never"


def not_read(silent: Sequence[MailboxHealth]) -> str:
    """Return what no conclusion can be about: nothing of these mailboxes since a day; empty where all are read."""
    return ", ".join(f"nothing of mailbox {box.mailbox} since {_moment(box.silent_since)}" for box in silent if box.why)


def as_incident(box: MailboxHealth, *, since: datetime | None = None) -> dict[str, Any]:
    """Return a silent mailbox with the members that an incident has in JSON; its scope is the mailbox, and no domain.

    Args:
        box: The mailbox.
        since: Since when it was silent, of one that is read again.
    """
    began, ended = box.silent_since or since, None if box.why else box.last_success
    first = began.date().isoformat() if began else None
    return {
        "id": hashlib.sha256(f"{box.mailbox}\0{CAUSE}\0{first}".encode()).hexdigest()[:12],
        "domain": None,
        "mailbox": box.mailbox,
        "cause": CAUSE,
        "fault": "ours",
        "state": "open" if box.why else "resolved",
        **{name: [] for name in ("result_types", "mx_hosts", "receiving_ips", "reporters")},
        "first_day": first,
        "last_day": ended.date().isoformat() if ended else None,
        "failed_sessions": 0,
        "share": 0.0,
        "comparison": "",
        "meaning": box.sentence(),
        "fix": box.fix(),
        "report_keys": [],
        "title": box.title(),
    }
