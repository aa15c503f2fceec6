"""Servers as they are, where no real one can be made to be so."""

from __future__ import annotations

import imaplib
import os
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from pipeline.errors import ConfigError, SignInError, TlsrptError, TryAgainError
from pipeline.mailbox.connection import Client
from pipeline.mailbox.imap import ImapMailbox
from pipeline.report.limits import DEFAULT_LIMITS
from tests.dovecot import User
from tests.mailbox.box import QUICK, Known, fetch_all, mail, mailbox, settings_for
from tests.mailbox.scripted import scripted

pytestmark = pytest.mark.dovecot

OK = b"TAG OK done\r\n"
SELECTED = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 4] ok\r\n" + OK


class Here:
    """Where a scripted server is, in the words of a real one."""

    ca_file = ""

    def __init__(self, server) -> None:
        self.port = server.port


def box(server, **changes) -> ImapMailbox:
    given = {"tls": "none", "read_timeout": 2.0, **changes}
    return ImapMailbox(settings_for(Here(server), User("me", "pw"), **given), DEFAULT_LIMITS, pace=QUICK)


def test_a_throttled_sign_in_names_the_time():
    throttled = b"TAG BAD Request is throttled. Suggested Backoff Time: 90000 milliseconds\r\n"
    with scripted(answers={b"LOGIN": throttled}) as server, pytest.raises(TryAgainError, match="throttles us until") as caught:
        box(server).__enter__()
    assert timedelta(seconds=85) < caught.value.not_before - datetime.now(UTC) < timedelta(seconds=91)


def test_a_throttled_command_ends_the_run_and_names_the_time():
    throttled = b"TAG BAD Request is throttled. Suggested Backoff Time: 90000 milliseconds\r\n"
    with scripted(answers={b"LOGIN": OK, b"EXAMINE": SELECTED, b"SEARCH": throttled}) as server, box(server) as opened:
        opened.open("INBOX")
        with pytest.raises(TryAgainError) as caught:
            opened.new_uids(Known().missing)
    assert caught.value.not_before is not None


def test_a_server_that_hangs_up_for_too_many_connections_is_try_again():
    with scripted(b"* BYE Too many simultaneous connections. (Failure)\r\n") as server, pytest.raises(TryAgainError, match="Too many"):
        box(server).__enter__()


def test_a_server_that_hangs_up_in_the_middle_because_it_is_busy_is_left_alone():
    busy = b"* BYE [UNAVAILABLE] Temporarily out of order\r\n"
    with scripted(answers={b"LOGIN": OK, b"EXAMINE": SELECTED, b"SEARCH": busy}) as server, box(server) as opened:
        opened.open("INBOX")
        with pytest.raises(TryAgainError, match="asks to come back later"):
            opened.new_uids(Known().missing)
        assert opened.reconnects == 0


@pytest.mark.parametrize(
    "hello",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"220 smtp.example.org ESMTP\r\n", b"\x00\xff\xfe\r\n", b"* \r\n", b"no end"],
    ids=["http", "smtp", "binary", "nothing", "endless"],
)
def test_a_server_that_speaks_something_else_is_one_sentence(hello):
    with scripted(hello) as server, pytest.raises(TlsrptError) as caught:
        box(server, read_timeout=0.3).__enter__()
    assert caught.value.exit_code in (69, 75)
    assert str(caught.value).isprintable()


def test_an_answer_larger_than_anything_asked_for_is_not_read():
    """10 GB are announced for a message of 100 bytes."""
    sizes = b'* 1 FETCH (UID 1 RFC822.SIZE 100 INTERNALDATE "01-May-2026 12:00:00 +0000")\r\n' + OK
    large = b"* 1 FETCH (UID 1 BODY[] {10000000000}\r\n" + b"x" * 10_000
    answers = {b"LOGIN": OK, b"EXAMINE": SELECTED, b"RFC822.SIZE": sizes, b"BODY.PEEK": large, b"SEARCH": b"* SEARCH 1\r\n" + OK}
    with scripted(answers=answers) as server, box(server) as opened:
        opened.open("INBOX")
        tracemalloc.start()
        assert list(opened.fetch([1])) == []
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert opened.unanswered == [1]
    assert peak < 5_000_000


