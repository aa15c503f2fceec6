"""What to do next on the way to `enforce`, in the order in which it is safe (RFC 8461 §8.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.insight.phrases import count_of, first_step
from pipeline.insight.safe_commands import is_host

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pipeline.insight.applied_policies import PublishedPolicy
    from pipeline.insight.enforce.forecast import Missing
    from pipeline.insight.incident import Incident

ONE_DAY, ONE_WEEK, ONE_MONTH = 86_400, 604_800, 2_592_000
LADDER = ((ONE_DAY, "one day"), (ONE_WEEK, "one week"), (ONE_MONTH, "one month"))
"""max_age in seconds, rung by rung: a mistake under enforce lasts as long as the policy is held."""


def next_step(
    verdict: str,
    domain: str,
    *,
    as_of: date,
    published: PublishedPolicy | None,
    missing: Sequence[Missing],
    open_faults: Sequence[Incident],
) -> str:
    """Return the next step for a domain, as text that can be followed from top to bottom.

    Args:
        verdict: The verdict on it.
        domain: Its name; one that is no host name is not repeated.
        as_of: The day of asking, from which ids of new policies are made.
        published: The policy now published, if that is known.
        missing: What is missing for `ready`.
        open_faults: The incidents of ours that stand in the way and are not over, as they are listed: what is broken is mended first.
    """
    name = domain if is_host(domain) else "the domain"
    if verdict == "ready":
        return _switch(name, as_of, published)
    if verdict == "no-policy":
        return _begin(name, as_of)
    if verdict == "already-enforcing":
        return _mend(open_faults, testing=False) if open_faults else _lengthen(name, as_of, published)
    return f"{_wait(verdict, name, published, missing, open_faults)} {_when(missing)}"


def _wait(verdict: str, name: str, published: PublishedPolicy | None, missing: Sequence[Missing], open_faults: Sequence[Incident]) -> str:
    """Say what is to be done, or waited for, by a domain that is not ready."""
    testing = published is not None and published.mode == "testing"
    lost = next((entry.sentence for entry in missing if entry.what == "policy-lost"), None)
    if lost is not None and verdict == "not-ready":
        return (
            f"Find out why no policy is found: {lost}. Look at the TXT record _mta-sts.{name} (it must be there once) and fetch "
            f"https://mta-sts.{name}/.well-known/mta-sts.txt."
        )
    if open_faults:
        return _mend(open_faults, testing=testing)
    if verdict == "not-enough-evidence":
        look = "" if published is not None else f"What is published is not known: run `tlsrpt check {name}`. "
        return f"{look}{'Stay in testing and leave' if testing else 'Leave'} the policy as it is."
    return f"Stay in testing: {next((entry.sentence for entry in missing), 'the reasons are above')}."


def _mend(faults: Sequence[Incident], *, testing: bool) -> str:
    """Say what to mend first. That may be the policy itself, so only its mode and max_age are to stay."""
    stay = "stay in testing" if testing else "leave mode and max_age as they are"
    first, more = faults[0], len(faults) - 1
    which = f"incident {first.id} and {count_of(more, 'more incident')} are" if more else f"incident {first.id} is"
    return f"{first_step(first.fix)} Until {which} over, {stay}."


def _when(missing: Sequence[Missing]) -> str:
    dates = [entry.by for entry in missing]
    if dates and all(dates):
        return f"Ask again on {max(day for day in dates if day is not None)}."
    return "No date can be given yet; ask again in a week."


def new_id(as_of: date) -> str:
    """Return an id for a new version of the policy: at most 32 letters and digits, different from the last (RFC 8461 §3.1)."""
    return f"{as_of:%Y%m%d}T000000"


def _publish(name: str, as_of: date) -> str:
    return (
        f"the text at https://mta-sts.{name}/.well-known/mta-sts.txt first, and only when it is served everywhere the TXT record "
        f'_mta-sts.{name} with a new id: "v=STSv1; id={new_id(as_of)};" (in this order: senders fetch when the id changes, and must not '
        "fetch the old text again)"
    )


def _switch(name: str, as_of: date, published: PublishedPolicy | None) -> str:
    kept = (
        "; keep the mx lines as they are"
        if published is None or not published.mx
        else f"; keep the mx lines: {', '.join(filter(is_host_pattern, published.mx))}"
    )
    return (
        f"Change mode to enforce and max_age to {ONE_DAY} (one day){kept}. Change {_publish(name, as_of)}. "
        f"After a week without an incident of ours raise max_age to {ONE_WEEK} (one week), and after two more weeks to {ONE_MONTH} (one "
        "month) or more, "
        "each time text first, then a new id."
    )


def is_host_pattern(pattern: str) -> bool:
    """Say whether an mx pattern can be shown: a host name, or one behind `*.`."""
    return is_host(pattern.removeprefix("*."))


def _lengthen(name: str, as_of: date, published: PublishedPolicy | None) -> str:
    age = published.max_age_seconds if published is not None else None
    rung = next((step for step in LADDER if age is not None and age < step[0]), None)
    if age is None or rung is None:
        return "Nothing: the policy is enforced. Watch for incidents, and add every new MX host to the policy before it goes into the DNS."
    return (
        f"Raise max_age from {age} to {rung[0]} seconds ({rung[1]}) after a week without an incident of ours: a longer one protects "
        "better against an "
        f"attacker who blocks the fetch. Change {_publish(name, as_of)}."
    )


def _begin(name: str, as_of: date) -> str:
    return (
        f"Publish a policy in mode testing with max_age {ONE_DAY} and one mx line for every MX host ('dig +short MX {name}' lists them). "
        "Change "
        f"{_publish(name, as_of)}. Reports about it come from the next day on."
    )
