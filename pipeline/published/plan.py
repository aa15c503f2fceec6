"""Changes of what is published, as steps with the earliest safe day of each, from what senders may still hold (RFC 8461 §8). Pure.

A sender applies a policy until its max_age ends, however long ago it was replaced; a step that some policy held would make it refuse mail
for waits until that policy is gone. Days are whole: what a sender fetched on a day with max_age n days it may apply up to n days later.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.insight.enforce.next_step import LADDER, ONE_DAY, new_id
from pipeline.insight.phrases import count_of
from pipeline.published.mx import NULL_MX
from pipeline.published.plan_state import PlanStep, held_for, held_on, whole_days
from pipeline.report.sts_policy import LONGEST_AGE_SECONDS, covers_host, mx_matches, policy_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.published.plan_state import PlanState
    from pipeline.published.tlsa import Tlsa

_TOMORROW = timedelta(days=1)
_WEEK = timedelta(days=7)


def plan_mx(state: PlanState, new: Sequence[str]) -> list[PlanStep]:
    """Plan the change to other MX hosts: policy first, then the MX records, then the policy without the old (RFC 8461 §4.1, §8.1)."""
    policy = state.seen.published
    patterns = policy.mx if policy is not None and policy.mode != "none" else ()
    added = [host for host in new if patterns and not covers_host(patterns, host)]
    gone = [host for host in state.mx_hosts if host not in new and host != NULL_MX]
    steps = []
    if policy is not None and added:
        both = policy_lines(policy.mode, policy.max_age_seconds or ONE_DAY, (*patterns, *added))
        why = "senders fetch it when the id changes; the mx lines of the old hosts stay until the end (RFC 8461 §8.1)"
        steps.append(_publish(state, state.today, "let the policy name the new hosts beside the old ones", why, both))
    arrival = _free_from(state, lambda mode, mx: mode == "enforce" and not all(covers_host(mx, host) for host in new))
    why = (
        "from then on no sender may hold a policy that refuses them (RFC 8461 §4.1)" if arrival > state.today else "no policy refuses them"
    )
    why += f"; `tlsrpt check {state.domain} --mx {' '.join(new)}` says beforehand whether they are fit for it"
    names = tuple(f"{state.domain}. MX 10 {host}." for host in new)
    beside = tuple(f"{state.domain}. MX 20 {host}." for host in gone)
    steps.append(PlanStep(arrival, f"publish the new MX records{' beside the old ones' if gone else ''}", why, (*names, *beside)))
    if gone:
        arrival += timedelta(days=state.dns_days)
        why = "by then every sender knows the new ones"
        steps.append(PlanStep(arrival, f"remove the MX records of {', '.join(gone)}", why, names))
    needed = [pattern for pattern in (*patterns, *added) if any(mx_matches(pattern, host) for host in new)]
    if policy is not None and len(needed) < len(patterns) + len(added):
        why = "no sender knows the old MX records any more; a line left over allows mail to an unmonitored host (RFC 8461 §4.1)"
        final = policy_lines(policy.mode, policy.max_age_seconds or ONE_DAY, needed)
        when = arrival + timedelta(days=state.dns_days)
        steps.append(_publish(state, when, "let the policy name the new hosts alone", why, final, number=2))
    return steps


def plan_retire(state: PlanState) -> list[PlanStep]:
    """Plan the end of MTA-STS: a policy that switches it off, and its removal when no other can be held (RFC 8461 §8.3).

    Raises:
        UsageError: No policy is known, and none is served.
    """
    policy = state.seen.published
    if policy is None and not state.seen.held and not state.served:
        raise UsageError(
            f"no policy of {state.domain} is known: none is served now, and no check and no report knows one; if one was served in the "
            f"last {whole_days(LONGEST_AGE_SECONDS).days} days, serve one with `mode: none` again, and ask again then"
        )
    steps = []
    if policy is None or policy.mode != "none":
        why = "senders replace the policy they hold with this one, which requires nothing; serve it until the last step (RFC 8461 §8.3)"
        steps.append(_publish(state, state.today, "switch the policy off", why, policy_lines("none", ONE_DAY, ())))
    ends = _ends(state, lambda mode, _mx: mode != "none")
    why = "every other policy that was served has ended by then, also where a sender never looked again (RFC 8461 §8.3)"
    if not ends:
        # Off as far back as anybody knows; what was there before is not known, and may be held as long as the standard allows.
        since = policy.since if policy is not None and policy.since is not None else state.today
        ends = [since + whole_days(LONGEST_AGE_SECONDS)]
        why = (
            f"mode none is known since {since}, and what was served before is not known: a sender may hold that for the longest max_age "
            f"there is, {LONGEST_AGE_SECONDS:,} seconds (RFC 8461 §3.2, §8.3)"
        )
    what = f"remove the TXT record _mta-sts.{state.domain} and the policy host mta-sts.{state.domain}"
    return [*steps, PlanStep(_after(state, ends), what, why)]


def plan_enforce(state: PlanState, *, possible_from: date | None, missing: Sequence[str]) -> list[PlanStep]:
    """Plan the way to enforce with a long max_age (RFC 8461 §8.1).

    Args:
        state: What there is.
        possible_from: The day on which `readiness` has, or may have, nothing against it; None where that cannot be said.
        missing: What it has against it now, in sentences.

    Raises:
        UsageError: The MX hosts are not known, or there is none.
    """
    policy = state.seen.published
    if not state.mx_hosts:
        raise UsageError(f"the MX hosts of {state.domain} are not known, and a policy has to name each; run `tlsrpt check {state.domain}`")
    if state.mx_hosts == (NULL_MX,):
        raise UsageError(f"{state.domain} takes no mail (RFC 7505): there is nothing to enforce")
    if policy is None or policy.mode not in {"testing", "enforce"}:
        why = "testing refuses nothing, and what enforce would refuse is then in the reports (RFC 8461 §5)"
        first = policy_lines("testing", ONE_DAY, state.mx_hosts)
        later = "ask `tlsrpt readiness` after two weeks"
        reports = "it judges the reports of two weeks" if state.seen.held else "there is no report about a policy yet"
        return [
            _publish(state, state.today, "begin with a policy in mode testing", why, first),
            PlanStep(None, later, reports),
        ]
    steps = []
    mx = (*policy.mx, *(host for host in state.mx_hosts if not covers_host(policy.mx, host)))
    if len(mx) > len(policy.mx):
        why = "enforce would refuse mail to an MX host that the policy does not name (RFC 8461 §4.1)"
        lines = policy_lines(policy.mode, policy.max_age_seconds or ONE_DAY, mx)
        steps.append(_publish(state, state.today, "let the policy name every MX host", why, lines))
    age = policy.max_age_seconds or 0
    if policy.mode == "testing" or any(seconds > age for seconds, _ in LADDER):
        steps += [PlanStep(state.today, "fix what speaks against it first", sentence) for sentence in missing]
    day: date | None = state.today
    if policy.mode == "testing":
        day = None if possible_from is None else max(possible_from, state.today)
        free = _free_from(state, lambda mode, _mx: mode != "enforce") - _TOMORROW
        last = None if day is None else max(day + held_for(policy.max_age_seconds), free)
        why = f"senders may go on with what they hold until {last}" if last is not None else "no date can be given yet"
        steps.append(_publish(state, day, "switch to enforce, with a short max_age", why, policy_lines("enforce", ONE_DAY, mx), number=2))
        age, day = ONE_DAY, None if day is None else day + _WEEK
    for number, (seconds, name) in enumerate((rung for rung in LADDER if rung[0] > age), start=3):
        why = (
            "after that time without incidents of yours; a long max_age protects against an attacker who blocks the fetch (RFC 8461 §10.2)"
        )
        steps.append(_publish(state, day, f"raise max_age to {name}", why, policy_lines("enforce", seconds, mx), number=number))
        day = None if day is None else day + 2 * _WEEK
    return steps


def plan_tlsa(state: PlanState, new: Sequence[Tlsa]) -> list[PlanStep]:
    """Plan the change to another certificate under DANE: its record beside the old one first (RFC 7671 §8.1)."""
    published: dict[str, list[str]] = {}
    for host in state.mx_hosts:
        there = published.setdefault(state.tlsa_owner(host), [])
        there += [text for name, _, text in (each.partition(" ") for each in state.tlsa) if name == host and text not in there]
    owners = [owner for owner, records in published.items() if records] or list(published)
    texts = [str(record) for record in new]
    added = tuple(f"{owner}. TLSA {text}" for owner in owners for text in texts if text not in published[owner])
    kept = tuple(f"{owner}. TLSA {text}" for owner in owners for text in texts)
    gone = sorted({text for owner in owners for text in published[owner] if text not in texts})
    if not gone and not any(published[owner] for owner in owners):
        why = "a record that matches no certificate served stops the mail of senders that support DANE (RFC 7672 §2.2)"
        return [PlanStep(state.today, "publish the records, in a signed zone, once the certificates they match are served", why, added)]
    steps = []
    day = state.today
    if added:
        why = "a sender that has only the old records would refuse the new certificate (RFC 7671 §8.1)"
        steps.append(PlanStep(day, "publish the new records beside the old ones", why, added))
        day += timedelta(days=state.dns_days)
    steps.append(PlanStep(day, "serve the new certificate at every address", "by then no resolver holds the records without the new ones"))
    if gone:
        why = "only when `tlsrpt check` shows the new certificate at every address: a record may go when nothing needs it (RFC 7671 §8.1)"
        steps.append(PlanStep(day, f"remove {count_of(len(gone), 'old record')}", why, kept))
    return steps


def _free_from(state: PlanState, concerns: Callable[[str | None, Sequence[str]], bool]) -> date:
    """Return the first day on which nobody may hold a policy of those concerned, if the published one is replaced today."""
    return _after(state, _ends(state, concerns))


def _after(state: PlanState, ends: Sequence[date]) -> date:
    return max([state.today, *(end + _TOMORROW for end in ends)])


def _ends(state: PlanState, concerns: Callable[[str | None, Sequence[str]], bool]) -> list[date]:
    """Return the last days on which the policies concerned may be held."""
    return [held.until for held in held_on(state) if concerns(held.mode, held.mx)]


def _publish(state: PlanState, day: date | None, what: str, why: str, lines: tuple[str, ...], *, number: int = 1) -> PlanStep:
    identity = new_id(day or state.today)[:-1] + str(number)
    return PlanStep(day, what, why, (*lines, f'_mta-sts.{state.domain}. TXT "v=STSv1; id={identity};"'))
