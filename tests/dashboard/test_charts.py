"""Charts, words and tickets as plain values, without a page."""

from __future__ import annotations

import json
from datetime import date

import pandas as pd
import pytest

from dashboard.charts import palette
from dashboard.charts.days import calendar, failures_by_day, sessions_by_day
from dashboard.charts.flow import flow, layer_of
from dashboard.charts.heat import heat, height_of
from dashboard.charts.palette import AUTHENTICATED, OTHERS, RESULTS
from dashboard.charts.picked import Picked, clickable, picked
from dashboard.charts.span_bars import Span, spans
from dashboard.fleet import _rank
from dashboard.formatting import listed, number, plain, rate, short, shown
from dashboard.insight import _silence
from dashboard.say import whole_days
from dashboard.signs import FAULTS
from dashboard.table_columns import label_of
from pipeline.dashboard_flags import command_line, environment
from pipeline.insight.api import Coverage
from pipeline.insight.phrases import count_of
from pipeline.query.raw_report_text import report_texts
from pipeline.tables.schema import OUTCOMES
from tests.report_mails import document, mail_of

DAYS = calendar(date(2026, 5, 1), date(2026, 5, 4))


def test_a_rate_that_is_not_quite_all_never_looks_like_all():
    assert rate(1) == "100.00%"
    assert rate(0.999_999) == "99.99%"
    assert rate(0.000_001) == "0.01%"
    assert rate(0) == "0.00%"
    assert rate(None) == rate(float("nan")) == "–"


def test_numbers_are_grouped_and_counted_in_words():
    assert number(1234567) == "1,234,567"
    assert count_of(1, "day") == "1 day"
    assert count_of(1200, "day") == "1,200 days"


def test_a_number_that_is_too_long_for_a_card_is_told_in_millions():
    assert [short(value) for value in (0, 9_999_999, 12_345_678, 999_499_999, 4_567_890_123, 10**15)] == [
        "0", "9,999,999", "12.3 M", "999 M", "4.57 bn", "1,000 tn",
    ]  # fmt: skip
    assert short(None) == "–"


def test_texts_of_strangers_lose_what_turns_or_controls_them():
    assert plain("a\u202eb\x1b[31m") == "a\\u202eb\\x1b[31m"
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more"
    frame = shown(pd.DataFrame({"text": ["x\u2066", None], "many": [["a\n", "b"], []], "count": [1, 2]}))
    assert frame["text"][0] == "x\\u2066"
    assert frame["many"].tolist() == ["a\\x0a; b", ""]
    assert frame["count"].tolist() == [1, 2]


def test_a_day_without_reports_is_a_gap_and_an_incomplete_one_is_pale():
    frame = pd.DataFrame(
        {"report_day": [date(2026, 5, 1), date(2026, 5, 4)], "authenticated": [9, 5], "failed": [1, 0], "unprotected": [0, 0]}
    )
    option = sessions_by_day(frame, DAYS, DAYS[-1:])
    assert option["xAxis"]["data"] == DAYS
    assert [one["name"] for one in option["series"]] == ["Failed", "Authenticated TLS"], "a series of zeros is left out"
    data = option["series"][1]["data"]
    assert data[:3] == [9, 0, 0]
    assert data[3]["value"] == 5
    assert data[3]["itemStyle"]["opacity"] < 1


def test_more_kinds_of_failures_than_can_be_told_apart_share_the_last_bar():
    frame = pd.DataFrame({"report_day": [date(2026, 5, 1)] * 20, "result_type": [f"t{n}" for n in range(20)], "mentions": range(20, 0, -1)})
    series = failures_by_day(frame, DAYS, ())["series"]
    assert len(series) == 8
    assert series[-1]["name"] == "13 others"
    assert sum(one["data"][0] for one in series) == sum(range(1, 21))


def test_a_result_type_has_one_colour_whatever_else_is_drawn_and_the_colour_of_what_went_well_is_none_of_them():
    def colours(names: list[str]) -> dict[str, str]:
        frame = pd.DataFrame({"report_day": [date(2026, 5, 1)] * len(names), "result_type": names, "mentions": range(1, len(names) + 1)})
        bars = {one["name"]: one["itemStyle"]["color"] for one in failures_by_day(frame, DAYS, ())["series"]}
        ends = flow(frame.assign(submitter_domain="a.example", receiving_mx_hostname="mx.example"))["series"][0]["data"]
        assert {one["name"].strip(): one["itemStyle"]["color"] for one in ends if one["depth"] == 2} == bars
        return bars

    few, more = (
        colours(["tlsa-invalid", "certificate-expired"]),
        colours(["certificate-expired", "sts-policy-invalid", "x-own", "tlsa-invalid"]),
    )
    assert few == {name: more[name] for name in few}
    assert len(set(RESULTS.values())) == len(RESULTS)
    assert AUTHENTICATED not in {*RESULTS.values(), OTHERS}


