"""The failure details of one report, read in one pass while the values that the JSON parser made are still in the processor's cache.

Each value is looked up among those seen before, where it stands in the form in which it is kept; few values are new. A detail that is not
plain makes its report go the careful way.
"""

from __future__ import annotations

from itertools import repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from pipeline.report.json.fields import is_uri
from pipeline.report.json.member_names import FAILURE_DETAIL
from pipeline.report.model import FailureDetail
from pipeline.report.names import domain_name, ip_address
from pipeline.report.result_types import RESULT_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from pipeline.report.limits import Limits

    Plan: TypeAlias = list[tuple[Callable[[str], str], itemgetter[str]] | None]

NAMES = (
    "result-type",
    "",
    "sending-mta-ip",
    "",
    "receiving-ip",
    "",
    "receiving-mx-hostname",
    "receiving-mx-helo",
    "failed-session-count",
    "additional-information",
    "failure-reason-code",
)
"""The members in the order of a `FailureDetail`; the nameless are what is kept as sent where it is odd, and plain details have no such."""

_COUNT = NAMES.index("failed-session-count")
_REMEMBERED = 16_384
_REMEMBERED_CHARS = 256
_PLANS = 256
_LONGEST_IP = 45


class _Kept(dict[str, str]):
    """Values of one member as sent, and as kept."""

    def __init__(self, accept: Callable[[str], str | None]) -> None:
        super().__init__()
        self._accept = accept

    def __missing__(self, value: object) -> str:
        """Look at a new value.

        Raises:
            KeyError: It is not plain; a null is not, because texts are counted.
        """
        found = self._accept(value) if type(value) is str else None
        if found is None:
            raise KeyError
        if len(found) > _REMEMBERED_CHARS:
            return found
        if len(self) >= _REMEMBERED:
            self.clear()
        self[value] = found  # type: ignore[index] # mypy does not narrow by type()
        return found


class DetailReader:
    """Reads failure details under one set of limits."""

    def __init__(self, limits: Limits) -> None:
        def short(most: int) -> Callable[[str], str | None]:
            return lambda value: value if 0 < len(value) <= most else None

        free = short(limits.free_text_chars)
        self._most, self._most_together = limits.policy_sessions, limits.report_sessions
        self._plans: dict[tuple[str, ...], Plan] = {}
        self._kept = {
            "result-type": _Kept(lambda value: value if value in RESULT_TYPES else None),
            "sending-mta-ip": _Kept(_address),
            "receiving-ip": _Kept(_address),
            "receiving-mx-hostname": _Kept(lambda value: _name(value) if len(value) <= limits.host_chars else None),
            "receiving-mx-helo": _Kept(short(limits.helo_chars)),
            "additional-information": _Kept(lambda value: free(value) if is_uri(value) else None),
            "failure-reason-code": _Kept(free),
        }

    def read(self, details: list[Any]) -> list[FailureDetail]:
        """Return the details of a report as they are kept.

        Raises:
            KeyError, TypeError, AttributeError: One is not plain.
        """
        counts = list(map(itemgetter("failed-session-count"), details))
        if set(map(type, counts)) != {int} or min(counts) < 0 or max(counts) > self._most or sum(counts) > self._most_together:
            raise KeyError
        shape = tuple(details[0])
        if set(map(len, details)) == {len(shape)}:
            try:
                # as many members as the first and all of them: the same
                return self._alike(details, counts, shape)
            except KeyError:
                pass
        return [self._one(detail, count) for detail, count in zip(details, counts, strict=True)]

    def _alike(self, details: list[Any], counts: list[int], shape: tuple[str, ...]) -> list[FailureDetail]:
        plan = self._plans.get(shape) or self._plan(shape)
        columns: list[Iterable[Any]] = [map(step[0], map(step[1], details)) if step is not None else repeat(None) for step in plan]
        columns[_COUNT] = counts
        return list(map(FailureDetail._make, zip(*columns, strict=False)))

    def _plan(self, shape: tuple[str, ...]) -> Plan:
        """Return what to do for each field of details with these members: look up what is kept for the member, or nothing.

        Raises:
            KeyError: There is a member that nobody knows, or no result-type.
        """
        if "result-type" not in shape or not FAILURE_DETAIL.names.issuperset(shape):
            raise KeyError
        plan: Plan = [(self._kept[name].__getitem__, itemgetter(name)) if name in shape and name in self._kept else None for name in NAMES]
        if len(self._plans) < _PLANS:
            self._plans[shape] = plan
        return plan

    def _one(self, detail: Any, count: int) -> FailureDetail:
        found: list[Any] = [None] * len(NAMES)
        for name, value in detail.items():
            found[NAMES.index(name)] = count if name == "failed-session-count" else self._kept[name][value]
        if found[0] is None:
            raise KeyError
        return FailureDetail._make(found)


def _address(value: str) -> str | None:
    found = ip_address(value) if len(value) <= _LONGEST_IP else None
    return found.text if found is not None and not found.quirks else None


def _name(value: str) -> str | None:
    found = domain_name(value)
    return found.text if not found.quirks else None
