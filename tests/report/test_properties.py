"""What holds of the parser for all input there is."""

from __future__ import annotations

import copy
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.model import ParsedReport, Reading, Rejected
from pipeline.report.quirks import QUIRKS, REJECT_CODES
from pipeline.report.read import read_file, read_mail
from pipeline.tables.schema import OUTCOMES, arrow_schema
from tests.report.samples import RECEIVED, STS_LINES, TLSA, mail, read_document, report, rows_of, text_of

GOLDEN = [path.read_bytes() for path in sorted((Path(__file__).parent.parent / "golden").iterdir()) if ".expected." not in path.name]
MAILS = [content for content in GOLDEN if b"\r\n\r\n" in content]
DOCUMENTS = [orjson.loads(content.removeprefix(b"\xef\xbb\xbf")) for content in GOLDEN if content.lstrip(b"\xef\xbb\xbf").startswith(b"{")]


def check(reading: Reading) -> None:
    """Hold a reading to what its type says."""
    assert (reading.rejected is None) == bool(reading.parts)
    for result in [part.result for part in reading.parts] + ([reading.rejected] if reading.rejected else []):
        if isinstance(result, Rejected):
            assert result.code in REJECT_CODES
            assert result.detail
        else:
            check_report(result)


def check_report(found: ParsedReport) -> None:
    assert set(found.quirks) <= set(QUIRKS)
    assert found.window_start < found.window_end
    assert found.policies
    for policy in found.policies:
        assert policy.success_count >= 0
        assert policy.failure_count >= 0
    orjson.dumps([found.organization_name, found.report_id, found.contact_info, found.unknown_members])


@given(st.binary(max_size=400))
def test_no_bytes_make_it_raise(content):
    check(read_mail(content, received_at=RECEIVED))
    check(read_file(content, name=None, received_at=RECEIVED))
    check(read_file(gzip.compress(content), name="x.gz", received_at=RECEIVED))


@given(st.data())
@settings(max_examples=150)
def test_no_spoiled_mail_makes_it_raise(data):
    content = bytearray(data.draw(st.sampled_from(MAILS)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content)))
        until = at + data.draw(st.integers(0, 40))
        content[at:until] = data.draw(st.sampled_from([b"", b"\r\n", b"\0", b"--", b'"', b";", b"=?", b"\xff"]) | st.binary(max_size=20))
    check(read_mail(bytes(content), received_at=RECEIVED))


JSONISH = st.recursive(
    st.sampled_from(
        [None, True, 0, -1, 7, 2**53, 1.5, 2.0, "", "7", "x", "\u202e", "example.com", "192.0.2.1", "sts", "2026-05-11T00:00:00Z", "[1]"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "policy", "summary", "result-type"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(value: object, path: tuple = ()) -> list[tuple]:
    """Return the path of every value in a document."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for step, inner in steps for found in places(inner, (*path, step)))]


@given(st.data())
@settings(max_examples=300)
def test_no_report_with_anything_anywhere_makes_it_raise(data):
    document = copy.deepcopy(data.draw(st.sampled_from(DOCUMENTS)))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(document)[1:] or [("policies",)]))
        inner = document
        for step in path[:-1]:
            inner = inner[step]
        replacement = data.draw(JSONISH)
        if data.draw(st.booleans()) and isinstance(inner, dict):
            inner[str(path[-1]).replace("-", "_") + data.draw(st.sampled_from(["", "x"]))] = replacement
        else:
            inner[path[-1]] = replacement
    content = text_of(document)
    check(read_file(content, name=None, received_at=RECEIVED))
    rows = rows_of(mail(gzip.compress(content)))
    assert rows.message.outcome in OUTCOMES
    for found in rows.reports:
        for name, each in (("reports", [found.report]), ("policies", found.policies), ("failures", found.failures)):
            pa.Table.from_pylist([{"batch": 1, **row._asdict()} for row in each], schema=arrow_schema(name)).validate(full=True)


SESSIONS = st.integers(0, 5 * 10**8)
SPELT = st.sampled_from([int, str, float])


@st.composite
def documents(draw):
    """A report of any size and spelling that is none the less a report."""
    policies = []
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["sts", "tlsa", "no-policy-found", " STS "]))
        details = [
            {
                "result-type": draw(st.sampled_from(["certificate-expired", "tlsa-invalid", "other"])),
                "failed-session-count": draw(SPELT)(draw(SESSIONS)),
            }
            for _ in range(draw(st.integers(0, 3)))
        ]
        policies.append(
            {
                "policy": {
                    "policy-type": kind,
                    "policy-domain": draw(st.sampled_from(["example.com", "Example.ORG.", "mx.example.net"])),
                    draw(st.sampled_from(["policy-string", "policy_string"])): draw(st.sampled_from([STS_LINES, [TLSA], [], None, "x"])),
                },
                "summary": {
                    "total-successful-session-count": draw(SPELT)(draw(SESSIONS)),
                    draw(st.sampled_from(["total-failure-session-count", "failure-count"])): draw(SPELT)(draw(SESSIONS)),
                },
                "failure-details": draw(st.sampled_from([details, details or None])),
            }
        )
    start = datetime(2026, 4, 1, tzinfo=UTC) + timedelta(hours=draw(st.integers(0, 500)))
    period = {"start-datetime": start.isoformat(), "end-datetime": (start + timedelta(hours=draw(st.integers(1, 200)))).isoformat()}
    return report(*policies, date_range=period)


@given(documents())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_session_totals_survive(document):
    rows = rows_of(mail(gzip.compress(text_of(document))))
    assert rows.message.outcome == "stored", rows.message.reject_detail
    _, policies, failures = rows.reports[0]
    sent = document["policies"]
    assert [row.success_count for row in policies] == [int(float(p["summary"]["total-successful-session-count"])) for p in sent]
    failed = [int(float(p["summary"].get("total-failure-session-count", p["summary"].get("failure-count")))) for p in sent]
    assert [row.failure_count for row in policies] == failed
    mentions = [[int(float(d["failed-session-count"])) for d in p["failure-details"] or []] for p in sent]
    assert [row.failed_session_count for row in failures] == [each for many in mentions for each in many]
    assert [row.failure_detail_sum for row in policies] == [sum(many) for many in mentions]


@given(documents(), st.sampled_from([None, 1, "\t"]), st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_the_way_a_report_is_written_and_packed_does_not_matter(document, indent, turned):
    plain = rows_of(text_of(document), bare=True).reports[0].report
    if turned:
        document = dict(reversed(list(document.items())))
    written = json.dumps(document, indent=indent).encode()
    for content in (written, gzip.compress(written, 1)):
        row = rows_of(content, bare=True).reports[0].report
        assert (row.report_key, row.quirks) == (plain.report_key, plain.quirks)


@given(documents(), st.integers(0, 200))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_a_report_is_read_whole_or_not_at_all_under_any_limit(document, most):
    content = text_of(document)
    whole = read_document(content)
    for name in ("json_values", "json_objects", "json_arrays", "policies", "failure_details", "policy_lines", "policy_chars"):
        found = read_document(content, DEFAULT_LIMITS._replace(**{name: most}))
        assert found == whole or found.code == "limits_exceeded"
