"""The numbers that incidents, readiness and coverage are judged by: `[insight]` of the configuration."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.section import Section


class InsightSettings(Section):
    """`[insight]`: the numbers behind incidents and readiness."""

    gap_days: int = 2
    readiness_days: int = 28
    readiness_sessions: int = 300
    readiness_reporters: int = 2
    readiness_days_covered: int = 14
    readiness_bound: float = 0.01
    settle_days: int = 14
    """Days without an incident of ours before `ready`."""
    clean_confidence: float = 0.05
    known_after_days: int = 14
    """Distinct days of receipt after which a verified reporter counts as known."""
    known_within_days: Annotated[int, Field(ge=0)] = 4
    """A day of receipt counts if a report came at most so many days after the day it covers."""
    days: Annotated[int, Field(ge=1)] = 90
    """The period of `incidents` and `coverage`."""
    settling_days: Annotated[int, Field(ge=0)] = 2
    """Days until a day counts as complete: reports about it may still come."""
    stray_sessions: int = 1
    """So many failed sessions of one sender on one day may be a stray."""
    single_share: float = 0.1
    """Failures of a cause that can pass by itself, that come one at a time, are strays below this share of the sessions."""
    stray_share: float = 0.01
    """So are those that do not, below this share and `stray_total`."""
    stray_total: int = 10
    """From so many failed sessions on, a smaller share is enough for an incident:"""
    background_share: float = 0.001
    """a thousandth; what is less, of a cause that can pass by itself, is the background noise of much traffic."""
    bridge_days: int = 10
    """A longer gap splits a run even where its sessions could not have shown a failure."""
    lookback_days: int = 35
    """How far before the period failures and policies are looked at; further back only where it takes more to find a beginning."""
    known_lookback_days: int = 120
    """How far before the period a reporter's days are counted."""
    evidence: int = 20
    """Report keys that go with an incident unless all are asked for."""
    silent_factor: float = 3.0
    """A reporter is silent after so many of its usual steps without a report."""
    silent_min_days: int = 3
    """… and after at least so many days."""