@pytest.mark.parametrize(
    "answer",
    [
        b"* 1 FETCH (UID x RFC822.SIZE 1)\r\n",
        b"* 1 FETCH (UID 1 RFC822.SIZE abc)\r\n",
        b"* 1 FETCH (UID 1\r\n",
        b"* 1 FETCH garbage\r\n",
        b"",
    ],
)
def test_an_answer_that_is_no_imap_ends_with_try_again_or_nothing(answer):
    answers = {b"LOGIN": OK, b"EXAMINE": SELECTED, b"SEARCH": b"* SEARCH 1\r\n" + OK, b"FETCH": answer + OK}
    with scripted(answers=answers) as server, box(server) as opened:
        opened.open("INBOX")
        assert list(opened.fetch([1])) == []
        assert opened.unanswered == [1]


def test_an_unreadable_internaldate_becomes_now():
    sizes = b'* 1 FETCH (UID 1 RFC822.SIZE 100 INTERNALDATE "99-Foo-0000 99:99:99 +9999")\r\n' + OK
    body = b"* 1 FETCH (UID 1 BODY[] {4}\r\nA: 1)\r\n" + OK
    answers = {b"LOGIN": OK, b"EXAMINE": SELECTED, b"RFC822.SIZE": sizes, b"BODY.PEEK": body}
    with scripted(answers=answers) as server, box(server) as opened:
        opened.open("INBOX")
        ((fetched,),) = opened.fetch([1])
    assert fetched.content == b"A: 1"
    assert abs(fetched.received_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_folder_without_uidvalidity_cannot_be_polled():
    answers = {b"LOGIN": OK, b"EXAMINE": b"* 3 EXISTS\r\n" + OK}
    with scripted(answers=answers) as server, box(server) as opened, pytest.raises(ConfigError, match="no persistent UIDs"):
        opened.open("INBOX")


def test_a_server_without_uidnext_is_asked_for_its_last_uid():
    answers = {
        b"LOGIN": OK,
        b"EXAMINE": b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n" + OK,
        b"SEARCH UID *": b"* SEARCH 9\r\n" + OK,
        b"SEARCH UID": b"* SEARCH 2 5 9\r\n" + OK,
    }
    with scripted(answers=answers) as server, box(server) as opened:
        assert opened.open("INBOX").uidnext == 10
        assert opened.new_uids(Known(5).missing) == [2, 9]


COUNTED = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n"
LISTED = b"* SEARCH 2 5 9\r\n" + OK
NONE_FOUND = b"* SEARCH\r\n" + OK


@pytest.mark.parametrize(
    "answers",
    [
        # Courier: no UIDNEXT from SELECT, nothing for `*`, but STATUS knows.
        {b"EXAMINE": COUNTED + OK, b"STATUS": b'* STATUS "INBOX" (UIDNEXT 10)\r\n' + OK, b"SEARCH UID *": NONE_FOUND},
        {b"EXAMINE": COUNTED + OK, b"STATUS": b"TAG NO not while it is selected\r\n", b"SEARCH UID *": NONE_FOUND},
        {b"EXAMINE": COUNTED + OK, b"STATUS": b'* STATUS "INBOX" (MESSAGES 3)\r\n' + OK, b"SEARCH UID *": b"TAG BAD no\r\n"},
        {b"EXAMINE": COUNTED + b"* OK [UIDNEXT 1] too low\r\n" + OK, b"SEARCH UID 1:0": NONE_FOUND},
        {b"EXAMINE": COUNTED + b"* OK [UIDNEXT 6] too low\r\n" + OK, b"SEARCH UID 1:5": b"* SEARCH 2 5\r\n" + OK},
        {b"EXAMINE": COUNTED + b"* OK [UIDNEXT 0] none\r\n" + OK},
    ],
    ids=["status", "nowhere", "status without", "1", "too low", "0"],
)
def test_mail_is_found_whatever_the_server_says_of_uidnext(answers):
    with scripted(answers={b"LOGIN": OK, **answers, b"SEARCH UID": LISTED}) as server, box(server) as opened:
        opened.open("INBOX")
        assert opened.new_uids(Known(5).missing) == [2, 9]
        assert opened.unlisted == 0


def test_mail_that_is_counted_and_not_listed_is_an_error():
    with scripted(answers={b"LOGIN": OK, b"EXAMINE": SELECTED, b"SEARCH": NONE_FOUND}) as server, box(server) as opened:
        opened.open("INBOX")
        with pytest.raises(ConfigError, match=r"INBOX holds 3 messages, but .* lists none"):
            opened.new_uids(Known().missing)


def test_mail_that_is_listed_in_part_is_read_and_the_rest_is_counted():
    with scripted(answers={b"LOGIN": OK, b"EXAMINE": SELECTED, b"SEARCH": b"* SEARCH 2\r\n" + OK}) as server, box(server) as opened:
        opened.open("INBOX")
        assert opened.new_uids(Known().missing) == [2]
        assert opened.unlisted == 2


def test_mail_that_somebody_removes_while_we_search_is_no_error():
    """The second time the folder is opened it is empty."""
    emptied = b"* 0 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 4] ok\r\n" + OK
    with scripted(answers={b"LOGIN": OK, b"EXAMINE": [SELECTED, emptied], b"SEARCH": NONE_FOUND}) as server, box(server) as opened:
        opened.open("INBOX")
        assert opened.new_uids(Known().missing) == []
        assert opened.unlisted == 0


def test_a_server_that_names_uids_outside_of_the_range_is_not_believed():
    answers = {b"LOGIN": OK, b"EXAMINE": SELECTED, b"SEARCH": b"* SEARCH 3 1 3 2 17\r\n" + OK}
    with scripted(answers=answers) as server, box(server) as opened:
        opened.open("INBOX")
        assert opened.new_uids(Known().missing) == [1, 2, 3]


def test_login_is_not_sent_where_it_is_disabled():
    with scripted(capability=b"IMAP4rev1 LOGINDISABLED") as server, pytest.raises(SignInError, match="LOGINDISABLED"):
        box(server).__enter__()
    assert not any(b"pw" in line for line in server.lines)


def test_a_search_answer_beyond_the_line_limit_is_asked_for_in_smaller_windows(server, user, monkeypatch):
    server.deliver_all(user.name, [mail(number) for number in range(400)])
    monkeypatch.setattr(imaplib, "_MAXLINE", 900)
    with mailbox(server, user) as opened:
        opened.open("INBOX")
        assert opened.new_uids(Known(7).missing) == [uid for uid in range(1, 401) if uid != 7]
        assert opened.reconnects > 0


@pytest.mark.parametrize("error", [IMAPClientAbortError("socket error: EOF"), IMAPClientError("fetch failed: [SERVERBUG] Internal error")])
@pytest.mark.parametrize("bad", [{13}, {1, 2, 3}, {40}])
def test_messages_that_break_the_server_are_left_out_and_the_rest_comes(server, user, monkeypatch, error, bad):
    server.deliver_all(user.name, [mail(number) for number in range(1, 41)])
    fetch = Client.fetch

    def breaking(client, uids, items):
        if bad & set(uids) and b"BODY.PEEK[]" in items:
            raise type(error)(*error.args)
        return fetch(client, uids, items)

    monkeypatch.setattr(Client, "fetch", breaking)
    with mailbox(server, user) as opened:
        assert fetch_all(opened) == {number: mail(number) for number in range(1, 41) if number not in bad}
        assert set(opened.unanswered) == bad


def test_a_mail_that_the_server_cannot_read_is_left_out_and_the_rest_comes(server, user):
    """The file of one mail is closed to the server: Dovecot refuses every FETCH that includes it."""
    server.deliver_all(user.name, [mail(number) for number in range(1, 41)])
    files = sorted((server.root / "mail" / user.name / "Maildir/cur").iterdir())
    os.chown(files[12], os.geteuid(), os.getegid())
    files[12].chmod(0)
    with mailbox(server, user) as opened:
        assert fetch_all(opened) == {number: mail(number) for number in range(1, 41) if number != 13}
        assert opened.unanswered == [13]
    files[12].chmod(0o644)
    with mailbox(server, user) as opened:
        assert fetch_all(opened, known=Known(*range(14, 41), *range(1, 13))) == {13: mail(13)}


@pytest.mark.parametrize("sign_in", ["plain", "login"])
def test_lines_that_end_with_a_bare_line_feed_are_lines(sign_in):
    answers = {
        b"AUTHENTICATE": b"+ \n",
        b"AG1LAHB3": b"TAG OK signed in\n",
        b"LOGIN": b"TAG OK signed in\n",
        b"EXAMINE": SELECTED.replace(b"\r\n", b"\n"),
        b"SEARCH": b"* SEARCH 1 2\n* SEARCH 3\r\nTAG OK done\n",
    }
    with scripted(b"* OK ready\n", capability=b"IMAP4rev1 AUTH=PLAIN", answers=answers) as server, box(server, sign_in=sign_in) as opened:
        opened.open("INBOX")
        assert opened.new_uids(Known().missing) == [1, 2, 3]
