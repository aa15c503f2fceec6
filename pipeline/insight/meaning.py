from __future__ import annotations
from typing import NamedTuple
from datetime import date
from pipeline.insight.causes import CAUSES


class Facts(NamedTuple):
    cause: str
    domain: str
    hosts: tuple[str, ...]
    node: str | None
    reporters: tuple[str, ...]
    result_types: tuple[str, ...]
    reasons: tuple[str, ...]
    patterns: tuple[str, ...]
    max_age_days: int | None
    first_day: date
    last_day: date
    state: str
    fault: str


class Explanation(NamedTuple):
    meaning: str
    fix: str
    commands: tuple[str, ...]
    rfc: str


def explain(facts):
    return Explanation("", "", (), CAUSES[facts.cause].rfc)
