"""Texts, names, addresses, counts and moments come in one spelling each."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.json.fields import count
from pipeline.report.json.moments import read_moment, report_day
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.names import address_domain, domain_name, ip_address, valid_domain
from pipeline.report.parse_notes import Notes, Refusal, clean_text


@pytest.mark.parametrize(
    ("text", "name", "valid"),
    [
        ("Example.COM.", "example.com", True),
        (" mx1.example.com ", "mx1.example.com", True),
        ("_25._tcp.mx1.example.com", "_25._tcp.mx1.example.com", True),
        ("*.example.com", "*.example.com", True),
        ("göpher.example", "xn--gpher-jua.example", True),
        ("xn--gpher-jua.example", "xn--gpher-jua.example", True),
        ("localhost", "localhost", True),
        ("a..b", "a..b", False),
        ("-a.example", "-a.example", False),
        ("[192.0.2.1]", "[192.0.2.1]", False),
        ("a b", "a b", False),
        ("a" * 64 + ".example", "a" * 64 + ".example", False),
        ("a." * 150, None, False),
        ("", None, False),
        (".", None, False),
        ("\x00", None, False),
        ("example.com\x00", "example.com", True),
        ("*", "*", False),
    ],
)
def test_a_name_has_one_spelling(text, name, valid):
    found = domain_name(text)
    assert (found.text, found.valid) == (name, valid)


def test_a_pattern_is_no_domain():
    assert valid_domain("*.example.com") is None
    assert valid_domain(None) is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:db8:abcd:0012::1", "2001:db8:abcd:12::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("192.0.2.01", None),
        ("192.0.2", None),
        ("2001:db8::1%eth0", None),
        ("[2001:db8::1]", None),
        ("mail.example.com", None),
        ("1\x00", None),
    ],
)
def test_an_address_has_one_spelling(text, address):
    found = ip_address(text)
    assert found.text == address
    assert (found.raw is None) == (address is not None)


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_addresses_are_spelt_as_the_standard_library_spells_them(address):
    expected = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped else address
    written = ip_address(address.exploded).text
    assert ipaddress.ip_address(written) == expected
    assert ip_address(written).text == written


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("tls@example.com", "example.com"),
        ("TLS Reports <tls@Example.com>", "example.com"),
        ("mailto:tls@example.com", "example.com"),
        ("a@b@example.com", "example.com"),
        ("tls", None),
        ("@example.com", None),
        ("tls@", None),
        ("tls@[192.0.2.1]", None),
        ("", None),
    ],
)
def test_the_domain_of_an_address_is_what_follows_the_last_at(text, domain):
    assert address_domain(text) == domain


@pytest.mark.parametrize(
    ("text", "moment", "quirk"),
    [
        ("2026-05-11T00:00:00Z", (2026, 5, 11, 0, 0, 0), None),
        ("2026-05-11t23:59:59z", (2026, 5, 11, 23, 59, 59), None),
        ("2026-05-11 23:59:59Z", (2026, 5, 11, 23, 59, 59), None),
        ("2026-05-11T00:00:00.123456789Z", (2026, 5, 11, 0, 0, 0), None),
        ("2026-05-11T00:00:00+00:00", (2026, 5, 11, 0, 0, 0), None),
        ("2026-05-11T00:00:00", (2026, 5, 11, 0, 0, 0), "tz_missing"),
        ("2026-05-11T00:00:00+02:00", (2026, 5, 10, 22, 0, 0), "tz_offset"),
        ("2026-05-11T00:00:00-0730", (2026, 5, 11, 7, 30, 0), "tz_offset"),
        ("2016-12-31T23:59:60Z", (2016, 12, 31, 23, 59, 59), None),
    ],
)
def test_a_moment_is_read_in_every_form_of_rfc_3339(text, moment, quirk):
    assert read_moment(text) == (datetime(*moment, tzinfo=UTC), quirk)


@pytest.mark.parametrize(
    "text",
    ["", "2026-05-11", "2026-W20-1T00:00:00Z", "20260511T000000Z", "2026-02-30T00:00:00Z", "2026-05-11T24:00:00Z", "2026-05-11T00:00:61Z",
     "2026-05-11T00:00:00+99:99", "٢٠٢٦-05-11T00:00:00Z", "1746921600", "2026-05-11T00:00:00Zx", "0001-01-01T00:00:00+01:00"],
)  # fmt: skip
def test_anything_else_is_no_moment(text):
    assert read_moment(text) is None


@pytest.mark.parametrize(
    ("start", "end", "day"),
    [
        ("2026-05-11T00:00:00Z", "2026-05-11T23:59:59Z", 11),
        ("2026-05-11T00:00:00Z", "2026-05-12T00:00:00Z", 11),
        ("2026-05-10T22:00:00Z", "2026-05-11T22:00:00Z", 11),
        ("2026-05-11T13:00:00Z", "2026-05-11T14:00:00Z", 11),
        ("2026-05-04T00:00:00Z", "2026-05-11T00:00:00Z", 7),
    ],
)
def test_a_report_belongs_to_the_day_in_the_middle_of_its_period(start, end, day):
    assert report_day(read_moment(start)[0], read_moment(end)[0]).day == day


def counted(value) -> int | str:
    try:
        return count(value, "x", Notes(DEFAULT_LIMITS))
    except Refusal as refusal:
        return refusal.code


@pytest.mark.parametrize(
    ("value", "sessions"),
    [
        (0, 0), (2**53 - 1, 2**53 - 1), ("007", 7), (3.0, 3), (-0.0, 0),
        (-1, "schema_invalid"), (1.5, "schema_invalid"), (True, "schema_invalid"), (None, "schema_invalid"), ("1.0", "schema_invalid"),
        ("-1", "schema_invalid"), (" 1", "schema_invalid"), ("١", "schema_invalid"), ([], "schema_invalid"), ({}, "schema_invalid"),
        (2**53, "json_number"), (1e19, "json_number"), ("9007199254740992", "json_number"), ("1" * 17, "schema_invalid"),
        (-1e9, "schema_invalid"),
    ],
)  # fmt: skip
def test_a_count_is_a_number_of_sessions_or_the_report_is_refused(value, sessions):
    assert counted(value) == sessions


@given(st.text())
def test_cleaned_text_can_be_shown_anywhere(text):
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned
    assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 or sign in "\u202a\u202e\u2066\u2069\ufeff\uffff" for sign in cleaned)
    cleaned.encode("utf-8")


@given(st.text(min_size=1).filter(str.isprintable))
def test_what_can_be_shown_stays_as_it_is(text):
    assert clean_text(text) == text
