"""JSON is I-JSON (RFC 7493) or it is refused; and what orjson is trusted with, it does."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.json.member_names import members_in
from pipeline.report.json.strict_json import load, refuse_duplicates
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.parse_notes import Notes, Refusal


def code(content: bytes) -> str:
    """Return the code with which a text is refused, `read` where it is not."""
    try:
        value = load(content, Notes(DEFAULT_LIMITS))
        refuse_duplicates(content, members_in(value, 100))
    except Refusal as refusal:
        return refusal.code
    return "read"


@pytest.mark.parametrize(
    "content",
    [
        b"NaN", b"[Infinity]", b"[-Infinity]", b"[1e309]", b"[-1e309]", b"[" + b"9" * 400 + b"]", b'["\\ud800"]', b'["\\udc00"]',
        b'["\xed\xa0\x80"]', b'["\xff"]', b'["\xc0\x80"]', b"\xef\xbb\xbf{}", b'["\t"]', b'["\x00"]', b"[01]", b"[1.]", b"[+1]", b"[.5]",
        b"[1,]", b'{"a":1,}', b"{'a':1}", b"[]x", b"[]\0", b"", b" ", b"[" * 1025 + b"]" * 1025, '{"a":1}'.encode("utf-16"),
    ],
)  # fmt: skip
def test_orjson_refuses_what_it_is_trusted_to_refuse(content):
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(content)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b'{"a":1,"a":2}', {"a": 2}),
        (b"[18446744073709551616]", [1.8446744073709552e19]),
        (b"[9007199254740993]", [9007199254740993]),
        (b'["\x7f"]', ["\x7f"]),
        (b'["\\u0000\\uffff"]', ["\x00\uffff"]),
        (b"[1e-400]", [0.0]),
        (b"[" * 1024 + b"]" * 1024, None),
    ],
)
def test_orjson_accepts_what_we_must_look_for_ourselves(content, value):
    assert value is None or orjson.loads(content) == value
    orjson.loads(content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a":1}', "read"),
        (b'\xef\xbb\xbf{"a":1}', "read"),
        (b'{"a":1}\0\0', "read"),
        (b' {"a" : 1}\r\n', "read"),
        (b'{"a":"\\":"}', "read"),
        (b'{"a":{"a":{"a":1}}}', "read"),
        (b'{"a":1,"a":1}', "json_duplicate_key"),
        (b'{"a":1,"a" :1}', "json_duplicate_key"),
        (b'{"a":1,"a"\n:1}', "json_duplicate_key"),
        (b'{"a":1,"a"\t:1}', "json_duplicate_key"),
        (b'{"a":1,"\\u0061":1}', "json_duplicate_key"),
        (b'{"a":"\\":","a" :1,"b":"\\":"}', "json_duplicate_key"),
        (b'{"a":1,"a" :1,"b":"\\":"}', "json_duplicate_key"),
        (b'[[{"x":[{"a":1,"a":2}]}]]', "json_duplicate_key"),
        (b"{", "json_malformed"),
        (b'{"a":1}{"a":1}', "json_malformed"),
        (b"nul", "json_malformed"),
        (b'{"a":"\n"}', "json_malformed"),
        (b'{"a":NaN}', "json_number"),
        (b'{"a":1e999}', "json_number"),
        (b'{"a":' + b"1" * 5000 + b"}", "json_number"),
        (b'{"a":"\\ud800"}', "json_surrogate"),
        (b'{"\\udfff":1}', "json_surrogate"),
        (b'["\\ud800"]', "json_surrogate"),
        (b'{"a":"\xff"}', "utf8_invalid"),
        (b'{"a":"\0"}', "utf8_invalid"),
        ('{"a":1}'.encode("utf-16"), "utf8_invalid"),
        ('{"a":1}'.encode("utf-16-le"), "utf8_invalid"),
        (b"[" * 2000 + b"]" * 2000, "json_depth"),
        (b"[" * 2000, "json_depth"),
        (b'{"a":"' + b"[" * 2000, "json_malformed"),
    ],
)  # fmt: skip
def test_a_text_is_read_or_refused_with_its_code(content, expected):
    assert code(content) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc") | st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.sampled_from([None, 1, "\t"]), st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]))
def test_every_proper_text_is_read_as_the_standard_library_reads_it(value, indent, separators):
    content = json.dumps(value, indent=indent, separators=separators).encode()
    assert code(content) == "read"
    assert load(content, Notes(DEFAULT_LIMITS)) == json.loads(content)


@given(JSON, st.data())
def test_a_member_that_occurs_twice_is_always_found(value, data):
    """Whatever else is in the text, and wherever blanks stand."""
    blank = data.draw(st.sampled_from(["", " ", "\n", "\t", "\r", "  "]))
    name = json.dumps(data.draw(st.text(max_size=5)))
    twice = "{" + f'"x":{json.dumps(value)},{name}{blank}:1,{name}:{json.dumps(value)}' + "}"
    content = data.draw(st.sampled_from([twice, f"[{twice}]", f'{{"y":{twice}}}'])).encode()
    assert code(content) == "json_duplicate_key"


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,\\ntfu0189aeE+-. ', max_size=40).map(str.encode))
def test_no_bytes_make_it_raise_anything_else(content):
    code(content)
