"""The share of sessions that failed, without reporters that report only on days with failures: their good days are in no report."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from pipeline.insight.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Iterable


class Unrated(NamedTuple):
    """What such reporters told of an incident: it is in the counts, and in no share."""

    reporters: tuple[str, ...] = ()
    failed: int = 0
    sessions: int = 0


class Failing(Protocol):
    """An incident, as far as its share goes."""

    @property
    def failed_sessions(self) -> int: ...  # noqa: D102
    @property
    def sessions(self) -> int: ...  # noqa: D102
    @property
    def unrated(self) -> Unrated: ...  # noqa: D102


def share_of(incidents: Iterable[Failing]) -> float | None:
    """Return the share of sessions that failed in some incidents; None where only days with failures are reported."""
    whole = list(incidents)
    sessions = sum(one.sessions - one.unrated.sessions for one in whole)
    failed = sum(one.failed_sessions - one.unrated.failed for one in whole)
    return min(1.0, failed / sessions) if sessions > 0 else None


def said_of_share(share: float | None, unrated: Unrated) -> str:
    """Return the share in words."""
    if share is None:
        return "no share: they report only on days with failures"
    return f"{share:.1%}{f', leaving out {listed(unrated.reporters)} (only days with failures reported)' if unrated.reporters else ''}"
