"""A few worlds of the score in every test run: causes, faults and days found, no false alarm, no wrong `ready`."""

from __future__ import annotations

import pytest

from tests.score.case import Case, Outcome, play
from tests.score.table import mistakes, table
from tests.some import some


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    cases = [Case(seed, "mixed") for seed in (3, 4, 8)]
    return [
        play(case)
        for case in [*cases, Case(2, "quiet"), Case(5, "starttls-stripped"), Case(9, "policy-stale"), Case(3, "mixed", sparse=True)]
    ]


def test_every_incident_is_found_with_its_cause_and_fault(outcomes):
    assert sum(len(outcome.matches) for outcome in outcomes) >= 15
    assert [line for line in mistakes(outcomes) if line.startswith(("missed", "unlike"))] == []


def test_nothing_else_is_found(outcomes):
    assert [incident for outcome in some(outcomes) for incident in outcome.extra] == []


def test_no_ready_is_wrong(outcomes):
    verdicts = [judged for outcome in outcomes for judged in outcome.verdicts]
    assert len(verdicts) >= 10
    assert [judged for judged in verdicts if judged.found == "ready" != judged.true] == []


def test_the_table_counts_what_was_found(outcomes):
    said = table("some worlds", outcomes)
    assert said.splitlines()[0].startswith("some worlds: 7 worlds, ")
    assert "quiet worlds: 1, false alarms in them: 0" in said
    assert "wrong `ready`: 0" in said
