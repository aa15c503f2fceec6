"""What a channel was told last, as values: the incidents by their own memory, everything else as one text for each matter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.insight import told_incidents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.insight.told_incidents import Told


class Memory(NamedTuple):
    """What one channel knows. Losing it costs a summary, never a number."""

    incidents: tuple[Told, ...]
    states: Mapping[str, str]
    """By matter, such as `ingest:rua`, the state that was told last; what is well is not in it."""


def to_plain(memory: Memory) -> dict[str, object]:
    """Return a memory as plain values, for JSON."""
    return {"incidents": told_incidents.to_plain(memory.incidents), "states": dict(sorted(memory.states.items()))}


def from_plain(plain: dict[str, Any]) -> Memory:
    """Return a memory from plain values.

    Raises:
        ValueError: They are not those of a memory this version knows.
    """
    try:
        states = {str(matter): str(state) for matter, state in plain["states"].items()}
        return Memory(tuple(told_incidents.from_plain(plain["incidents"])), states)
    except (KeyError, TypeError, AttributeError) as err:
        raise ValueError(f"not a memory of notices: {err}") from err
