from __future__ import annotations

import io
import mailbox
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.mailbox.mbox import read_mbox

FROM = b"From sender@example.org Thu Jan  1 00:00:00 2026\n"
LIMIT = 1_000_000


def contents(mbox: bytes, limit: int = LIMIT) -> list[bytes | None]:
    return [mail.content for mail in read_mbox(io.BytesIO(mbox), limit=limit)]


def test_mails_are_numbered_from_one():
    assert [mail.number for mail in read_mbox(io.BytesIO((FROM + b"A: 1\n\n") * 3), limit=LIMIT)] == [1, 2, 3]


def test_the_empty_line_before_the_next_mail_is_no_part_of_the_mail():
    assert contents(FROM + b"A: 1\n\none\n\n" + FROM + b"A: 2\n\ntwo\n\n") == [b"A: 1\n\none\n", b"A: 2\n\ntwo\n"]


def test_several_empty_lines_at_the_end_of_a_mail_lose_only_the_last():
    assert contents(FROM + b"A: 1\n\none\n\n\n\n" + FROM + b"A: 2\n\n") == [b"A: 1\n\none\n\n\n", b"A: 2\n"]


def test_a_mail_with_crlf_keeps_it():
    assert contents(FROM.replace(b"\n", b"\r\n") + b"A: 1\r\n\r\none\r\n\r\n" + FROM + b"A: 2\r\n\r\n") == [
        b"A: 1\r\n\r\none\r\n",
        b"A: 2\r\n",
    ]


@pytest.mark.parametrize(
    ("quoted", "meant"),
    [(b">From me", b"From me"), (b">>From me", b">From me"), (b">>>From me", b">>From me"), (b"> From me", b"> From me")],
)
def test_one_quote_is_taken_off_a_quoted_from(quoted, meant):
    assert contents(FROM + b"A: 1\n\n" + quoted + b"\n") == [b"A: 1\n\n" + meant + b"\n"]


def test_a_line_that_begins_with_from_in_the_body_begins_no_mail():
    body = b"A: 1\n\nDear all,\nFrom now on 12:30 in 2026 it is late.\n\nFrom here to there.\n"
    assert contents(FROM + body) == [body]


@pytest.mark.parametrize(
    "line",
    [
        b"From MAILER-DAEMON Fri Jul  8 12:08:34 2011",
        b"From - Tue Feb 03 19:43:20 2026",
        b"From a@example.org Tue Feb  3 19:43 2026",
        b"From a@example.org Tue Feb  3 19:43:20 +0100 2026",
        b"From a@example.org Tue Feb  3 19:43:20 2026 +0000",
        b'From "odd name"@example.org Tue Feb  3 19:43:20 2026',
    ],
)
def test_from_lines_of_several_writers_begin_a_mail(line):
    assert contents(line + b"\nA: 1\n\n\n" + line + b"\nA: 2\n\n") == [b"A: 1\n\n", b"A: 2\n"]


def test_a_line_of_many_times_of_day_is_told_from_the_begin_of_a_mail_at_once():
    body = b"A: 1\n\nFrom " + b"0:00 " * 200_000 + b"\n\nFrom " + b"0:00 " * 50_000 + b"\n"
    assert len(contents(FROM + body)) == 1


def test_a_mail_over_the_limit_is_counted_and_its_content_left_out():
    mails = list(read_mbox(io.BytesIO(FROM + b"A: 1\n\n" + b"x" * 5000 + b"\n\n" + FROM + b"A: 2\n\n"), limit=1000))
    assert [(mail.content, mail.size_bytes) for mail in mails] == [(None, 5007), (b"A: 2\n", 5)]


def test_a_line_without_an_end_needs_no_memory():
    class Endless(io.RawIOBase):
        left = 64 * 1024 * 1024

        def readable(self):
            return True

        def readinto(self, buffer):
            count = min(len(buffer), self.left)
            buffer[:count] = b"x" * count
            self.left -= count
            return count

    file = io.BufferedReader(Endless())
    tracemalloc.start()
    head = io.BytesIO(FROM)

    class Joined:
        def readline(self, size):
            return head.readline(size) or file.readline(size)

    (mail,) = read_mbox(Joined(), limit=1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (mail.content, mail.size_bytes) == (None, 64 * 1024 * 1024)
    assert peak < 3_000_000


def test_a_line_longer_than_the_piece_it_is_read_in_is_not_taken_for_a_new_one():
    body = b"A: 1\n\n" + b"x" * (64 * 1024) + b"From a Thu Jan  1 00:00:00 2026\n>From here\n"
    assert contents(FROM + body) == [body.replace(b">From here", b"From here")]


def test_an_empty_file_holds_no_mail():
    assert contents(b"") == []
    assert contents(b"\n\n") == []


def test_what_the_standard_library_writes_is_read_back(tmp_path):
    box = mailbox.mbox(tmp_path / "box", create=True)
    written = [b"From: a@example.org\nSubject: %d\n\nFrom the start\n>From the end\n" % number for number in range(5)]
    for each in written:
        box.add(each)
    box.flush()
    box.close()
    # The standard library quotes `From ` alone (mboxo): a line that was `>From ` loses its quote.
    assert contents((tmp_path / "box").read_bytes()) == [each.replace(b">From the end", b"From the end") for each in written]


@given(
    st.lists(
        st.lists(st.sampled_from([b"", b"text", b"From x", b">From x", b">>From 1:00 2026", b"From 1:00 2026"]), max_size=6), max_size=5
    )
)
def test_whatever_is_written_with_quotes_comes_back(mails):
    """This quoting (mboxrd) can be undone: one quote on at writing, one off at reading."""
    bodies = [b"".join(line + b"\n" for line in [b"A: 1", b"", *lines]) for lines in mails]
    quoted = [
        b"".join(b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in body.splitlines(True)) for body in bodies
    ]
    assert contents(b"".join(FROM + body + b"\n" for body in quoted)) == bodies


@given(st.binary(max_size=2000))
def test_any_bytes_are_read_without_an_error(junk):
    assert sum(mail.size_bytes for mail in read_mbox(io.BytesIO(FROM + junk), limit=500)) <= len(junk)
