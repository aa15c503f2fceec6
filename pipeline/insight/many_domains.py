"""Verdicts on many domains: each question is asked once for all of them, and of its answer the rows of a domain are taken. PURE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    import pyarrow as pa

    from pipeline.insight.ask import Ask

MANY = 3
"""More domains than this are asked about at once."""
_SHARED = frozenset({"insight_reporters", "published_now"})
"""Questions that conclusions on many domains ask in the same words."""
_BY_DOMAIN = frozenset({"insight_sts_days", "insight_policies_by_reporter"})
"""Questions a verdict asks about its domain, and that can be asked about several: the answer is sorted by domain."""
_OF_ALL = frozenset({"insight_disputed"})
"""The same of all domains, of which there is little to answer."""


def shared(ask: Ask) -> Ask:
    """Return what conclusions on the same days ask by: what they ask in the same words is asked once."""
    answers: dict[str, pa.Table] = {}

    def once(name: str, **parameters: Any) -> pa.Table:
        if name not in _SHARED:
            return ask(name, **parameters)
        key = f"{name} {parameters}"
        if key not in answers:
            answers[key] = ask(name, **parameters)
        return answers[key]

    return once


def at_once(ask: Ask, domains: Collection[str]) -> Ask:
    """Return what verdicts on many domains ask by, one after another: the days and all else they ask with are the same for each.

    Args:
        ask: Answers the named questions.
        domains: Those that are asked about.
    """
    several = {"domains": sorted(domains)}
    answers: dict[str, tuple[pa.Table, dict[str, tuple[int, int]]]] = {}
    once = shared(ask)

    def part(name: str, **parameters: Any) -> pa.Table:
        domain = parameters.get("domain")
        if name not in _BY_DOMAIN | _OF_ALL or domain is None:
            return once(name, **parameters)
        asked = {**parameters, "domain": None, **(several if name in _BY_DOMAIN else {})}
        key = f"{name} {parameters | {'domain': None}}"
        if key not in answers:
            table = ask(name, **asked).combine_chunks()
            answers[key] = (table, _places(table.column("report_domain").to_pylist()))
        table, places = answers[key]
        return table.slice(*places.get(str(domain), (0, 0)))

    return part


def _places(names: list[Any]) -> dict[str, tuple[int, int]]:
    """Return where the rows of each name begin in a sorted list, and how many they are."""
    places: dict[str, tuple[int, int]] = {}
    for at, name in enumerate(map(str, names)):
        first, many = places.get(name, (at, 0))
        places[name] = (first, many + 1)
    return places
