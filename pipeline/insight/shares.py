"""The share of sessions that failed, without reporters that report only on days with failures: their good days are in no report."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.phrases import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.insight.incident import Incident


class Unrated(NamedTuple):
    """What such reporters told of an incident: it is in the counts, and in no share."""

    reporters: tuple[str, ...] = ()
    failed: int = 0
    sessions: int = 0


def share_of(incidents: Iterable[Incident]) -> float | None:
    """Return the share of sessions that failed in some incidents; None where only days with failures are reported."""
    whole = [(one, one.basis.unrated) for one in incidents]
    sessions = sum(one.sessions - unrated.sessions for one, unrated in whole)
    failed = sum(one.failed_sessions - unrated.failed for one, unrated in whole)
    return min(1.0, failed / sessions) if sessions > 0 else None


def said_of_share(share: float | None, unrated: Unrated) -> str:
    """Return the share in words."""
    if share is None:
        return "no share: they report only on days with failures"
    return f"{share:.1%}{f' without {listed(unrated.reporters)}: only days with failures' if unrated.reporters else ''}"