def test_the_parts_of_a_bar_are_told_apart_without_their_colour():
    frame = pd.DataFrame({"report_day": [date(2026, 5, 2)], "authenticated": [5], "failed": [1], "unprotected": [2]})
    patterns = [json.dumps(one["itemStyle"]["decal"]) for one in sessions_by_day(frame, DAYS, [])["series"]]
    assert len(set(patterns)) >= 2


def test_a_heat_map_of_one_column_is_no_bar_across_the_page():
    one = heat(["mx.example"], ["a.example"], {("mx.example", "a.example"): 3}, unit="failures")
    assert one["grid"]["width"] <= 300
    assert "width" not in heat(DAYS, ["a.example"], {}, unit="failures")["grid"]


def test_a_name_that_is_sender_and_host_at_once_makes_no_circle():
    frame = pd.DataFrame(
        {"submitter_domain": ["a", "b"], "receiving_mx_hostname": ["a", None], "result_type": ["a", ""], "mentions": [2, 3]}
    )
    series = flow(frame)["series"][0]
    assert len({node["name"] for node in series["data"]}) == 6
    assert {(link["source"], link["target"]) for link in series["links"]} >= {("a", "a "), ("a ", "a  ")}


def test_a_cell_that_counts_none_is_there_and_has_no_heat():
    cells = heat(["x", "y"], ["r"], {("x", "r"): 0, ("y", "r"): 7, ("z", "r"): 9}, unit="failures")["series"][0]["data"]
    assert cells[0]["value"] == [0, 0, 0]
    assert cells[1] == [1, 0, 7]
    assert len(cells) == 2


@pytest.mark.parametrize(
    "option",
    [
        sessions_by_day(pd.DataFrame({"report_day": [], "authenticated": [], "failed": [], "unprotected": []}), DAYS, ()),
        heat([], [], {}, unit="failures"),
        spans([Span("a", "testing", date(2026, 5, 1), date(2026, 5, 1))]),
    ],
)
def test_every_chart_is_json_and_draws_its_tooltip_on_the_canvas(option):
    assert option["tooltip"]["renderMode"] == "richText"
    json.dumps(option)


def test_the_page_is_started_with_everything_locked_whatever_other_files_say():
    flags = command_line("127.0.0.1", 8501, ("tls.example.org",))
    for flag in (
        "--server.address=127.0.0.1",
        "--server.enableXsrfProtection=true",
        "--server.fileWatcherType=none",
        "--server.allowedHosts=tls.example.org",
        "--browser.gatherUsageStats=false",
        "--client.showErrorDetails=none",
    ):
        assert flag in flags
    assert not [flag for flag in flags if "theme" in flag]


def test_a_page_that_demands_a_sign_in_is_told_so():
    assert environment(None, "s3://bucket/lake", sign_in=True)["TLSRPT_SIGN_IN"] == "required"
    assert "TLSRPT_SIGN_IN" not in environment(None, "lake", sign_in=False)


def test_the_text_of_a_report_is_shown_as_its_sender_wrote_it():
    report = document(3)
    (text,) = report_texts(mail_of(report))
    assert json.loads(text) == report
    assert report_texts(json.dumps(report).encode()) == [text]
    assert report_texts(b"From: a@example.org\r\n\r\nhello") == []
    assert report_texts(b'{"broken": ') == ['{"broken": ']


def test_changes_of_what_is_published_are_lines_on_the_trend():
    frame = pd.DataFrame({"report_day": [date(2026, 5, 2)], "authenticated": [5], "failed": [1], "unprotected": [0]})
    option = sessions_by_day(frame, DAYS, [], marks=[("2026-05-03", "policy changed"), ("2026-07-01", "MX changed")])
    assert [line["xAxis"] for line in option["series"][0]["markLine"]["data"]] == ["2026-05-03"]
    assert "markLine" not in sessions_by_day(frame, DAYS, [])["series"][0]


def test_a_click_on_a_bar_a_cell_or_a_flow_says_what_it_was():
    frame = pd.DataFrame({"report_day": [date(2026, 5, 2)], "authenticated": [5], "failed": [1], "unprotected": [0]})
    bars = clickable(sessions_by_day(frame, DAYS, []))
    assert picked(bars, [{"series_index": 0, "data_type": "main", "data_indices": [1]}]) == Picked("2026-05-02", "Failed")
    cells = clickable(heat(["a", "b"], ["x", "y"], {("b", "x"): 3, ("a", "y"): 0}, unit="failures"))
    places = {picked(cells, [{"series_index": 0, "data_indices": [at]}]) for at in (0, 1)}
    assert places == {Picked("b", "x"), Picked("a", "y")}
    flows = clickable(
        flow(pd.DataFrame({"submitter_domain": ["a"], "receiving_mx_hostname": ["m"], "result_type": ["r"], "mentions": [2]}))
    )
    edge = picked(flows, [{"series_index": 0, "data_type": "edge", "data_indices": [0]}])
    assert edge is not None
    assert [layer_of(end) for end in edge if end] == [0, 1]
    node = picked(flows, [{"series_index": 0, "data_type": "node", "data_indices": [2]}])
    assert node is not None
    assert (layer_of(node.column or ""), node.row) == (2, None)


