"""Every limit bounds what it names: at the limit a report is read, one beyond it is not, and nothing is stored in part."""

from __future__ import annotations

import gzip
import zlib

import pytest

from pipeline.report.limits import DEFAULT_LIMITS, Limits
from tests.report.samples import RECEIVED, STS_LINES, code_of, detail, mail, policy, read_document, read_only, report, text_of, window

ELSEWHERE = {"seconds_per_message", "worker_memory_bytes"}
"""Kept by the worker process."""

PLAIN = text_of(report())
PACKED = gzip.compress(PLAIN, mtime=0)
CHARS = sum(map(len, STS_LINES))
FAILING = report(policy(bad=2, details=[detail(failure_reason_code="x" * 10, receiving_mx_helo="y" * 10)]))


def nested(depth: int) -> bytes:
    """A report whose deepest value is `depth` deep."""
    return PLAIN[:-1] + b',"x":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


def multiparts(depth: int) -> bytes:
    """A report mail in as many multiparts, of which the outermost says what is in it."""
    inner = mail()
    for n in range(depth - 1):
        inner = f'Content-Type: multipart/mixed; boundary="m{n}"\r\n\r\n--m{n}\r\n'.encode() + inner + f"\r\n--m{n}--\r\n".encode()
    return b"TLS-Report-Domain: example.com\r\n" + inner


REFUSED = {
    # name: (limit at which it is read, limit at which not, how, code)
    "message_bytes": (len(mail()), len(mail()) - 1, lambda limits: read_only(mail(), limits), "too_large_message"),
    "attachment_bytes": (len(PACKED), len(PACKED) - 1, lambda limits: read_only(mail(PACKED), limits), "gzip_too_large"),
    "json_bytes": (len(PLAIN), len(PLAIN) - 1, lambda limits: read_only(mail(PACKED), limits), "gzip_too_large"),
    "json_depth": (16, 15, lambda limits: read_document(nested(16), limits), "json_depth"),
    "json_values": (PLAIN.count(b","), PLAIN.count(b",") - 1, lambda limits: read_document(PLAIN, limits), "limits_exceeded"),
    "json_objects": (5, 4, lambda limits: read_document(PLAIN, limits), "limits_exceeded"),
    "json_arrays": (3, 2, lambda limits: read_document(PLAIN, limits), "limits_exceeded"),
    "policies": (3, 2, lambda limits: read_document(report(policy(), policy(), policy()), limits), "limits_exceeded"),
    "failure_details": (
        4,
        3,
        lambda limits: read_document(report(policy(details=[detail()] * 2), policy(details=[detail()] * 2)), limits),
        "limits_exceeded",
    ),
    "policy_sessions": (70, 69, lambda limits: read_document(report(policy(60, 10, [detail()])), limits), "limits_exceeded"),
    "report_sessions": (20, 19, lambda limits: read_document(report(policy(10), policy(7, 3)), limits), "limits_exceeded"),
    "policy_lines": (5, 4, lambda limits: read_document(PLAIN, limits), "limits_exceeded"),
    "policy_chars": (CHARS, CHARS - 1, lambda limits: read_document(PLAIN, limits), "limits_exceeded"),
    "hosts": (2, 1, lambda limits: read_document(report(policy(mx_host=["a.example", "b.example"])), limits), "limits_exceeded"),
    "header_block_bytes": (
        mail().index(b"\r\n\r\n") + 2,
        mail().index(b"\r\n\r\n") + 1,
        lambda limits: read_only(mail(), limits),
        "mime_limits",
    ),
    "header_bytes": (90, 80, lambda limits: read_only(mail(), limits), "mime_limits"),
    "boundary_lines": (3, 2, lambda limits: read_only(mail(), limits), "mime_limits"),
    "mime_parts": (2, 1, lambda limits: read_only(mail(), limits), "mime_limits"),
    "mime_depth": (3, 2, lambda limits: read_only(multiparts(3), limits), "mime_limits"),
    "report_parts": (2, 1, lambda limits: read_only(mail(parts=2), limits), "too_many_reports"),
    "window_days": (31, 30, lambda limits: read_document(window("2026-04-01T00:00:00Z", "2026-05-02T00:00:00Z"), limits), "date_range"),
    "future_hours": (
        42,
        41,
        lambda limits: read_only(mail(window("2026-05-14T00:00:00Z", "2026-05-15T00:00:00Z")), limits, received_at=RECEIVED),
        "date_range",
    ),
}

