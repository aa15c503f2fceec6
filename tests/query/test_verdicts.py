"""Verdicts on many domains are those on each of them, from each question asked once."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from pipeline.config import Settings
from pipeline.errors import UsageError
from pipeline.lake.writer import LakeWriter
from pipeline.query import open_lake
from tests.query.test_month_sums import BETTER, MAILS

DOMAINS = ["a.example", "b.example", "c.example", "d.example"]
AS_OF = date(2026, 6, 20)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    root = tmp_path_factory.mktemp("verdicts") / "lake"
    with LakeWriter(root, run_id="run") as writer:
        writer.commit([*MAILS, *BETTER])
    with open_lake(root, settings=Settings()) as opened:
        yield opened


def test_many_at_once_are_as_one_by_one(lake):
    asked = Counter()
    ask = lake.ask
    lake.ask = lambda name, **parameters: (asked.update([name]), ask(name, **parameters))[1]
    try:
        many = lake.verdicts([*DOMAINS, "B.example."], as_of=AS_OF)
    finally:
        lake.ask = ask
    assert many == {name: lake.readiness(name, as_of=AS_OF, ground=False).verdict for name in DOMAINS}
    assert asked["insight_sts_days"] == asked["insight_policies_by_reporter"] == 1
    assert asked["reported_domains"] <= 3  # the list of all, and a name spelt otherwise as it is and as it is meant


def test_a_name_that_nobody_knows_is_refused_among_many(lake):
    with pytest.raises(UsageError, match=r"did you mean .*d\.example"):
        lake.verdicts([*DOMAINS, "dd.example"], as_of=AS_OF)
    assert lake.verdicts([], as_of=AS_OF) == {}