def test_a_click_that_another_filter_has_outdated_is_none():
    cells = heat(["a"], ["x"], {("a", "x"): 3}, unit="failures")
    assert picked(cells, []) is None
    assert picked(cells, [{"series_index": 0, "data_indices": [7]}]) is None
    assert picked(cells, [{"series_index": 3, "data_indices": [0]}]) is None
    assert picked(cells, [{"series_index": 0, "data_indices": []}]) is None


def test_a_number_in_a_cell_is_grouped_and_long_names_of_many_columns_are_all_seen():
    names = [f"certificate-of-kind-{number}" for number in range(8)]
    option = heat(names, ["x"], {(names[0], "x"): 73_836, (names[1], "x"): 5}, unit="mentions")
    assert option["series"][0]["data"][0]["label"]["formatter"] == "73,836"
    assert option["xAxis"]["axisLabel"]["interval"] == 0
    assert height_of(1, names) > height_of(1, names[:1])
    assert "interval" not in heat(DAYS, ["x"], {}, unit="sessions")["xAxis"]["axisLabel"]


def test_two_hosts_beside_each_other_are_both_named():
    option = heat(["mx1.example.org", "mx2.example.org"], ["mail.example"], {}, unit="failures")
    assert option["xAxis"]["axisLabel"]["interval"] == 0


def test_the_rate_and_the_number_of_authenticated_sessions_have_two_names():
    assert label_of("success_rate") != label_of("authenticated")


def test_a_reporter_is_silent_when_it_is_on_all_its_domains():
    def line(reporter: str, domain: str, silent: bool) -> Coverage:
        last = date(2026, 5, 1 if silent else 30)
        state = "silent" if silent else "reporting"
        return Coverage(domain, reporter, 1.0, last, date(2026, 5, 2) if silent else None, 1.0, state, last, 9, 90)

    found = _silence([line("a", "x", True), line("a", "y", False), line("b", "x", True), line("c", "x", False)])
    assert (found.everywhere, found.somewhere, found.is_ours) == ({"b"}, {"a"}, False)
    assert found.told() == "1 silent, 1 on some domains"
    assert _silence([]).told() == "not known who is silent"


def test_every_outcome_of_a_message_has_a_colour_and_mail_of_others_is_grey():
    assert set(palette.OUTCOMES) == set(OUTCOMES)
    red, green, blue = (int(palette.OUTCOMES["not_tlsrpt"][at : at + 2], 16) for at in (1, 3, 5))
    assert max(red, green, blue) - min(red, green, blue) < 32
    assert {sign.colour for name, sign in FAULTS.items() if name != "ours"} == {"gray"}


def test_the_worst_domain_is_one_of_which_all_fails_then_faults_of_ours_then_no_policy_at_all():
    def rank(authenticated: int, failed: int, *, ours: int = 0, faults: int = 0) -> tuple[int, ...]:
        return _rank({"sessions": 10, "authenticated": authenticated, "failed": failed}, ours, faults)

    worst_first = [
        rank(0, 10, ours=1, faults=1),
        rank(8, 2, ours=2, faults=2),
        rank(8, 2, ours=1, faults=3),
        rank(0, 0),
        rank(8, 2, faults=1),
    ]
    assert worst_first == sorted(worst_first)
    assert len(set(worst_first)) == len(worst_first)


def test_a_day_in_a_sentence_is_not_broken_at_its_hyphens():
    assert whole_days("since 2026-05-01, id-2026-05-011") == "since 2026\u201105\u201101, id-2026-05-011"


def test_every_label_of_a_flow_is_short_and_no_template_and_a_phone_has_the_names_of_the_hosts_too():
    long = "[click](http://evil.invalid/) {a|b} and more of it"
    frame = pd.DataFrame([{"submitter_domain": "a.example", "receiving_mx_hostname": long, "result_type": f"{{b}}{long}", "mentions": 3}])
    option = flow(frame)
    for nodes, most in ((option["series"][0]["data"], 28), (option["media"][0]["option"]["series"][0]["data"], 17)):
        labels = [node["label"].get("formatter", node["name"]) for node in nodes]
        assert max(map(len, labels)) <= most
        assert not {"{", "}"} & set("".join(labels[1:]))
        assert all(node["label"]["position"] for node in nodes)


def test_long_names_below_a_heat_map_are_slanted_before_they_hide_each_other():
    def slanted(*columns: str) -> bool:
        option = heat(columns, ["a"], {(columns[0], "a"): 1}, unit="x")
        return "rotate" in option["xAxis"]["axisLabel"]

    assert slanted(*[f"{'long-name' * 4}-{number}" for number in range(4)])
    assert not slanted("certificate-expired", "certificate-not-trusted", "validation-failure")
