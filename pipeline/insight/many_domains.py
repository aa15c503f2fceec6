"""Verdicts on many domains: each question is asked once for all of them, and of its answer the rows of a domain are taken. PURE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.insight.ask import Ask

MANY = 3
"""More domains than this are asked about at once."""
_SHARED = frozenset({"insight_reporters", "published_now"})
"""Questions that conclusions on many domains ask in the same words."""
_BY_DOMAIN = frozenset({"insight_sts_days", "insight_policies_by_reporter", "insight_disputed"})
"""Questions a verdict asks about its domain, whose answers about all domains are sorted by domain and as quick."""


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


def at_once(ask: Ask) -> Ask:
    """Return what verdicts on many domains ask by, one after another: the days and all else they ask with are the same for each."""
    answers: dict[str, tuple[pa.Table, dict[str, tuple[int, int]]]] = {}
    once = shared(ask)

    def part(name: str, **parameters: Any) -> pa.Table:
        domain = parameters.get("domain")
        if name not in _BY_DOMAIN or domain is None:
            return once(name, **parameters)
        asked = {**parameters, "domain": None}
        key = f"{name} {asked}"
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
