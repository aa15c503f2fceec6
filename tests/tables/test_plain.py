"""Plain report files go the short way, and it leads where the careful way leads."""

from __future__ import annotations

import copy
import gzip
import json
from collections import Counter
from datetime import timedelta
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.report import content as report_content
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.rows import Ownership
from pipeline.workers.reading_task import read_chunk
from tests.report.samples import TLSA, detail, mail, policy, report, text_of
from tests.report.test_properties import DOCUMENTS, JSONISH, documents, places
from tests.tables.test_read_columns import JOB, RECEIVED, file_of, hold_together, mail_of, packed
from tests.worlds.random_worlds import random_world


def plain_share(chunk, limits=DEFAULT_LIMITS) -> float:
    """How many of some files go the short way, of all."""
    found = []
    short = report_content.plain_report

    def seen(*arguments):
        found.append(short(*arguments))
        return found[-1]

    report_content.plain_report = seen
    try:
        read_chunk(chunk, JOB._replace(limits=limits))
    finally:
        report_content.plain_report = short
    return sum(each is not None for each in found) / len(chunk)


def is_plain(content: bytes) -> bool:
    """Whether a file goes the short way."""
    return plain_share([file_of(content)]) == 1


PLAIN = {
    "one policy": report(),
    "failures": report(policy(5, 6, [detail(), detail(failed_session_count=4)])),
    "no address in some": report(policy(5, 4, [detail(), detail(sending_mta_ip=...)])),
    "a free text in some": report(policy(5, 4, [detail(failure_reason_code="X509"), detail(receiving_mx_helo="mx")])),
    "a text for a list": report(policy(mx_host="mx1.example.com", policy_string="version: STSv1")),
    "an empty text for a list": report(policy(mx_host="", policy_string="")),
    "Fastmail": report(policy(mx_host="mx1.example.com") | {"failure_details": []}),
    "Fastmail's failures": report(policy(5, 2) | {"failure_details": [detail()]}),
    "Microsoft": report(policy(policy_type="tlsa", policy_string=['["3 1 1 AA","3 1 1 BB"]'], mx_host=...)),
    "quotation marks": report(policy(5, 2, [detail(failure_reason_code='say "no"')]), organization_name='The "Best" Inc.'),
    "several policies": report(policy(), policy(policy_type="no-policy-found", policy_string=..., policy_domain="b.example.com")),
    "sts and tlsa": report(policy(7), policy(9, policy_type="tlsa", policy_string=[TLSA], mx_host=..., policy_domain="mx1.example.com")),
    "nulls": report(policy(mx_host=None), contact_info=None, organization_name=None),
    "null details": report(policy(details=[]) | {"failure-details": None}),
    "counts that do not add up": report(policy(5, 9, [detail()]), policy(1, 2), policy(1, 0, [detail()])),
    "half a day": report(date_range={"start-datetime": "2026-05-11T00:00:00", "end-datetime": "2026-05-11T12:00:00+02:00"}),
    "a host in capitals": report(policy(1, 2, [detail(receiving_mx_hostname="MX1.Example.COM.", receiving_ip="2001:DB8::1")])),
}


@pytest.mark.parametrize("name", PLAIN)
def test_these_are_plain(name):
    content = text_of(PLAIN[name])
    assert is_plain(content)
    assert is_plain(gzip.compress(content))
    mails = [mail_of(mail(gzip.compress(content))), mail_of(mail(content, media_type="application/json", encoding="8bit"), 2)]
    rows = hold_together([packed(PLAIN[name]), file_of(content), *mails])
    assert {each.message.outcome for each in rows} == {"stored"}


TEXT = text_of(report(policy(5, 2, [detail()])))
ODD = {
    "a member name twice": TEXT.replace(b'"report-id"', b'"report-id":"z","report-id"'),
    "a name twice, hidden by a colon": TEXT.replace(b'"report-id"', b'"report-id":": z","report-id" '),
    "a name twice, hidden by a null": TEXT.replace(b'"192.0.2.10"', b'null,"receiving-ip":"192.0.2.1"'),
    "a name twice in the applied policy": TEXT.replace(b'"policy-type"', b'"policy-type":"sts","policy-type"'),
    "a name twice, null instead of a list": TEXT.replace(b'"mx-host"', b'"mx-host":null,"mx-host"'),
    "an escape": TEXT.replace(b"Reporter Inc.", rb"Reporter\u0020Inc."),
    "a letter": TEXT.replace(b"Reporter", "Répörter".encode()),
    "a member that nobody knows": TEXT.replace(b'"report-id"', b'"x":1,"report-id"'),
    "details that are not lists": TEXT.replace(b'"failure-details":[', b'"failure-details":false,"x":['),
    "false for details": text_of(report(policy() | {"failure-details": False})),
    "true for one": TEXT.replace(b'"total-failure-session-count":2', b'"total-failure-session-count":true'),
    "a count with a fraction of nothing": TEXT.replace(b'"failed-session-count":2', b'"failed-session-count":2.0'),
    "a null in a detail": TEXT.replace(b'"198.51.100.25"', b"null"),
    "an empty address": TEXT.replace(b'"198.51.100.25"', b'""'),
    "no result type": text_of(report(policy(5, 2, [detail(result_type=...)]))),
    "one of two without result type": text_of(report(policy(5, 2, [detail(), detail(result_type=..., failure_reason_code="x")]))),
    "two texts": TEXT + TEXT,
    "both names of the details": text_of(report(policy(details=[]) | {"failure_details": []})),
    "an escaped backslash": TEXT.replace(b"Reporter Inc.", rb"Reporter \\"),
    "an escaped backslash before an escaped mark": TEXT.replace(b"Reporter Inc.", rb"Reporter \\\" Inc."),
    "a name twice, hidden by an escaped mark": TEXT.replace(b'"report-id"', rb'"contact-info":"\"","contact-info"'),
    "a report without policies": text_of(report() | {"policies": []}),
    "no object": b"[1]",
}


