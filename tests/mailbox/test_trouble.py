from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from imapclient import IMAPClient

from pipeline.errors import SignInError, TryAgainError
from pipeline.mailbox import imap_errors

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "wait"),
    [
        ("Request is throttled. Suggested Backoff Time: 201317 milliseconds", timedelta(milliseconds=201317)),
        ("SELECT command error: BAD [b'Request is throttled. Suggested Backoff Time: 5000 milliseconds']", timedelta(seconds=5)),
        ("NO Throttled; backoff time 30 seconds", timedelta(seconds=30)),
    ],
)
def test_a_server_that_names_a_time_is_left_alone_until_then(words, wait):
    late = imap_errors.throttled("mailbox rua", IMAPClient.Error(words), now=NOW)
    assert late.not_before == NOW + wait
    assert late.exit_code == 75


@pytest.mark.parametrize(
    "words",
    [
        "[OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)",
        "[ALERT] Too many simultaneous connections. (Failure)",
        "[UNAVAILABLE] Temporary authentication failure.",
        "[LIMIT] Rate limit hit.",
        "[INUSE] Mailbox in use",
        "[THROTTLED] Server busy",
        "Server Unavailable. 15: temporarily not available",
    ],
)
def test_a_server_that_asks_to_come_back_without_a_time_is_try_again(words):
    late = imap_errors.throttled("mailbox rua", IMAPClient.Error(words), now=NOW)
    assert late.not_before is None
    assert isinstance(imap_errors.while_signing_in("mailbox rua", "host:993", "me", IMAPClient.Error(words)), TryAgainError)


@pytest.mark.parametrize(
    "words", ["[AUTHENTICATIONFAILED] Authentication failed.", "LOGIN failed.", "[ALERT] Invalid credentials (Failure)"]
)
def test_a_refused_sign_in_is_no_throttling(words):
    assert imap_errors.throttled("mailbox rua", IMAPClient.Error(words)) is None
    assert isinstance(imap_errors.while_signing_in("mailbox rua", "host:993", "me", IMAPClient.Error(words)), SignInError)


def test_the_words_of_a_server_are_shortened_and_cannot_move_the_cursor():
    words = imap_errors.says(IMAPClient.Error("\x1b[2J\r\nforged line\x9b" + "x" * 1000))
    assert len(words) == 200
    assert words.isprintable()


def test_bytes_are_shown_as_text():
    assert imap_errors.says(IMAPClient.Error(b"Authentication failed.")) == "Authentication failed."


@pytest.mark.parametrize("words", ["[SERVERBUG] Internal error occurred.", "System Error (Failure)"])
def test_a_broken_server_is_no_wrong_password_and_one_broken_message_no_throttling(words):
    assert imap_errors.throttled("mailbox rua", IMAPClient.Error(words)) is None
    assert isinstance(imap_errors.while_signing_in("mailbox rua", "host:993", "me", IMAPClient.Error(words)), TryAgainError)
