"""Whoever asks – Python, a frame, the command line, the page – gets the same numbers, and those of the small lake are known by hand."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow.compute as pc
import pytest

from pipeline.query.catalogue import load_questions
from tests.query.small_lake import PERIOD

QUESTIONS = load_questions()

LINE = {"firsts": ["2026-05-02"], "lasts": ["2026-05-02"], "domains": ["example.org"], "reporters": ["google.com"]}
OWN = {
    "insight_evidence": {**LINE, "incidents": ["0"], "results": ["certificate-expired"], "reasons": [""], "hosts": ["mx1.example.org"]},
    "insight_policies": {"domains": ["example.org"]},
    "insight_policies_by_reporter": {"domain": "example.org"},
    "insight_reporters": {"needed": 2},
    "insight_spans": {"span_domains": ["example.org"], "span_firsts": ["2026-05-01"], "span_lasts": ["2026-05-02"]},
    "insight_sts_days": {"domain": "example.org", "harmless": ["sts-policy-fetch-error"]},
}
USUAL = {"VARCHAR[]": ["example.org"], "BIGINT": 2, "INTEGER": 2}
"""For parameters that no line above names."""

BY_HAND = {
    # example.org and example.net, and example.edu on our MX host: 11 + 142 + 146 + 51 + 7 + 11 sessions.
    "success_rate": {"sessions": 368, "authenticated": 312, "failed": 20, "unprotected": 36},
    "sessions_by_day": {"sessions": 368, "authenticated": 312, "failed": 20, "unprotected": 36},
    "sessions_by_domain": {"sessions": 368, "authenticated": 312, "failed": 20, "unprotected": 36},
    "sessions_by_reporter": {"sessions": 368, "authenticated": 312, "failed": 20, "unprotected": 36},
    "handed_sessions": {"sessions": 368, "authenticated": 312, "failed": 20, "unprotected": 36},
    # Each policy row as sent: Microsoft's sessions under sts and again under tlsa.
    "handed_policies": {"success_count": 391, "failure_count": 22},
    "handed_failures": {"failed_session_count": 23},
    # 1 + 1 of mail.ru, 2 of Microsoft once, 7 + 3 of Google, 1 of DANE, 5 of Postfix, 1 of the incomplete day.
    "failures_by_result_type": {"mentions": 21},
    "failures_by_day_and_result_type": {"mentions": 21},
    "failures_by_mx": {"mentions": 21},
    "failures_by_address": {"mentions": 21},
    "failures_by_reason": {"mentions": 21},
    "failures_by_sending_network": {"mentions": 21},
    "failures_by_reporter_and_mx": {"mentions": 21},
    "outcomes": {"messages": 18},
    "tiers": {"reports": 13, "superseded": 2},
    "worst_domains": {"failed": 20},
    "fleet": {"sessions": 368, "authenticated": 312, "failed": 20, "unprotected": 36},
}
"""Sums over all rows, computed by hand from the table at the top of `small_lake`."""


@pytest.fixture(scope="session")
def parameters(lake):
    """Return the parameters of a question; keys are those of report 4, which failed in two ways."""
    key = lake.sql("select report_key, message_sha256 from reports where report_id = 'r4'").to_pylist()[0]

    def of(question):
        needed = {p.name: USUAL.get(p.type) for p in question.parameters if p.required and p.name not in PERIOD}
        given = {"domain": "example.org", **OWN.get(question.name, {})}
        own = needed | {name: value for name, value in given.items() if name in needed}
        known = {"report_key": key["report_key"], "message_sha256": key["message_sha256"], "prefix": key["message_sha256"][:10]}
        own |= {name: known[name] for name in known.keys() & set(question.parameter_names) if question.name != "reports_found"}
        return own | (PERIOD if "until" in question.parameter_names else {})

    return of


def plain(value):
    """A value as JSON has it, written here anew so that the test does not rest on what it tests."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value


def rows(answer):
    return [{name: plain(value) for name, value in row.items()} for row in answer.to_pylist()]


def words(value):
    if isinstance(value, list):
        return json.dumps(value) if "" in value else ",".join(value)
    return str(value)


@pytest.fixture(scope="module")
def dashboard(lake_folder, tmp_path_factory):
    """The door of the page, opened on the small lake as the page opens it."""
    from dashboard import lake_door
    from tests.analyst.conftest import CONFIGURATION

    path = tmp_path_factory.mktemp("page") / "tlsrpt.toml"
    path.write_text(CONFIGURATION.format(lake=lake_folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLSRPT_CONFIG", str(path))
        lake_door.close()
        yield lake_door
        lake_door.close()


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_a_question_has_the_same_answer_in_python_on_the_command_line_and_on_the_page(question, lake, parameters, tlsrpt, dashboard):
    given = parameters(question)
    answer = lake.ask(question.name, **given)
    own = {name: value for name, value in given.items() if name not in PERIOD}
    flags = [word for name, value in own.items() for word in ("--param", f"{name}={words(value)}")]
    days = [word for name in PERIOD if name in given for word in (f"--{name.replace('_', '-')}", given[name])]
    code, out, err = tlsrpt("questions", "run", question.name, *days, *flags, "--format", "json")
    assert (code, err) == (0, "")
    assert json.loads(out) == rows(answer)
    assert rows(dashboard.asked(question.name, **given).table) == rows(answer)
    assert len(lake.frame(question.name, **given)) == answer.num_rows


@pytest.mark.parametrize("name", BY_HAND)
def test_the_sums_are_those_computed_by_hand(name, lake, parameters):
    answer = lake.ask(name, **parameters(QUESTIONS[name]))
    assert {column: pc.sum(answer.column(column)).as_py() for column in BY_HAND[name]} == BY_HAND[name]
