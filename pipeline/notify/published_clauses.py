"""What changed in what a domain publishes, in clauses for a notice: from what to what. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.insight.applied_policies import checked_policy
from pipeline.insight.phrases import and_more, count_of
from pipeline.notify.notice import defused, names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from pipeline.insight.applied_policies import PublishedPolicy
    from pipeline.published.stored_checks import PublishedChange

_SHOWN_CHARS = 120
_NAMED = 3


def clauses_of(row: PublishedChange) -> Iterator[str]:
    """Yield what changed, the most telling first; defused."""
    return map(defused, _clauses(row))


def _clauses(row: PublishedChange) -> Iterator[str]:
    if row.policy_changed:
        yield from _policy(row.policy_lines_before, row.policy_lines)
    if row.id_changed:
        yield _one("the MTA-STS id", row.sts_id_before, row.sts_id)
    if row.tlsrpt_changed:
        yield _one("the TLSRPT record", row.tlsrpt_record_before, row.tlsrpt_record)
    if row.mx_changed:
        yield from _come_and_gone("MX host", row.mx_hosts_before, row.mx_hosts)
    if row.tlsa_changed:
        yield from _tlsa_records(row.tlsa_records_before, row.tlsa_records)


def _policy(before: Sequence[str], now: Sequence[str]) -> Iterator[str]:
    if not now:
        yield "no sender can fetch the MTA-STS policy any more"
    elif not before:
        yield f"senders can fetch an MTA-STS policy, mode {_value(checked_policy(now).mode)}"
    else:
        yield from _in_policy(checked_policy(before), checked_policy(now))


def _in_policy(old: PublishedPolicy, new: PublishedPolicy) -> Iterator[str]:
    if old.mode != new.mode:
        yield f"mode {_value(old.mode)} became {_value(new.mode)}"
    if old.max_age_seconds != new.max_age_seconds:
        yield f"max_age {_value(old.max_age_seconds)} became {_value(new.max_age_seconds)}"
    yield from _come_and_gone("mx pattern", old.mx, new.mx)
    if (old.mode, old.max_age_seconds, sorted(old.mx)) == (new.mode, new.max_age_seconds, sorted(new.mx)):
        yield "the text of the MTA-STS policy changed, though not its meaning"


def _come_and_gone(noun: str, before: Iterable[str], now: Iterable[str]) -> Iterator[str]:
    for word, values in (("gone", sorted(set(before) - set(now))), ("new", sorted(set(now) - set(before)))):
        if values:
            yield f"{noun}{'' if len(values) == 1 else 's'} {and_more(values, _NAMED)} {_is(values)} {word}"


def _tlsa_records(before: Iterable[str], now: Iterable[str]) -> Iterator[str]:
    """Yield how many records of which hosts came and went; a digest says nothing to a reader."""
    for word, values in (("gone", set(before) - set(now)), ("new", set(now) - set(before))):
        if values:
            hosts = sorted({value.split(" ", 1)[0] for value in values})
            yield f"{count_of(len(values), 'TLSA record')} of {names(hosts)} {_is(values)} {word}"


def _is(values: Collection[str]) -> str:
    return "is" if len(values) == 1 else "are"


def _one(noun: str, before: str | None, now: str | None) -> str:
    if not now:
        return f"{noun} is gone"
    return f"{noun} changed from {_value(before or None)} to {_value(now)}"


def _value(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1]}…"
