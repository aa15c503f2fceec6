"""Whose fault an incident is: ours, the sender's, the path's, or not to be told; with the comparison that decided it.

Success rows name no MX host, so a sender is cleared by numbers: one that had n sessions with the domain and names the host in no
failure of this kind is clean on it when chance alone would hardly have kept it off that host, (1 - 1/k)^n < 0.05 for k hosts. Where the
failing senders fail in fewer sessions than one in k (one address of several, one network of several), that share takes the place of
1/k. Only senders that check the same thing are compared: one that knows no DANE proves nothing about TLSA records, and one that holds a
policy in its cache has not tried to fetch it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from pipeline.insight.causes import CAUSES, POLICY_HOST_CAUSES
from pipeline.insight.chance import at_most
from pipeline.insight.words import count_of, listed, span_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipeline.config import InsightSettings
    from pipeline.insight.runs import Run
    from pipeline.insight.spans import Counted, Ground

Fault = Literal["ours", "sender", "path", "unknown"]

_MUCH_LESS = 10
"""A sender that fails this many times less than the others, beyond chance, is not hit by the same fault."""


class Standing(NamedTuple):
    """The senders that can be compared, in three groups; each sorted by sessions, most first."""

    failing: dict[str, tuple[int, int]]
    """Failed sessions and sessions, by reporter."""
    clean: dict[str, tuple[int, int]]
    silent: dict[str, tuple[int, int]]
    """Those whose numbers prove nothing."""
    chance: float
    """Of one session to meet the fault, as assumed for the clean."""


class Surroundings(NamedTuple):
    """What is known beside the failures of a run."""

    ground: Ground
    """Sessions of all reporters on the days of the run."""
    hosts_seen: int
    """MX hosts of the domain that are known of."""
    addresses_seen: frozenset[str]
    """Receiving addresses named in failures of any cause on the hosts of the run."""
    known: Collection[str]
    """Reporters whose word is enough to blame us."""
    max_age_days: int | None = None
    """How long the policy applied in the failures may be held; None where it is not known."""
    days_since_change: int | None = None
    """Days from the first sight of a newer policy to the last failure."""


class Attribution(NamedTuple):
    """The fault, why, and what the cause becomes in its light."""

    fault: Fault
    comparison: str
    cause: str
    node: str | None
    """The one address that fails."""


def standing_of(run: Run, around: Surroundings, settings: InsightSettings) -> Standing:
    """Sort the senders that check the same thing into failing, clean, and proving nothing."""
    compared = {reporter: sessions for reporter, counted in around.ground.items() if (sessions := _comparable(run, counted)) > 0}
    for reporter, failed in run.by_reporter.items():
        compared[reporter] = max(compared.get(reporter, 0), failed)
    worst = max((_rate(run, reporter, sessions) for reporter, sessions in compared.items()), default=0.0)
    pairs = {
        reporter: (run.by_reporter.get(reporter, 0), sessions)
        for reporter, sessions in sorted(compared.items(), key=lambda p: (-p[1], p[0]))
    }
    failing = {r: pair for r, pair in pairs.items() if pair[0] and at_most(*pair, worst / _MUCH_LESS) >= settings.clean_confidence}
    if not failing:
        failing = {r: pair for r, pair in pairs.items() if pair[0]}
    chance = min(1 / max(1, around.hosts_seen), _share(failing))
    others = {r: pair for r, pair in pairs.items() if r not in failing}
    clean = {r: pair for r, pair in others.items() if at_most(*pair, chance) < settings.clean_confidence and _tried(run, r, around)}
    return Standing(failing, clean, {r: pair for r, pair in others.items() if r not in clean}, chance)


def _comparable(run: Run, counted: Counted) -> int:
    """Return the sessions in which a sender would have met the fault, by what the cause takes to be seen."""
    checks = CAUSES[run.cause].checks
    if checks == "dane":
        return counted.tlsa_sessions
    if checks == "policy":
        return counted.sts_sessions
    if checks == "starttls":
        return counted.sessions
    sts = counted.sts_sessions if "sts" in run.policy_types else 0
    tlsa = counted.tlsa_sessions if "tlsa" in run.policy_types else 0
    return max(sts, tlsa) if run.policy_types & {"sts", "tlsa"} else counted.sessions


def _rate(run: Run, reporter: str, sessions: int) -> float:
    failed = run.by_reporter.get(reporter, 0)
    # One failure in two sessions is no rate yet: a sender sets the measure once it has a few.
    return failed / max(sessions, 5)


def _share(pairs: dict[str, tuple[int, int]]) -> float:
    sessions = sum(pair[1] for pair in pairs.values())
    return min(1.0, sum(pair[0] for pair in pairs.values()) / sessions) if sessions else 1.0


def _tried(run: Run, reporter: str, around: Surroundings) -> bool:
    """Say whether a sender must have tried what fails: a policy is fetched when the held one runs out, or daily, as most do."""
    if run.cause not in POLICY_HOST_CAUSES:
        return True
    days = (run.last_day - run.first_day).days + 1
    counted = around.ground.get(reporter)
    return around.max_age_days is not None and days >= around.max_age_days and counted is not None and counted.days * 2 >= days


def attribute(run: Run, standing: Standing, around: Surroundings) -> Attribution:
    """Decide whose fault an incident is."""
    node = _node(run, around)
    fault = _fault(run, standing, around, node)
    if fault == "ours" and not any(reporter in around.known for reporter in standing.failing):
        fault = "unknown"
    cause = "starttls-stripped" if run.cause == "starttls-missing" and fault == "path" else run.cause
    return Attribution(fault, _comparison(run, standing, around, node), cause, node)


def _node(run: Run, around: Surroundings) -> str | None:
    """Return the one address that every failure with an address names, where the host is known to have others."""
    if len(run.addresses) != 1 or len(run.hosts) != 1:
        return None
    (address,) = run.addresses
    named = sum(part.mentions for part in run.parts if part.address)
    several = len(around.addresses_seen) > 1 or (":" in address and _share_of_run(run, around) < 0.9)
    # With two addresses, a fault of the whole host names one of them alone in five failures once in thirty times.
    return address if several and named >= 5 else None


def _share_of_run(run: Run, around: Surroundings) -> float:
    sessions = sum(around.ground[r].sessions for r in run.by_reporter if r in around.ground)
    return run.failed_sessions / sessions if sessions else 1.0


def _fault(run: Run, standing: Standing, around: Surroundings, node: str | None) -> Fault:
    alone = len(standing.failing) == 1
    if run.cause == "policy-stale":
        return _fault_of_stale(around)
    if not alone:
        return "ours"
    if node is not None and (":" in node or not standing.clean):
        # Not every sender has IPv6, so the clean may never have been there; over IPv4 their sessions were.
        return "ours"
    if standing.clean:
        return "path" if run.cause in ("starttls-missing", "starttls-stripped") else "sender"
    if run.cause in POLICY_HOST_CAUSES and len(standing.silent) > 1 and (run.last_day - run.first_day).days >= 3:
        # Others hold the policy; none of several has met the fault in days, so neither side is proved.
        return "unknown"
    return "ours" if not standing.silent or run.cause != "starttls-missing" else "unknown"


def _fault_of_stale(around: Surroundings) -> Fault:
    """A policy may be held for its max_age (RFC 8461 §3.2); who applies it longer is at fault, until then it is we who changed too soon."""
    if around.max_age_days is None or around.days_since_change is None:
        return "ours"
    return "sender" if around.days_since_change > around.max_age_days else "ours"


def _comparison(run: Run, standing: Standing, around: Surroundings, node: str | None) -> str:
    """Say in one or two sentences what the senders were seen to do, with the numbers."""
    when = span_of(run.first_day, run.last_day)
    where = f" on {listed(run.hosts)}" if run.hosts else ""
    failed = sum(pair[0] for pair in standing.failing.values())
    sessions = sum(pair[1] for pair in standing.failing.values())
    parts = [
        f"{listed(standing.failing)} {_verb(standing.failing, 'counts', 'count')} {count_of(failed, 'failed session')}{where} in "
        f"{sessions:,} {when}"
    ]
    if standing.clean:
        cleared = sum(pair[1] for pair in standing.clean.values())
        strays = sum(pair[0] for pair in standing.clean.values())
        what = "no such failure" if not strays else f"only {count_of(strays, 'such failure')}"
        parts.append(
            f"{listed(standing.clean)} {_verb(standing.clean, 'names', 'name')} {what}{where} in {cleared:,} sessions on these days"
        )
    elif standing.silent:
        parts.append(
            f"{listed(standing.silent)} {_verb(standing.silent, 'had', 'had')} too few sessions that could have shown it to prove anything"
        )
    else:
        parts.append("no other sender that checks this had sessions on these days")
    if node is not None:
        parts.append(f"every failure that names an address names {node}, and others of {listed(run.hosts)} are known")
    unknown = [reporter for reporter in standing.failing if reporter not in around.known]
    if len(unknown) == len(standing.failing):
        parts.append("none of the senders that fail is a known reporter yet, so their word alone blames nobody")
    return "; ".join(parts) + "."


def _verb(group: Collection[str], one: str, many: str) -> str:
    return one if len(group) == 1 else many
