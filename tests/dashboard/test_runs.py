"""What the page draws, run without a browser: marks on charts, and answers prepared before anybody asks."""

from __future__ import annotations

import json
from collections import OrderedDict
from importlib.util import find_spec
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard import lake_door, readers, warm
from dashboard.filters import Filters
from dashboard.fleet import fleet
from dashboard.say import whole_days
from pipeline.config import Settings
from pipeline.lake.open_lake import open_for_writing
from pipeline.query import month_sums, open_lake
from pipeline.query.catalogue import load_questions
from pipeline.query.reader import Lake
from tests.dashboard.lakes import AS_OF, demo, empty
from tests.some import some


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Point the page at a lake; as if it had just been started."""

    def point(lake: Path) -> None:
        monkeypatch.delenv("TLSRPT_CONFIG", raising=False)
        monkeypatch.setenv("TLSRPT_LAKE__PATH", str(lake))
        monkeypatch.setenv(lake_door.TODAY_VARIABLE, str(AS_OF))
        monkeypatch.setattr(lake_door, "_doors", OrderedDict())
        monkeypatch.setattr(lake_door, "_answers", lake_door.Answers(400))
        readers.forget()

    yield lambda build: point(build(tmp_path / "lake"))
    for door in lake_door._doors.values():
        door.lake.close()
    readers.forget()


def _page(path: str = "app.py") -> AppTest:
    app = AppTest.from_file(str(Path(dashboard.__file__).with_name(path)), default_timeout=120).run()
    assert not app.exception
    return app


def test_the_trends_and_the_course_of_an_incident_are_marked_where_what_is_published_changed(opened):
    opened(demo)
    app = _page()
    assert _marked(app) == [("2026-05-26", "MX, id changed")] * 2
    (found,) = [one for one in warm.insight.incidents(_filters(28)) if one.state == "open"]
    app.query_params["id"] = found.id
    app.switch_page("app_pages/incident.py").run()
    assert not app.exception
    assert _marked(app) == [("2026-05-26", "MX, id changed")]


def test_what_was_prepared_is_not_asked_for_again(opened, monkeypatch):
    opened(demo)
    warm.prepare(AS_OF)
    warm.prepare_rest(AS_OF)
    asked = []
    lake = lake_door.lake()
    monkeypatch.setattr(lake, "ask", lambda name, **parameters: asked.append(name) or type(lake).ask(lake, name, **parameters))
    for days in (7, 28, 90):
        warm.fleet(_filters(days), warm.insight.incidents(_filters(days)))
        warm.insight.coverage(_filters(days))
    _page()
    assert not asked


def test_what_maintain_kept_of_the_day_is_all_that_the_first_look_asks_of_many_rows(opened, monkeypatch):
    monkeypatch.setattr(month_sums, "LEAST_ROWS", 1)

    def kept(where):
        root = demo(where)
        with open_for_writing(root) as written, open_lake(written.location.uri, settings=Settings()) as reader:
            reader.keep_answers(AS_OF)
        return root

    opened(kept)
    asked = []
    run = Lake._run
    monkeypatch.setattr(Lake, "_run", lambda self, sql, *rest, **more: asked.append(sql.splitlines()[0]) or run(self, sql, *rest, **more))
    warm.prepare(AS_OF)
    # What is published and checked, which is little; verdicts of the few domains that are shown; and in the first weeks who was seen.
    few = ("published_changes", "checks_latest", "insight_sts_days", "insight_policies_by_reporter", "insight_disputed", "reporters_seen")
    assert set(asked) <= {f"-- {load_questions()[name].title}" for name in few}


def test_what_the_first_run_imports_is_imported_before_under_names_that_exist():
    assert not [name for name in warm._DRAWN_WITH if find_spec(name) is None]


def test_an_empty_lake_is_prepared_and_drawn(opened):
    opened(empty)
    warm.prepare(AS_OF)
    warm.prepare_rest(AS_OF)
    app = _page()
    assert "no report has come yet" in app.text[0].value
    app.switch_page("app_pages/first_weeks.py").run()
    assert not app.exception
    said = [one.value for one in app.text]
    assert any("No mailbox has been polled yet" in text for text in said)
    assert any("1. tlsrpt check" in text for text in said)


def _filters(days: int) -> Filters:
    return warm._filters(AS_OF, days)


def _marked(app: AppTest) -> list[tuple[str, str]]:
    options = [json.loads(chart.proto.spec) for chart in app.get("echarts_chart")]
    lines = [series["markLine"]["data"] for option in options for series in option["series"] if "markLine" in series]
    return [(line["xAxis"], line["label"]["formatter"]) for some in lines for line in some]


def test_where_every_tier_counts_each_figure_and_tile_says_so(opened):
    opened(demo)
    app = AppTest.from_file(str(Path(dashboard.__file__).with_name("app.py")), default_timeout=120)
    app.query_params["trust"] = "all"
    app.run()
    assert not app.exception
    marked = [one.value for one in app.caption if "Every trust tier, forged reports included." in one.value]
    assert len(marked) >= len(app.metric) + 4
    assert any("Reports of every trust tier count here" in one.value for one in app.warning)
    app.switch_page("app_pages/ingest.py").run()
    assert not any("Every trust tier" in one.value for one in app.caption), "the page about all mail asks with what is configured"


def test_what_is_drawn_of_an_incident_adds_up_or_the_difference_is_named(opened):
    opened(demo)
    app = _page()
    for one in some(warm.insight.incidents(_filters(28))[:4]):
        app.query_params["id"] = one.id
        app.switch_page("app_pages/incident.py").run()
        assert not app.exception
        table = app.get("echarts_chart")[0]
        drawn = sum(value or 0 for series in json.loads(table.proto.spec)["series"] for value in _values(series))
        (unit,) = [caption.value for caption in app.caption if "Failures of this kind per UTC day" in caption.value]
        assert drawn == one.failed_sessions or "Drawn are" in unit, (drawn, one.failed_sessions, unit)


def _values(series: dict) -> list:
    return [point["value"] if isinstance(point, dict) else point for point in series.get("data", [])]


def test_any_first_day_may_be_asked_for_and_is_in_the_address(opened):
    opened(demo)
    app = AppTest.from_file(str(Path(dashboard.__file__).with_name("app.py")), default_timeout=120)
    app.query_params["since"] = "2026-05-20"
    app.query_params["as_of"] = str(AS_OF)
    app.run()
    assert not app.exception
    assert app.text[0].value.startswith("Rests on")
    assert whole_days("(2026-05-20 to 2026-06-01") in app.text[0].value


def test_verdicts_on_many_domains_at_once_are_those_on_each(opened):
    opened(demo)
    filters = _filters(28)
    names = fleet(filters, warm.insight.incidents(filters)).names
    assert len(names) > 3
    at_once = warm.insight.verdicts(names, filters)
    whole = filters._replace(domain=None)
    assert at_once == {name: warm.insight.readiness(name, whole) for name in names}
    assert len({verdict.verdict for verdict in at_once.values()}) > 2
