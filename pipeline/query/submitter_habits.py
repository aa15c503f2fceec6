"""How submitters report, learned from their reports.

It decides which rows are the same sessions (decision 0039), and whose rates would be biased (decision 0057).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.query.catalogue import view_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa

SAME_SESSIONS = ("microsoft.com",)
"""Submitters known to check MTA-STS and DANE for every session and to report it under both: nothing need be learned of them."""


class Habits(NamedTuple):
    """What a lake shows of its submitters."""

    apart: tuple[str, ...] = ()
    """Submitters that report each session under the one policy that applied."""
    same: tuple[str, ...] = ()
    """Submitters that report each session under both; of others with both kinds of policies the program is unsure."""
    hosts: tuple[str, ...] = ()
    """MX hosts that have reports of their own."""
    failures_only: tuple[str, ...] = ()
    """Submitters that report only on days with failures: no rate takes their sessions."""
    loops: tuple[str, ...] = ()
    """`SUBMITTER DOMAIN`: nothing but the sessions in which the reports themselves came."""


def learn(run: Callable[[str, Mapping[str, object]], pa.Table]) -> Habits:
    """Ask for the habits.

    Args:
        run: Runs a statement with its parameters over the rows to learn from.
    """

    def ask(name: str, **parameters: object) -> list[tuple[str, ...]]:
        return [tuple(map(str, row.values())) for row in run(view_texts()[f"learn_{name}"], parameters).to_pylist()]

    found = ask("habits", hosts=[])
    hosts: tuple[str, ...] = ()
    if ("tlsa_alone", "") in found:
        names = [name for (name,) in ask("names")]
        hosts = tuple(host for (host,) in ask("hosts", names=names)) if names else ()
        found = ask("habits", hosts=list(hosts)) if hosts else found
    having = {habit: tuple(who for each, who in found if each == habit) for habit in ("apart", "same", "failures_only", "loops")}
    return Habits(hosts=hosts, **having)
