"""Where three columns of the lake say that most reports count, the views say so as well."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest

from pipeline.config import Settings
from pipeline.ingest import counted_reports
from pipeline.ingest.counted_reports import mostly_counted
from pipeline.lake.storage.locate import locate
from pipeline.query import open_lake
from pipeline.settings.single_tables import DomainSettings, LakeSettings, TrustSettings
from tests.query import small_lake

DAYS = (date(2026, 4, 30), date(2026, 5, 9), date(2026, 5, 31))
TIERS = ((), ("attested",), ("verified", "attested", "vouched"), ("verified", "attested", "vouched", "unverified"))
OWN = ((), ("example.net",), ("example.org", "example.net"), ("nowhere.example",))


def _mostly(folder, first, last, tiers, own=()):
    return mostly_counted(locate(folder), first, last, tiers=tiers, own=own)


def test_what_it_says_for_sure_the_views_say_as_well(lake_folder):
    said = []
    for tiers, own in product(TIERS, OWN):
        settings = Settings(domains=DomainSettings(own=own), trust=TrustSettings(count=tiers))
        with open_lake(lake_folder, settings=settings) as lake:
            for first, last in ((a, b) for a in DAYS for b in DAYS if a <= b):
                if _mostly(lake_folder, first, last, tiers, own):
                    counted = lake.ask("ground", since=first, until=last, as_of=last).to_pylist()[0]["reports"]
                    left_out = sum(lake.ask("ground_left_out", since=first, until=last, as_of=last).column("reports").to_pylist())
                    assert counted, (tiers, own, first, last)
                    assert counted >= left_out, (tiers, own, first, last)
                    said.append((tiers, own))
    assert {own for _, own in said} >= {(), ("example.org", "example.net")}
    assert {tiers for tiers, _ in said} >= set(TIERS[2:])


def test_it_says_nothing_where_there_are_no_reports(lake_folder, tmp_path):
    assert not _mostly(lake_folder, date(2026, 6, 1), date(2026, 8, 29), TIERS[-1])
    assert not _mostly(tmp_path / "none", *DAYS[::2], TIERS[-1])


@pytest.mark.parametrize(("own", "asks"), [((), False), (("nowhere.example",), True)])
def test_a_quiet_run_asks_duckdb_only_where_there_may_be_something_to_say(lake_folder, tmp_path, monkeypatch, own, asks):
    asked = []
    real = counted_reports._ground
    monkeypatch.setattr(counted_reports, "_ground", lambda *a: asked.append(1) or real(*a))
    monkeypatch.setattr(counted_reports, "open_note", lambda *_: _Note())
    settings = Settings(lake=LakeSettings(path=str(lake_folder)), domains=DomainSettings(own=own))
    lines = counted_reports.what_counts(settings, date.fromisoformat(small_lake.AS_OF), always=False)
    assert bool(asked) == bool(lines) == asks


class _Note:
    """A note in memory, so that nobody writes to the lake of all tests."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def read(self):
        return None

    def write(self, value):
        pass
