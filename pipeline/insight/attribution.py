"""Whose fault an incident is: ours, the sender's, the path's, or not to be told; with the comparison that decided it.

Success rows name no MX host, so a sender is cleared by numbers: one that had n sessions with the domain and names the host in no
failure of this kind is clean on it when chance alone would hardly have kept it off that host, (1 - 1/k)^n < 0.05 for k hosts. Where the
failing senders fail in fewer sessions than one in k (one address of several, one network of several), that share takes the place of
1/k. Only senders that check the same thing are compared: one that knows no DANE proves nothing about TLSA records, and one that holds a
policy in its cache has not tried to fetch it.
"""

from __future__ import annotations

from math import log, log1p
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from pipeline.insight.detect.causes import CAUSES, PASSING_CAUSES, POLICY_HOST_CAUSES
from pipeline.insight.phrases import count_of, listed, span_of
from pipeline.insight.rate_bound import at_most
from pipeline.insight.safe_commands import is_address

if TYPE_CHECKING:
    from datetime import date

    from pipeline.insight.detect.failure_cube import Flags, Ints
    from pipeline.insight.detect.failure_runs import Run
    from pipeline.insight.detect.reporter_exposure import Exposure
    from pipeline.insight.thresholds import InsightSettings

Fault = Literal["ours", "sender", "path", "unknown"]

_NAMED = 4
_SOME_DAYS = 3
_MUCH_LESS = 10
"""A sender that fails this many times less than the others, beyond chance, is not hit by the same fault."""


class Group(NamedTuple):
    """Some senders, as far as they are told of."""

    names: tuple[str, ...]
    """Most sessions first; of many only the first."""
    size: int
    failed: int
    sessions: int

    def __str__(self) -> str:
        return listed(self.names, of=self.size)


class Standing(NamedTuple):
    """The senders that can be compared, in three groups."""

    failing: Group
    """All of them by name."""
    clean: Group
    silent: Group
    """Those whose numbers prove nothing."""


class Surroundings(NamedTuple):
    """What is known beside the failures of a run."""

    ground: Exposure
    """Sessions of all reporters on the days of the run."""
    sessions: int
    """Those of the senders that failed."""
    hosts_seen: int
    """MX hosts of the domain that are known of."""
    addresses_seen: frozenset[str]
    """Receiving addresses named in failures of any cause on the hosts of the run."""
    has_known: bool
    """Whether one of the senders that failed is a known reporter, whose word is enough to blame us."""
    max_age_days: int | None = None
    """How long the policy applied in the failures may be held; None where it is not known."""
    days_since_change: int | None = None
    """Days from the first sight of a newer policy to the last failure."""


class Attribution(NamedTuple):
    """The fault, and what the cause becomes in its light."""

    fault: Fault
    cause: str
    node: str | None
    """The one address that fails."""


def standing_of(run: Run, around: Surroundings, settings: InsightSettings) -> Standing:
    """Sort the senders that check the same thing into failing, clean, and proving nothing.

    Args:
        run: The failures, of one domain and cause.
        around: What is known beside them; its `ground` says who had sessions at all.
        settings: `clean_confidence`, and `stray_sessions` for causes that can pass by themselves.
    """
    ground = around.ground
    sessions = _comparable(run, ground)
    at = ground.places(run.by_reporter)
    counts = {r: (failed, max(failed, int(sessions[at[r]]) if r in at else 0)) for r, failed in run.by_reporter.items()}
    # One failure in two sessions is not a rate yet: a sender sets the measure once it has a few.
    worst = max((failed / max(n, 5) for failed, n in counts.values()), default=0.0)
    few = settings.stray_sessions if run.cause in PASSING_CAUSES else 0
    steady = _steady(run) if run.cause in POLICY_HOST_CAUSES else frozenset()
    hit = {r: pair for r, pair in counts.items() if pair[0] > few and (r in steady or not _is_beside(*pair, worst, settings))}
    failing = hit or counts
    chance = min(1 / max(1, around.hosts_seen), _share(failing))
    failed = np.zeros(len(sessions), dtype=np.int64)
    other = sessions > 0
    for reporter, place in at.items():
        failed[place] = counts[reporter][0]
        other[place] &= reporter not in failing
    clean = other & _tried(run, ground, around)
    clean &= _cleared(np.where(clean, failed, 0), sessions, chance, settings)
    return Standing(
        Group(tuple(failing), len(failing), sum(pair[0] for pair in failing.values()), sum(pair[1] for pair in failing.values())),
        _group(ground, clean, failed, sessions),
        _group(ground, other & ~clean, failed, sessions),
    )


