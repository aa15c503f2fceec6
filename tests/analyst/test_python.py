"""The lake in the hands of an analyst: conclusions on the object itself, shown in a notebook, with strangers' text as text."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pytest

from pipeline.errors import UsageError
from pipeline.export.sections import incident_section
from pipeline.insight.incident import as_json, incident_html
from pipeline.query.describe import comments
from pipeline.query.notebook_html import Incidents
from tests.query.small_lake import AS_OF, PERIOD

HOSTILE = "<script>alert(1)</script>\x1b[31m"


def test_a_frame_has_days_that_can_be_drawn(lake):
    frame = lake.frame("sessions_by_day", **PERIOD)
    assert frame["report_day"].dtype.kind == "M"
    assert frame["sessions"].sum() == 368


def test_incidents_are_a_list_a_frame_and_a_table(lake):
    incidents = lake.incidents(as_of=AS_OF)
    assert len(incidents) == len(incidents.to_pandas()) > 0
    assert all(incident.id in incidents._repr_html_() for incident in incidents)
    assert lake.incident(incidents[0].id, as_of=date.fromisoformat(AS_OF)).report_keys
    assert {incident.domain for incident in lake.incidents(domain="example.net", as_of=AS_OF)} <= {"example.net"}


def test_conclusions_on_an_empty_lake_are_empty_and_say_so(empty_lake):
    found = empty_lake.incidents(as_of=AS_OF)
    assert "no report has come yet" in found._repr_html_()
    assert "No incidents" not in found._repr_html_()
    assert found.rests_on.ever == 0
    covered = empty_lake.coverage(as_of=AS_OF)
    assert not covered
    assert covered.to_pandas()[["domain", "reporter", "state"]].values.tolist() == [
        ["example.org", None, "waiting"],
        ["example.net", None, "waiting"],
    ]
    assert "no report has come yet" in empty_lake.readiness("example.org", as_of=AS_OF).rests_on.headline()
    assert empty_lake.policies_seen("example.org", as_of=AS_OF).held == ()
    assert empty_lake.readiness("example.org", as_of=AS_OF).verdict in ("not-enough-evidence", "no-policy")


def test_what_strangers_wrote_does_nothing_in_a_notebook(lake):
    incident = as_json(lake.incidents(as_of=AS_OF)[0])
    texts = {name: HOSTILE if isinstance(value, str) else [HOSTILE] for name, value in incident.items() if isinstance(value, str | list)}
    hostile = SimpleNamespace(**{**incident, "went": "failed", "share_said": "1 %", **texts})
    readiness = replace(lake.readiness("example.org", as_of=AS_OF), domain=HOSTILE, reasons=(HOSTILE,), reporters=(HOSTILE,))
    policies = replace(lake.policies_seen("example.org", as_of=AS_OF), domain=HOSTILE)
    coverage = lake.coverage(as_of=AS_OF)
    coverage[0] = coverage[0]._replace(reporter=HOSTILE)
    pages = [shown._repr_html_() for shown in (Incidents([hostile]), readiness, policies, coverage)]
    for html in (*pages, incident_html(hostile), incident_section(hostile)):
        assert "<script" not in html
        assert "\x1b" not in html
        assert "&lt;script&gt;" in html


def test_an_id_or_a_day_that_is_none_is_one_sentence(lake):
    with pytest.raises(UsageError, match=r"there is no incident 'nope' in the period; `lake.incidents\(\)` lists them"):
        lake.incident("nope", as_of=AS_OF)
    with pytest.raises(UsageError, match="as_of is a day like 2026-05-31, which 'soon' is not"):
        lake.coverage(as_of="soon")


def test_two_lakes_know_nothing_of_each_other(lake, empty_lake):
    assert empty_lake.sql("select count(*) as n from reports").to_pylist() == [{"n": 0}]
    assert lake.sql("select count(*) as n from reports").to_pylist() != [{"n": 0}]


def test_every_view_and_column_carries_a_comment_in_duckdb(lake):
    assert lake.tables
    bare = "from duckdb_columns() where not internal and schema_name = 'main' and coalesce(comment, '') = ''"
    assert lake.sql(f"select table_name, column_name {bare} order by all").to_pylist() == []
    assert lake.sql("select view_name from duckdb_views() where not internal and schema_name = 'main' and comment is null").num_rows == 0
    assert sum(statement.startswith("comment on view") for statement in comments(lake.tables)) == len(lake.tables)