@pytest.mark.parametrize("name", ODD)
def test_these_are_not_plain_and_go_the_careful_way(name):
    content = ODD[name]
    assert not is_plain(content)
    hold_together([file_of(content), file_of(gzip.compress(content, mtime=0)), file_of(TEXT), mail_of(mail(gzip.compress(content)))])


@pytest.mark.parametrize("days", [-40, -3, -1, 1, 60])
def test_the_day_a_mail_came_counts_on_the_short_way_too(days):
    hold_together([mail_of(mail(), received_at=RECEIVED + timedelta(days=days)), packed(report())])


def test_a_text_that_looks_like_the_seam_between_two_details_changes_no_digest():
    details = [detail(failure_reason_code="a],[b"), detail(failure_reason_code="a", additional_information="x:y],[z")]
    document = report(policy(5, 4, details))
    assert is_plain(text_of(document))
    hold_together([packed(document)])


def test_damage_of_the_container_is_seen_on_the_short_way_too():
    content = gzip.compress(TEXT, mtime=0)
    spoiled = [content[:-1], content[:-5] + b"\0" + content[-4:], content + b"\0\0", content + content, content + b"x"]
    rows = hold_together([file_of(each) for each in [*spoiled, TEXT + b"\0", b"\xef\xbb\xbf" + TEXT]])
    assert [each.message.reject_code for each in rows[:3]] == ["gzip_corrupt", "not_tlsrpt", None]


def test_limits_hold_on_the_short_way():
    document = report(*[policy(5, 4, [detail(), detail()])] * 3)
    size, packed_size = len(text_of(document)), len(packed(document).content)
    for limit, most in {
        "json_bytes": size,
        "attachment_bytes": packed_size,
        "json_values": text_of(document).count(b","),
        "json_objects": text_of(document).count(b"{"),
        "json_arrays": text_of(document).count(b"["),
        "policies": 3,
        "failure_details": 6,
        "policy_lines": 5,
        "report_id_chars": 22,
    }.items():
        chunk = [packed(document)]
        for value, plain in ((most, True), (most - 1, False)):
            limits = JOB.limits._replace(**{limit: value})
            assert (plain_share(chunk, limits) == 1) == plain, limit
            hold_together(chunk, JOB._replace(limits=limits))


def test_a_tlsa_policy_is_ours_on_the_short_way_too():
    document = report(policy(policy_type="tlsa", policy_string=[TLSA], policy_domain="mx1.example.com", mx_host=...))
    rows = hold_together([packed(document)], JOB._replace(own=Ownership(("example.com",), ("mx1.example.com",))))
    assert rows[0].reports[0].report.report_domains == ("example.com",)


def test_most_reports_of_a_world_are_plain():
    world = random_world(3)
    chunk = [packed(each.document) for each in islice(world.reports(), 600)]
    rows = hold_together(chunk)
    assert plain_share(chunk) > 0.6
    assert Counter(each.message.outcome for each in rows)["stored"] > 500


@given(st.lists(documents(), min_size=1, max_size=4))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_both_ways_lead_to_the_same_rows(drawn):
    hold_together([packed(document) for document in drawn])


WAYS = (file_of, lambda text: file_of(gzip.compress(text, mtime=0)), lambda text: mail_of(mail(gzip.compress(text))))
"""How a report may come."""


@given(st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_both_ways_lead_to_the_same_rows_whatever_stands_in_a_report(data):
    chunk = []
    for _ in range(3):
        document = copy.deepcopy(data.draw(st.sampled_from([*DOCUMENTS, *PLAIN.values()])))
        for _ in range(data.draw(st.integers(0, 2))):
            path = data.draw(st.sampled_from(places(document)[1:] or [("policies",)]))
            inner = document
            for step in path[:-1]:
                inner = inner[step]
            inner[path[-1]] = copy.deepcopy(data.draw(JSONISH))
        content = json.dumps(document, separators=(",", data.draw(st.sampled_from([":", ": ", " :"])))).encode()
        at = data.draw(st.integers(0, len(content)))
        junk = data.draw(st.sampled_from([b""] * 6 + [b" ", b'"', b"\\", b",", b'"report-id":": x",', b'"mx-host":null,']))
        content = content[:at] + junk + content[at:]
        as_sent = data.draw(
            st.sampled_from([file_of, lambda text: file_of(gzip.compress(text, mtime=0)), lambda text: mail_of(mail(text))])
        )
        chunk.append(as_sent(content))
    hold_together(chunk)
