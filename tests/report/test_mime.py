"""The MIME walker finds the parts that RFC 2046 says are there, and the ones the standard library finds."""

from __future__ import annotations

import email
import time
from email.policy import compat32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.mime.structure import read_mime
from pipeline.report.mime.transfer import decode_body

LIMITS = DEFAULT_LIMITS


def bodies(content: bytes) -> list[bytes]:
    return [part.body for part in read_mime(content, LIMITS).parts]


def multipart(*parts: bytes, boundary: bytes = b"b", end: bytes = b"--b--\r\n", line: bytes = b"\r\n") -> bytes:
    head = b"Content-Type: multipart/mixed; boundary=" + boundary + line + line
    return head + b"".join(b"--b" + line + line + part + line for part in parts) + end


def test_a_plain_mail_is_its_own_only_part():
    assert bodies(b"Subject: x\r\n\r\nhello\r\n") == [b"hello\r\n"]


def test_parts_come_in_order_without_the_line_break_before_the_delimiter():
    assert bodies(multipart(b"one", b"two\r\n", b"")) == [b"one", b"two\r\n", b""]


def test_preamble_and_epilogue_are_no_parts():
    content = multipart(b"one").replace(b"\r\n\r\n--b", b"\r\n\r\npreamble\r\n--b", 1) + b"epilogue\r\n--b\r\n\r\nnot a part\r\n"
    assert bodies(content) == [b"one"]


def test_line_feeds_alone_will_do():
    assert bodies(multipart(b"one", b"two", line=b"\n")) == [b"one", b"two"]


def test_a_multipart_without_closing_delimiter_ends_with_the_mail():
    assert bodies(multipart(b"one", b"two", end=b"")) == [b"one", b"two\r\n"]


def test_blanks_may_follow_a_delimiter():
    assert bodies(multipart(b"one").replace(b"--b\r\n", b"--b \t\r\n")) == [b"one"]


def test_a_boundary_may_begin_with_another():
    inner = b"Content-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\ndeep\r\n--bb--\r\n"
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + inner + b"\r\n--b\r\n\r\nflat\r\n--b--\r\n"
    assert bodies(content) == [b"deep", b"flat"]


def test_a_delimiter_inside_a_line_is_text():
    assert bodies(multipart(b"x --b\r\ny")) == [b"x --b\r\ny"]


def test_an_mbox_line_in_front_is_passed_over():
    mime = read_mime(b"From a@example.com Mon Jan  1 00:00:00 2026\r\nSubject: x\r\n\r\nhello", LIMITS)
    assert mime.headers.first("subject") == "x"


def test_a_forwarded_message_is_a_leaf_that_nobody_opens():
    content = multipart(b"one").replace(b"--b\r\n\r\n", b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\n")
    assert bodies(content) == [b"Subject: in\r\n\r\none"]


def test_a_broken_multipart_does_not_cost_its_neighbours():
    broken = b"--b\r\nContent-Type: multipart/alternative; boundary=nowhere\r\n\r\nx\r\n"
    content = multipart(b"one").replace(b"--b--", broken + b"--b\r\n\r\ntwo\r\n--b--")
    mime = read_mime(content, LIMITS)
    assert [part.body for part in mime.parts] == [b"one", b"two"]
    assert mime.rejected.code == "mime_malformed"


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (multipart(*[b"x"] * 51), "parts"),
        (multipart(b"x") + b"", None),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b0\r\n" * 401, "boundary lines"),
        (b"X: " + b"y" * 300_000 + b"\r\n\r\n", "bytes"),
        (b"Subject: " + b"y" * 17_000 + b"\r\n\r\n", "field"),
    ],
)
def test_limits_end_the_walk(content, detail):
    rejected = read_mime(content, LIMITS).rejected
    assert (rejected is None) if detail is None else (rejected.code == "mime_limits" and detail in rejected.detail)