def _steady(run: Run) -> frozenset[str]:
    """Return the senders that fail about daily: who holds a policy fetches seldom, and a rate of sessions says little about the fetch."""
    days = (run.last_day - run.first_day).days + 1
    spans: dict[str, tuple[date, date]] = {}
    for part in run.parts:
        first, last = spans.get(part.reporter, (part.first_day, part.last_day))
        spans[part.reporter] = min(first, part.first_day), max(last, part.last_day)
    return frozenset(
        reporter
        for reporter, (first, last) in spans.items()
        if 2 * min((last - first).days + 1, run.by_reporter.get(reporter, 0)) >= days >= _SOME_DAYS
    )


def _is_beside(failed: int, sessions: int, worst: float, settings: InsightSettings) -> bool:
    """Say whether a sender fails so much less than the worst that the same fault cannot be what it met."""
    rate = worst / _MUCH_LESS
    return failed < sessions * rate and at_most(failed, sessions, rate) < settings.clean_confidence


def _cleared(failed: Ints, sessions: Ints, chance: float, settings: InsightSettings) -> Flags:
    """Say for each sender whether so few failures in so many sessions are improbable enough."""
    if chance >= 1:
        return np.asarray(failed < sessions)
    cleared = np.asarray(sessions * log1p(-chance) < log(settings.clean_confidence))
    for place in np.flatnonzero(failed).tolist():
        cleared[place] = at_most(int(failed[place]), int(sessions[place]), chance) < settings.clean_confidence
    return cleared


def _group(ground: Exposure, members: Flags, failed: Ints, sessions: Ints) -> Group:
    places = np.flatnonzero(members)
    most = sorted(places.tolist(), key=lambda place: (-int(sessions[place]), ground.names[int(ground.reporter[place])]))[:_NAMED]
    names = tuple(ground.names[int(ground.reporter[place])] for place in most)
    return Group(names, len(places), int(failed[places].sum()), int(sessions[places].sum()))


def _comparable(run: Run, ground: Exposure) -> Ints:
    """Return the sessions in which a sender would have met the fault, by what the cause takes to be seen."""
    checks = CAUSES[run.cause].checks
    if checks == "dane":
        return ground.column("tlsa_sessions")
    if checks == "policy" or (checks == "lost" and "sts" in run.policy_types):
        return ground.column("sts_sessions")
    if checks == "lost":
        return ground.column("tlsa_sessions")
    kinds = [name for name in ("sts", "tlsa") if name in run.policy_types]
    if checks == "starttls" or not kinds:
        return ground.column("sessions")
    columns = [ground.column(f"{name}_sessions") for name in kinds]
    return np.maximum(columns[0], columns[-1])


def _share(pairs: dict[str, tuple[int, int]]) -> float:
    sessions = sum(pair[1] for pair in pairs.values())
    return min(1.0, sum(pair[0] for pair in pairs.values()) / sessions) if sessions else 1.0


