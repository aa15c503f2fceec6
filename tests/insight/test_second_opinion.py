"""What live checks say beside an incident of ours: still there, fixed, not visible from here, not looked at since."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from pipeline.insight.live_opinion import Opinion
from pipeline.insight.second_opinion import opinion_on, with_opinions
from tests.insight.asking import incidents
from tests.notify.test_news import book

BEGAN = date(2026, 5, 10)


def incident(cause: str = "mx-certificate-expired", *hosts: str, fault: str = "ours", state: str = "open"):
    return SimpleNamespace(domain="example.org", cause=cause, mx_hosts=hosts, fault=fault, state=state, first_day=BEGAN)


def at(day: int) -> datetime:
    return datetime(2026, 5, day, 6, tzinfo=UTC)


def row(
    code: str | None, found: int, *, last: int, place: str = "mx1.example.org [198.51.100.1]", check: str = "smtp", severity: str = "error"
):
    gone = at(found) + timedelta(days=1) if found < last else None
    return {
        "domain": "example.org",
        "check_name": check,
        "code": code,
        "place": place,
        "what": "the certificate expired on 2026-05-09",
        "severity": severity,
        "found_at": at(found),
        "gone_at": gone,
        "last_checked_at": at(last),
    }


NOTHING = row(None, 20, last=20) | {"check_name": None, "place": None, "what": None, "severity": None}


@pytest.mark.parametrize(
    ("rows", "state", "says"),
    [
        ([], "not-checked", "no check since it began"),
        ([row("certificate-expired", 9, last=9)], "not-checked", "no check since it began"),
        (
            [row("certificate-expired", 20, last=20)],
            "still-there",
            "still there: the check of 2026-05-20 found that the certificate expired",
        ),
        ([row("certificate-expired", 14, last=20)], "fixed", "fixed since 2026-05-15"),
        ([row("certificate-expired", 9, last=20)], "not-visible", "found no sign of it"),
        ([NOTHING], "not-visible", "the check of 2026-05-20 found no sign of it"),
        ([row("mx-unreachable", 20, last=20, severity="unknown")], "not-visible", "not visible from here"),
        (
            [row("certificate-expired", 14, last=20), row("mx-unreachable", 20, last=20, severity="unknown")],
            "not-visible",
            "not visible from here",
        ),
        ([row("certificate-expired", 20, last=20, place="mx2.example.org [198.51.100.2]")], "not-visible", "found no sign of it"),
    ],
    ids=["never checked", "before", "now", "then", "long ago", "nothing", "not reachable", "then not reachable", "another host"],
)
def test_an_incident_is_held_against_the_checks(rows, state, says):
    opinion = opinion_on(incident("mx-certificate-expired", "mx1.example.org"), rows)
    assert opinion.state == state
    assert says in opinion.says


def test_a_fault_that_is_fixed_as_the_checks_see_it_is_not_to_be_fixed_again():
    (one,) = incidents(book(20), 20)
    fixed = replace(one, last_check=Opinion("fixed", date(2026, 5, 15), "fixed since 2026-05-15"))
    assert fixed.fix == f"Wait for the reports about the days since 2026-05-15. If they still show the fault: {one.fix}"
    assert replace(one, last_check=Opinion("still-there", date(2026, 5, 15), "still there")).fix == one.fix


@pytest.mark.parametrize(
    ("cause", "code", "check"),
    [
        ("policy-unreachable", "policy-status", "sts-policy"),
        ("policy-invalid", "policy-html", "sts-policy"),
        ("policy-lost", "sts-record-missing", "sts-record"),
        ("mx-not-in-policy", "mx-not-in-policy", "mx"),
        ("tlsa-mismatch", "tlsa-mismatch", "tlsa"),
        ("starttls-stripped", "starttls-missing", "smtp"),
    ],
)
def test_each_cause_has_its_findings(cause, code, check):
    assert opinion_on(incident(cause), [row(code, 20, last=20, check=check)]).state == "still-there"
    assert opinion_on(incident(cause), [row("tlsrpt-record-missing", 20, last=20, check="tlsrpt-record")]).state == "not-visible"


def test_only_incidents_of_ours_that_are_not_over_are_asked_about():
    def ask(name, **_):
        raise AssertionError(name)

    others = [incident(fault="sender"), incident(state="resolved"), incident("unknown")]
    assert with_opinions(ask, others, as_of=BEGAN) == others