MARKED = {
    # name: (limit without the quirk, limit with it, document, quirk)
    "host_chars": (15, 14, FAILING, "host_invalid"),
    "ip_chars": (45, 7, report(policy(bad=2, details=[detail(sending_mta_ip="no address")])), "ip_invalid"),
    "organization_chars": (13, 12, report(), "truncated"),
    "contact_chars": (28, 27, report(), "truncated"),
    "report_id_chars": (22, 21, report(), "truncated"),
    "helo_chars": (10, 9, FAILING, "truncated"),
    "free_text_chars": (10, 9, FAILING, "truncated"),
    "long_window_days": (7, 6, window("2026-05-01T00:00:00Z", "2026-05-08T00:00:00Z"), "window_long"),
    "stale_days": (1, 0, report(), "stale"),
    "unknown_members": (2, 1, report(a=1, b=2), "unknown_key"),
}


def test_every_limit_has_a_test():
    assert set(REFUSED) | set(MARKED) | ELSEWHERE == set(Limits._fields)


@pytest.mark.parametrize("name", REFUSED)
def test_a_report_at_the_limit_is_read_and_one_beyond_is_refused(name):
    enough, too_little, read, code = REFUSED[name]
    assert code_of(read(DEFAULT_LIMITS._replace(**{name: enough}))) == "stored"
    assert code_of(read(DEFAULT_LIMITS._replace(**{name: too_little}))) == code


@pytest.mark.parametrize("name", [name for name in MARKED if name not in {"ip_chars", "unknown_members"}])
def test_a_text_beyond_the_limit_is_marked_and_the_report_is_read(name):
    enough, too_little, document, quirk = MARKED[name]
    content = mail(gzip.compress(text_of(document)))
    assert quirk not in read_only(content, DEFAULT_LIMITS._replace(**{name: enough})).quirks
    assert quirk in read_only(content, DEFAULT_LIMITS._replace(**{name: too_little})).quirks


def test_a_text_that_is_no_address_is_kept_up_to_the_limit():
    enough, too_little, document, _ = MARKED["ip_chars"]
    for most, kept in ((enough, "no address"), (too_little, "no addr")):
        failure = read_document(document, DEFAULT_LIMITS._replace(ip_chars=most)).policies[0].failures[0]
        assert (failure.sending_mta_ip, failure.sending_mta_ip_raw) == (None, kept)


def test_the_names_of_unknown_members_are_kept_up_to_the_limit_and_all_are_counted():
    enough, too_little, document, _ = MARKED["unknown_members"]
    for most in (enough, too_little):
        result = read_document(document, DEFAULT_LIMITS._replace(unknown_members=most))
        assert (len(result.unknown_members), result.unknown_member_count) == (most, 2)


@pytest.mark.parametrize("element", [b"{}", b"[]", b"{},[]", b'""', b"0"])
def test_a_small_gzip_of_millions_of_values_is_refused_before_it_is_parsed(element):
    text = b'{"policies":[' + (element + b",") * (19_000_000 // (len(element) + 1)) + b"0]}"
    packed = zlib.compress(text, 9, 31)
    assert len(packed) < 100_000
    assert code_of(read_only(mail(packed))) == "limits_exceeded"


def test_what_a_report_may_claim_is_bounded_where_it_has_details_and_in_any_notation():
    for most, mentioned in ((10**9, 10**9), (10**9, 10**9 + 1)):
        for number in (mentioned, str(mentioned), float(mentioned)):
            document = report(policy(0, 5, [detail(**{"failed-session-count": number})]))
            assert (code_of(read_document(document)) == "limits_exceeded") is (mentioned > most)
    together = report(policy(0, 5, [detail(**{"failed-session-count": 10**9})] * 11))
    assert code_of(read_document(together)) == "limits_exceeded"
    assert code_of(read_document(report(*[policy(10**9)] * 11))) == "limits_exceeded"
    assert code_of(read_document(report(*[policy(10**9)] * 10))) == "stored"


def test_the_largest_honest_report_is_read():
    """Fifty thousand failure details, all different."""
    details = [detail(**{"sending-mta-ip": f"2001:db8::{n:x}"}) for n in range(DEFAULT_LIMITS.failure_details)]
    result = read_document(report(policy(bad=100_000, details=details)))
    assert len(result.policies[0].failures) == 50_000
    assert result.quirks == ()