def _tried(run: Run, ground: Exposure, around: Surroundings) -> Flags:
    """Say which senders must have tried what fails: a policy is fetched when the held one runs out at the latest."""
    if run.cause not in POLICY_HOST_CAUSES and not (run.cause == "policy-lost" and "sts" in run.policy_types):
        return np.ones(len(ground.reporter), dtype=bool)
    days = (run.last_day - run.first_day).days + 1
    if around.max_age_days is None or days < around.max_age_days:
        return np.zeros(len(ground.reporter), dtype=bool)
    return np.asarray(ground.column("days") >= max(around.max_age_days, days // 2))


def attribute(run: Run, standing: Standing, around: Surroundings) -> Attribution:
    """Decide whose fault an incident is.

    Args:
        run: The failures, of one domain and cause.
        standing: What `standing_of` made of them.
        around: What is known beside them; without a known reporter among those that failed no fault is ours.
    """
    node = _node(run, around)
    fault = _fault(run, standing, around, node)
    if fault == "ours" and not around.has_known:
        fault = "unknown"
    cause = "starttls-stripped" if run.cause == "starttls-missing" and fault == "path" else run.cause
    return Attribution(fault, cause, node)


def _node(run: Run, around: Surroundings) -> str | None:
    """Return the one address that every failure with an address names, where the host is known to have others."""
    if len(run.addresses) != 1 or len(run.hosts) != 1:
        return None
    (address,) = run.addresses
    named = sum(part.mentions for part in run.parts if part.address)
    several = len(around.addresses_seen) > 1 or (":" in address and _share_of_run(run, around) < 0.9)
    # With two addresses, a fault of the whole host names one of them alone in five failures once in thirty times.
    return address if several and named >= 5 and is_address(address) else None


def _share_of_run(run: Run, around: Surroundings) -> float:
    return run.failed_sessions / around.sessions if around.sessions else 1.0


def _fault(run: Run, standing: Standing, around: Surroundings, node: str | None) -> Fault:
    alone = standing.failing.size == 1
    if run.cause == "policy-stale":
        return _fault_of_stale(around)
    if not alone:
        return "ours"
    if node is not None and (":" in node or not standing.clean.size):
        # Not every sender has IPv6, so the clean may never have been there; over IPv4 their sessions were.
        return "ours"
    if standing.clean.size:
        return "path" if run.cause in ("starttls-missing", "starttls-stripped") else "sender"
    days = (run.last_day - run.first_day).days
    others_hold = run.cause == "policy-lost" or (run.cause in POLICY_HOST_CAUSES and standing.silent.size > 1 and days >= 3)
    if standing.silent.size and others_hold:
        # Others hold the policy; none of them has met the fault in days, so neither side is proved.
        return "unknown"
    return "ours" if not standing.silent.size or run.cause != "starttls-missing" else "unknown"


def _fault_of_stale(around: Surroundings) -> Fault:
    """A policy may be held for its max_age (RFC 8461 §3.2); who applies it longer is at fault, until then it is we who changed too soon."""
    if around.max_age_days is None or around.days_since_change is None:
        return "ours"
    return "sender" if around.days_since_change > around.max_age_days else "ours"


def compare(run: Run, standing: Standing, *, node: str | None, fault: Fault, has_known: bool) -> str:
    """Say in one or two sentences what the senders were seen to do, with the numbers that decided the fault.

    Args:
        run: The failures that are left when strays are taken away.
        standing: The senders in their three groups, with the numbers.
        node: The one address that fails; None where there are several, or none is named.
        fault: As `attribute` decided.
        has_known: Whether a known reporter is among those that failed; where none is, and the fault is unknown, the text says so.
    """
    failing, clean, silent = standing
    where = f" on {listed(run.hosts)}" if run.hosts else ""
    lost = run.cause == "policy-lost"
    failed = f"{count_of(failing.failed, 'session')} without a policy" if lost else count_of(failing.failed, "failed session")
    parts = [
        f"{failing} {_verb(failing, 'counts', 'count')} {failed}{where} in {failing.sessions:,} {span_of(run.first_day, run.last_day)}"
    ]
    if clean.size:
        what = f"only {count_of(clean.failed, 'such failure')}" if clean.failed else "no such failure"
        parts.append(
            f"{clean} still {_verb(clean, 'applies', 'apply')} it in {clean.sessions:,} sessions on these days"
            if lost
            else f"{clean} {_verb(clean, 'names', 'name')} {what}{where} in {clean.sessions:,} sessions on these days"
        )
    elif silent.size and lost:
        parts.append(f"{silent} still {_verb(silent, 'applies', 'apply')} it, and may hold it from before")
    elif silent.size:
        parts.append(f"{silent} had too few sessions that could have shown it to be conclusive")
    else:
        parts.append("no other sender that checks this had sessions on these days")
    if node is not None:
        parts.append(f"every failure that names an address names {node}, and others of {listed(run.hosts)} are known")
    if fault == "unknown" and not has_known:
        parts.append("no failing sender is a known reporter yet, so no fault is assigned on their word alone")
    return "; ".join(parts) + "."


def _verb(group: Group, one: str, many: str) -> str:
    return one if group.size == 1 else many
