"""How submitters report, learned from their reports: it decides which rows are the same sessions (decision 0039)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.query.view_texts import view_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa

SAME_SESSIONS = ("microsoft.com",)
"""Submitters known to check MTA-STS and DANE for every session and to report it under both: nothing need be learned of them."""


class Habits(NamedTuple):
    """What a lake shows of its submitters."""

    apart: tuple[str, ...] = ()
    """Submitters that report each session under the one policy that applied."""
    hosts: tuple[str, ...] = ()
    """MX hosts that have reports of their own."""


def learn(run: Callable[[str, Mapping[str, object]], pa.Table]) -> Habits:
    """Ask for the habits.

    Args:
        run: Runs a statement with its parameters over the rows to learn from.
    """

    def ask(name: str, **parameters: object) -> tuple[str, ...]:
        return tuple(map(str, run(view_text(f"learn_{name}"), parameters).column(0).to_pylist()))

    names = ask("names")
    return Habits(ask("apart"), ask("hosts", names=list(names)) if names else ())
