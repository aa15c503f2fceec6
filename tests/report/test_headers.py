"""Header fields are unfolded, bounded, decoded, and believed only where they are alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.envelope import read_envelope
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.mime.headers import decode_words, read_headers


def headers(text: str):
    return read_headers(text.encode("utf-8", "surrogateescape"), 0, len(text.encode("utf-8", "surrogateescape")), DEFAULT_LIMITS)[0]


def test_a_folded_field_is_one_line():
    assert headers("Subject: a\r\n b\r\n\tc\r\nFrom: x\r\n\r\n").first("subject") == "a b\tc"


def test_names_are_told_without_case_and_only_at_the_start_of_a_line():
    found = headers("X-Subject: no\r\nSUBJECT: yes\r\nX: \r\n subject: no\r\n\r\n")
    assert found.fields["subject"] == ["yes"]


def test_the_header_ends_at_the_empty_line():
    content = b"Subject: a\r\n\r\nFrom: b@example.com\r\n\r\n"
    found, body = read_headers(content, 0, len(content), DEFAULT_LIMITS)
    assert ("from" in found.fields, content[body:]) == (False, b"From: b@example.com\r\n\r\n")


@pytest.mark.parametrize(("ending", "body"), [("\r\n\r\n", 14), ("\n\n", 12), ("\n\r\n", 13), ("", 10)])
def test_any_line_break_will_do(ending, body):
    content = f"Subject: a{ending}".encode()
    assert read_headers(content, 0, len(content), DEFAULT_LIMITS)[1] == body


@pytest.mark.parametrize("text", ["a\n\r\n\nb", "a\r\n\n\r\nb", "a\n\n\r\nb", "a\r\r\n\r\nb", "a\n\r\n", "a\n\n", "a\n"])
def test_the_first_empty_line_ends_the_header_whatever_its_line_breaks(text):
    content = text.encode()
    found = re.search(rb"\n\r?\n", content)
    assert read_headers(content, 0, len(content), DEFAULT_LIMITS)[1] == (found.end() if found else len(content))


@given(st.text(alphabet='aB:; \t\r\n="', max_size=60), st.integers(0, 1))
def test_the_header_of_a_part_is_read_alike_whether_it_is_remembered_or_not(text, at):
    content = f"\nContent-Type: {text}\r\n\r\n".encode()
    short = DEFAULT_LIMITS._replace(header_bytes=200)  # for which no header is remembered
    for limits in (DEFAULT_LIMITS, DEFAULT_LIMITS):
        (found, body), (anew, again) = (read_headers(content, at, len(content), each) for each in (limits, short))
        assert (found.fields, found.media_type, body) == (anew.fields, anew.media_type, again)


def test_a_short_header_of_a_part_minds_the_limit_of_a_whole_header():
    content = b"\nContent-Type: text/plain\r\nX: " + b"x" * 150 + b"\r\n\r\n"
    assert not read_headers(content, 1, len(content), DEFAULT_LIMITS)[0].rejected
    assert read_headers(content, 1, len(content), DEFAULT_LIMITS._replace(header_block_bytes=100))[0].rejected


CLOCK = st.tuples(st.integers(0, 25), st.integers(0, 61), st.integers(0, 61)).map(lambda clock: ":".join(f"{part:02}" for part in clock))
DATES = st.tuples(
    st.sampled_from(["Mon,", "Foo,", "mon,", "Mo,"]),
    st.integers(0, 33).map(str),
    st.sampled_from(["Jan", "Feb", "Dec", "may", "Foo"]),
    st.sampled_from(["99", "1000", "1999", "2026", "2999", "3000"]),
    CLOCK,
    st.sampled_from(["+0000", "-0000", "+0530", "-1145", "+1999", "+2359", "+2400", "GMT", "+100", ""]),
).map(lambda parts: " ".join(parts).strip())


@given(DATES)
def test_a_date_as_it_is_usually_written_is_read_as_the_standard_library_reads_it(date):
    try:
        moment = parsedate_to_datetime(date)
        wanted = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        wanted = None
    assert read_envelope(headers(f"Date: {date}\r\n\r\n")).header_date == wanted


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("application/gzip; name=a.gz", "a.gz"),
        ('application/gzip; charset=x; NAME = "a b.gz" ; y=z', "a b.gz"),
        ('application/gzip; name="a\\"b.gz"', 'a"b.gz'),
        ("application/gzip; name*=utf-8''%e2%82%ac.gz", "€.gz"),
        ("application/gzip; name*0=a; name*1=b.gz", "ab.gz"),
        ("application/gzip; name*0*=utf-8'en'%e2%82%ac; name*1=b.gz", "€b.gz"),
        ("application/gzip; name*=unknown''%ff", "ÿ"),
        ("application/gzip; x-name=b", None),
        ("application/gzip", None),
        ("application/gzip;", None),
        ("application/gzip;name", None),
        ("name=a", None),
    ],
)
def test_parameters_of_every_form_are_read(value, name):
    found = headers(f"Content-Type: {value}\r\n\r\n").parameter("content-type", "name")
    assert found == name or (found == "" and name is None)


@pytest.mark.parametrize(
    ("value", "media_type"),
    [
        ("Application/TLSRPT+gzip; a=b", "application/tlsrpt+gzip"),
        ("application/tlsrpt+json;", "application/tlsrpt+json"),
        ("text", "text/plain"),
        ("", "text/plain"),
        ("(comment) text/html", "text/plain"),
    ],
)
def test_a_media_type_is_its_first_word(value, media_type):
    assert headers(f"Content-Type: {value}\r\n\r\n").media_type == media_type
    assert headers("\r\n").media_type == "text/plain"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?caf=C3=A9?= =?utf-8?b?w6k=?=", "caféé"),
        ("=?unknown-8bit?q?=FF?=", "ÿ"),
        ("=?utf-8?q?=FF?=", "�"),
        ("=?utf-8?b?!!!?= x", None),
        ("=?utf-8?q?a?=" * 300, "=?utf-8?q?a?=" * 300),
        ("=?", "=?"),
    ],
)
def test_encoded_words_are_decoded_and_bounded(value, text):
    decoded = decode_words(value)
    assert text is None or decoded == text


def test_a_field_that_occurs_twice_is_not_believed():
    twice = "TLS-Report-Domain: {}\r\n" * 2
    envelope = read_envelope(headers((twice + "From: a@b.example\r\nFrom: c@d.example\r\n").format("a.example", "b.example") + "\r\n"))
    assert (envelope.tls_report_domain, envelope.from_domain) == (None, None)
    assert envelope.declared


def test_two_subjects_name_no_report_domain():
    subject = "Subject: Report Domain: example.com Submitter: reporter.example Report-ID: <1@reporter.example>\r\n"
    once, twice = read_envelope(headers(subject + "\r\n")), read_envelope(headers(subject * 2 + "\r\n"))
    assert (once.subject_report_domain, once.subject_report_id) == ("example.com", "1@reporter.example")
    assert (twice.subject_report_domain, twice.subject_report_id) == (None, None)


@pytest.mark.parametrize(
    ("subject", "domain", "number"),
    [
        ("Report Domain: example.com Submitter: a.example Report-ID: <1@a.example>", "example.com", "1@a.example"),
        ("Report Domain: example.com\r\n Submitter: a.example\r\n Report-ID: <1@a.example>", "example.com", "1@a.example"),
        ("Report Domain: example.com Submitter: a.example Report-ID: 1+example.com", "example.com", "1+example.com"),
        ("report domain:Example.COM. submitter:x report-id:<>", "example.com", None),
        ("Report Domain: ../x Submitter: a Report-ID: <1>", None, "1"),
        ("Re: Report Domain: example.com Submitter: a Report-ID: <1>", None, None),
        # Blanks in every split would take hours.
        ("Report Domain: a.example Submitter: b.example Report-ID:" + " " * 15_000 + "<x<", None, None),
    ],
)
def test_the_subject_of_the_standard_is_read_in_its_variants(subject, domain, number):
    envelope = read_envelope(headers(f"Subject: {subject}\r\n\r\n"))
    assert (envelope.subject_report_domain, envelope.subject_report_id) == (domain, number)


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("Tue, 12 May 2026 08:44:48 -0700", datetime(2026, 5, 12, 15, 44, 48, tzinfo=UTC)),
        ("12 May 2026 08:44 GMT", datetime(2026, 5, 12, 8, 44, tzinfo=UTC)),
        ("Tue, 12 May 2026 08:44:48", datetime(2026, 5, 12, 8, 44, 48, tzinfo=UTC)),
        ("Tue, 12 May 2026 08:44:48 -0700 (PDT)", datetime(2026, 5, 12, 15, 44, 48, tzinfo=UTC)),
        ("yesterday", None),
        ("Tue, 99 May 2026 99:99:99 +9999", None),
        ("31 Dec 9999 23:59:59 -2359", None),
        ("", None),
    ],
)
def test_a_date_is_read_as_utc_or_not_at_all(date, moment):
    assert read_envelope(headers(f"Date: {date}\r\n\r\n")).header_date == moment


def test_texts_of_the_envelope_have_no_control_characters_and_an_end():
    envelope = read_envelope(headers(f"Subject: a\x1b[31m\u202eb{'x' * 2000}\r\nMessage-ID: <\x07{'y' * 2000}>\r\n\r\n"))
    assert envelope.subject.startswith("a[31mbxx")
    assert (len(envelope.subject), len(envelope.message_id)) == (998, 512)


@pytest.mark.parametrize(
    ("sender", "domain"),
    [
        ("a@example.com", "example.com"),
        ('"Doe, J. <x@evil.example>" <a@Example.com>', "example.com"),
        ("a@example.com (comment)", "example.com"),
        ("undisclosed", None),
        ("<>", None),
        ("@example.com", None),
        ("a@exa mple.com", None),
    ],
)
def test_the_domain_of_from_is_that_of_the_address(sender, domain):
    assert read_envelope(headers(f"From: {sender}\r\n\r\n")).from_domain == domain
