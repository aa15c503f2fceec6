"""All domains in one table, the worst first: what each publishes, how its mail fares, and what needs somebody."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from dashboard.insight import verdicts
from dashboard.lake_door import Answer, asked, settings
from dashboard.navigation import Target
from dashboard.signs import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from streamlit.delta_generator import DeltaGenerator

    from dashboard.filters import Filters
    from pipeline.insight.api import Incident

NEEDS = ("all", "need attention", "open faults", "ready", "not ready", "enforcing", "no policy", "no reports")
WORST = 10
"""So many are on the overview."""
_DAY = 86_400
_SOON = 14
"""A certificate that ends within so many days needs somebody."""


class Fleet(NamedTuple):
    """Some domains."""

    answer: Answer
    names: tuple[str, ...]

    def at(self, places: Sequence[int]) -> Fleet:
        """Return those at these places."""
        table = self.answer.table.take(pa.array(places, pa.int64()))
        return Fleet(self.answer._replace(table=table), tuple(self.names[place] for place in places))


def fleet(filters: Filters, found: list[Incident]) -> Fleet:
    """Return all domains of the period and those of ours without a report, the worst first, without their verdicts.

    Worst: none of the sessions authenticated though there is a policy; then the most open faults of ours; then no policy at all; then open
    faults of others, failed sessions and wrong findings.
    """
    answer = asked("fleet", **filters.parameters(), own=list(settings().domains.own))
    faults = _faults(found, ours=False)
    ours = _faults(found, ours=True)
    rows = answer.table.to_pylist()
    rows.sort(key=lambda row: _rank(row, ours[row["report_domain"]], faults[row["report_domain"]]))
    for row in rows:
        age = row["sts_max_age_seconds"]
        row |= {"open_faults": faults[row["report_domain"]], "max_age_days": None if age is None else age / _DAY}
    table = pa.Table.from_pylist(
        rows, schema=answer.table.schema.append(pa.field("open_faults", pa.int64())).append(pa.field("max_age_days", pa.float64()))
    )
    return Fleet(answer._replace(table=table, questions=("fleet", "insight_failures")), tuple(row["report_domain"] for row in rows))


def _rank(row: Mapping[str, Any], ours: int, faults: int) -> tuple[int, ...]:
    nothing = _nothing_authenticated(row)
    return not (nothing and row["failed"]), -ours, not nothing, -faults


def with_verdicts(part: Fleet, filters: Filters, *, slot: DeltaGenerator | None = None) -> Fleet:
    """Return the same with the verdict of each on enforce.

    Args:
        part: The rows that are shown, which may be a few of all.
        filters: Period and tiers; the verdicts take the complete days that readiness takes, whatever the period.
        slot: A place of the page that says what is being done, where it takes a while; None: nothing is said.
    """
    weighed = verdicts(part.names, filters, slot=slot)
    signs = [VERDICTS[weighed[name].verdict].short for name in part.names]
    answer = part.answer
    table = answer.table.append_column("enforce", pa.array(signs, pa.string()))
    return part._replace(answer=answer._replace(table=table, questions=(*answer.questions, "insight_sts_days")))


def first(part: Fleet, most: int) -> Fleet:
    """Return the first of them."""
    return Fleet(part.answer._replace(table=part.answer.table.slice(0, most)), part.names[:most])


def narrowed(part: Fleet, need: str, words: str) -> Fleet:
    """Return the domains that fit a need and have some words in their name.

    Args:
        part: The rows to choose from.
        need: One of `NEEDS`; `all` leaves none out.
        words: What the name contains, in any case; empty: any name.
    """
    fits = [
        place
        for place, row in enumerate(part.answer.table.to_pylist())
        if words.strip().lower() in row["report_domain"].lower() and _fits(row, need)
    ]
    return part.at(fits)


def to_domain(row: dict[str, Any]) -> Target:
    """Return the way to the page of a domain."""
    return Target("domain", {}, row["report_domain"])


def needs_attention(row: Mapping[str, Any]) -> bool:
    """Whether somebody should look: an open fault, nothing authenticated, a wrong finding, a certificate about to end."""
    days = row["certificate_days"]
    return bool(row["open_faults"] or row["findings"] or _nothing_authenticated(row) or (days is not None and days <= _SOON))


def _nothing_authenticated(row: Mapping[str, Any]) -> bool:
    return bool(row["sessions"]) and not row["authenticated"]


def _fits(row: Mapping[str, Any], need: str) -> bool:
    verdict = row.get("enforce") or ""
    return {
        "need attention": needs_attention(row),
        "open faults": bool(row["open_faults"]),
        "no reports": not row["sessions"],
    }.get(need, need == "all" or (bool(verdict) and verdict.partition(" ")[2] == need))


def _faults(found: list[Incident], *, ours: bool) -> Counter[str]:
    pairs = {(one.domain, one.fault_id or one.id) for one in found if one.state == "open" and (not ours or one.fault == "ours")}
    return Counter(domain for domain, _ in pairs)
