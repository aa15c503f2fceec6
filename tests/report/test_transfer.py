"""Transfer encodings are undone as leniently as RFC 2045 asks."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.mime.headers import Headers
from pipeline.report.mime.structure import Part
from pipeline.report.mime.transfer import decode_base64, decode_body, decode_head

TEXT = b"a report of some length, long enough for three lines of base64, so that there are line breaks in between them"
LINES = base64.encodebytes(TEXT).rstrip()


@pytest.mark.parametrize(
    "encoded",
    [LINES, LINES.replace(b"\n", b"\r\n"), LINES.replace(b"\n", b""), b"\r\n" + LINES + b"\r\n\r\n"],
)
def test_clean_base64_is_clean(encoded):
    assert decode_base64(encoded) == (TEXT, False)


@pytest.mark.parametrize(
    "encoded",
    [
        LINES.rstrip(b"="),
        LINES[:10] + b" " + LINES[10:],
        LINES[:10] + b"!*" + LINES[10:],
        LINES.replace(b"\n", b" \t\r\n"),
        LINES + b"\r\n\r\n____\r\nThis message came from outside.\r\n",
        LINES + b"\r\n-- \r\nBanner",
        LINES + LINES,
    ],
)
def test_what_stands_between_or_behind_costs_only_a_quirk(encoded):
    assert decode_base64(encoded) == (TEXT, True)


@given(st.binary(max_size=300))
def test_base64_round_trip(content):
    assert decode_base64(base64.encodebytes(content)).content == content


@given(st.binary(max_size=300))
def test_no_bytes_make_base64_raise(content):
    decode_base64(content)


def part(encoding: str | None, body: bytes) -> Part:
    return Part(Headers({"content-transfer-encoding": [encoding]} if encoding else {}), body)


@pytest.mark.parametrize(
    ("encoding", "body", "content"),
    [
        (None, b"a=3Db", b"a=3Db"),
        ("8bit", b"\xff", b"\xff"),
        ("Quoted-Printable", b"a=3Db=\r\nc", b"a=bc"),
        ("BASE64", b"YQ==", b"a"),
        ("base64 (really)", b"YQ==", b"a"),
        ("x-uuencode", b"YQ==", b"YQ=="),
    ],
)
def test_an_encoding_is_told_without_case_and_an_unknown_one_is_none(encoding, body, content):
    assert decode_body(part(encoding, body)).content == content
    assert decode_head(part(encoding, body), 100) == content


def test_the_head_of_a_part_is_a_head():
    content = bytes(range(256)) * 40
    assert decode_head(part("base64", base64.encodebytes(content)), 192) == content[:192]
    assert decode_head(part("8bit", content), 192) == content[:192]