BOMBS = {
    "multiparts a hundred thousand deep": b"Content-Type: multipart/mixed; boundary=b0\r\n\r\n"
    + b"".join(b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1) for n in range(100_000)),
    "multiparts a thousand deep of one boundary": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 1000,
    "a hundred thousand parts": multipart(*[b"x"] * 100_000),
    "two hundred thousand header fields": b"X: y\r\n" * 200_000 + b"\r\n",
    "twenty thousand encoded words": b"Subject: " + b"\r\n ".join([b"=?utf-8?q?a?="] * 20_000) + b"\r\n\r\n",
    "three thousand continuations": b"Content-Type: a/b;\r\n " + b";\r\n ".join(b"name*%d=x" % n for n in range(3000)) + b"\r\n\r\n",
    "a hundred thousand parameters": b"Content-Type: a/b" + b"; x=y" * 100_000 + b"\r\n\r\n",
    "fifteen megabytes of line feeds": multipart(b"\n" * 14_000_000),
    "fifteen megabytes of dashes": multipart(b"\n--" * 4_000_000),
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_over_in_a_moment(content):
    """The standard library takes seconds for some and runs out of stack on others; a native parser ended the process."""
    begin = time.process_time()
    read_mime(content, LIMITS)
    assert time.process_time() - begin < 1


LINE = st.binary(max_size=30).map(lambda line: line.replace(b"\r", b"").replace(b"\n", b"").replace(b"--", b"- "))
TEXT = st.lists(LINE, max_size=4).map(b"\r\n".join)
HEADER = st.sampled_from(
    [
        b"",
        b"Content-Type: text/plain\r\n",
        b"content-type: APPLICATION/tlsrpt+gzip; name=a.gz\r\n",
        b"Content-Type: application/json\r\nContent-Transfer-Encoding: base64\r\n",
        b'X-Odd: 1\r\nContent-Transfer-Encoding: Quoted-Printable\r\nContent-Type: application/octet-stream;\r\n\tname="a b"\r\n',
        b'Content-Disposition: attachment; filename="x.gz"\r\n',
    ]
)


@st.composite
def trees(draw, depth: int = 0):
    """A MIME entity with its header, of at most three levels."""
    if depth == 3 or draw(st.booleans()):
        return draw(HEADER) + b"\r\n" + draw(TEXT)
    boundary = draw(st.sampled_from([b"=_%d", b"b%db", b"%d'()+_,-./:=?"])) % depth
    children = draw(st.lists(trees(depth + 1), min_size=1, max_size=3))
    preamble = draw(st.sampled_from([b"", b"This is MIME.\r\n"]))
    body = preamble + b"".join(b"--" + boundary + b"\r\n" + child + b"\r\n" for child in children) + b"--" + boundary + b"--\r\n"
    return b'Content-Type: multipart/mixed;\r\n boundary="' + boundary + b'"\r\n\r\n' + body


@given(trees())
@settings(max_examples=200)
def test_it_finds_the_parts_that_the_standard_library_finds(content):
    message = email.message_from_bytes(content, policy=compat32)
    theirs = [part for part in message.walk() if not part.is_multipart()]
    ours = read_mime(content, LIMITS).parts
    assert [part.headers.media_type for part in ours] == [part.get_content_type() for part in theirs]
    assert [part.headers.parameter("content-type", "name") for part in ours] == [part.get_param("name") for part in theirs]
    for our, their in zip(ours, theirs, strict=True):
        if "content-transfer-encoding" not in our.headers.fields:
            assert decode_body(our).content == their.get_payload(decode=True)


@given(trees().flatmap(lambda tree: st.tuples(st.just(tree), st.integers(0, len(tree)), st.binary(max_size=8))))
@settings(max_examples=60)
def test_it_never_raises_on_a_mail_that_was_cut_and_mended(case):
    content, at, patch = case
    for spoiled in (content[:at] + patch + content[at:], content[:at], content[at:], content[:at] + patch + content[at + len(patch) :]):
        mime = read_mime(spoiled, LIMITS)
        assert sum(len(part.body) for part in mime.parts) <= len(spoiled)
        for part in mime.parts:
            decode_body(part)
