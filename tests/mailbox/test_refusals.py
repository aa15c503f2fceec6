"""Servers that refuse what `after` wants: the sentence, the exit code, and what is done instead."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigError, TryAgainError
from pipeline.mailbox.imap import ImapMailbox
from pipeline.mailbox.post_actions import housekeep
from pipeline.report.limits import DEFAULT_LIMITS
from tests.dovecot import User
from tests.mailbox.box import QUICK, Forgetful, settings_for
from tests.mailbox.scripted import scripted
from tests.mailbox.test_odd_servers import OK, Here

SELECTED = b"* 2 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 3] ok\r\n" + OK
BOTH, NONE = b"* SEARCH 1 2\r\n" + OK, b"* SEARCH\r\n" + OK
FORBIDDEN = b"TAG NO [NOPERM] Permission denied\r\n"
BELOW_INBOX = b'* NAMESPACE (("INBOX." ".")) NIL NIL\r\n' + OK
SAFE = b"IMAP4rev1 UIDPLUS MOVE NAMESPACE"


def answers(**commands: bytes | list[bytes]) -> dict[bytes, bytes | list[bytes]]:
    """Of a server that does what it is asked; `SEARCH` finds both messages, then neither."""
    usual = {"LOGIN": OK, "SELECT": SELECTED, "EXAMINE": SELECTED, "SEARCH": [BOTH, NONE], "NAMESPACE": BELOW_INBOX}
    usual |= {"LIST": OK, "CREATE": OK, "MOVE": OK, "COPY": OK, "STORE": OK, "EXPUNGE": OK}
    return {name.encode(): answer for name, answer in (commands | {name: usual[name] for name in usual if name not in commands}).items()}


def treat(server, **settings):
    box = settings_for(Here(server), User("me", "pw"), tls="none", read_timeout=2.0, **settings)
    with ImapMailbox(box, DEFAULT_LIMITS, pace=QUICK) as opened:
        opened.open("INBOX")
        return housekeep(opened, [(1, "stored"), (2, "stored")], Forgetful())


def sent(server, command: bytes) -> list[bytes]:
    return [line.split(b" ", 1)[1].strip() for line in server.lines if command in line.upper()]


@pytest.mark.parametrize("after", ["seen", "delete"])
def test_a_flag_that_is_forbidden_is_refused_for_good(after):
    with scripted(capability=SAFE, answers=answers(STORE=FORBIDDEN)) as server:
        treated = treat(server, after=after)
    assert treated.done == {}
    assert isinstance(treated.refused, ConfigError)
    assert "Permission denied" in str(treated.refused)
    assert not sent(server, b"EXPUNGE")


def test_a_flag_that_the_server_accepts_and_does_not_set_is_refused():
    with scripted(capability=SAFE, answers=answers(SEARCH=BOTH)) as server:
        treated = treat(server, after="seen")
    assert treated.done == {}
    assert "replies OK but does not do it" in str(treated.refused)


def test_a_folder_that_is_in_use_is_tried_again():
    busy = b"TAG NO [INUSE] Mailbox in use, temporarily\r\n"
    with scripted(capability=SAFE, answers=answers(STORE=busy)) as server:
        assert isinstance(treat(server, after="seen").refused, TryAgainError)


def test_a_full_folder_is_no_try_again():
    full = b"TAG NO [OVERQUOTA] Mailbox full\r\n"
    with scripted(capability=SAFE, answers=answers(MOVE=full, COPY=full, SEARCH=BOTH, FETCH=OK)) as server:
        assert isinstance(treat(server, after="move").refused, ConfigError)


def test_a_server_that_wants_to_be_left_alone_ends_the_run():
    limit = b"TAG NO [OVERQUOTA] Account exceeded command or bandwidth limits\r\n"
    with scripted(capability=SAFE, answers=answers(STORE=limit)) as server, pytest.raises(TryAgainError):
        treat(server, after="seen")


def test_the_prefix_of_the_namespace_is_applied_to_the_folder_to_move_to():
    with scripted(capability=SAFE, answers=answers()) as server:
        assert treat(server, after="move").done == {"moved": 2}
    assert sent(server, b"CREATE") == [b'CREATE "INBOX.Processed"']
    assert sent(server, b"UID MOVE") == [b'UID MOVE 1,2 "INBOX.Processed"']


@pytest.mark.parametrize("flags", [b"\\HasNoChildren", b"\\Noselect"])
def test_a_folder_that_is_there_under_the_prefix_is_not_made_again(flags):
    listed = [OK, b'* LIST (%s) "." "INBOX.Processed"\r\n' % flags + OK, OK]
    with scripted(capability=SAFE, answers=answers(LIST=listed)) as server:
        assert treat(server, after="move").done == {"moved": 2}
    assert len(sent(server, b"CREATE")) == (flags == b"\\Noselect")


def test_without_namespace_a_folder_that_is_refused_is_made_below_inbox():
    listed = [b'* LIST (\\Noselect) "." ""\r\n' + OK, OK]
    with scripted(capability=b"IMAP4rev1 UIDPLUS MOVE", answers=answers(LIST=listed, CREATE=[FORBIDDEN, OK])) as server:
        assert treat(server, after="move").done == {"moved": 2}
    assert sent(server, b"CREATE") == [b'CREATE "Processed"', b'CREATE "INBOX.Processed"']


def test_a_slash_in_the_settings_is_the_separator_of_the_server():
    with scripted(capability=SAFE, answers=answers()) as server:
        treat(server, after="move", move_to={"processed": "Archive/Berichte für TLS"})
    assert sent(server, b"CREATE") == [b'CREATE "INBOX.Archive.Berichte f&APw-r TLS"']


def test_a_folder_that_cannot_be_made_names_the_prefix():
    with scripted(capability=SAFE, answers=answers(CREATE=FORBIDDEN)) as server:
        treated = treat(server, after="move")
    assert isinstance(treated.refused, ConfigError)
    assert "below INBOX." in str(treated.refused)


def test_a_target_that_is_a_polled_folder_under_its_prefix_is_refused():
    listed = [OK, b'* LIST () "." "INBOX.Reports"\r\n' + OK]
    with scripted(capability=SAFE, answers=answers(LIST=listed)) as server:
        treated = treat(server, after="move", folders=["INBOX.Reports"], move_to={"processed": "Reports"})
    assert "which is polled" in str(treated.refused)
    assert not sent(server, b"UID MOVE")


def test_a_refused_move_is_a_copy_and_an_expunge_by_uid():
    with scripted(capability=SAFE, answers=answers(MOVE=b"TAG NO not supported\r\n", SEARCH=[BOTH, BOTH, NONE])) as server:
        assert treat(server, after="move").done == {"moved": 2}
    assert sent(server, b"UID ")[-4:-1] == [
        b'UID COPY 1,2 "INBOX.Processed"',
        rb"UID STORE 1,2 +FLAGS.SILENT (\Deleted)",
        b"UID EXPUNGE 1,2",
    ]


def test_a_refused_move_without_uid_expunge_stays_refused():
    refused = answers(MOVE=b"TAG NO not supported\r\n", SEARCH=BOTH)
    with scripted(capability=b"IMAP4rev1 MOVE", answers=refused) as server:
        assert "MOVE to Processed is refused" in str(treat(server, after="move").refused)
    assert not sent(server, b"COPY")


def test_one_refused_folder_does_not_keep_mail_from_the_other():
    refused = [b"TAG NO over there not\r\n", OK]
    with scripted(
        capability=b"IMAP4rev1 MOVE", answers=answers(MOVE=refused, SEARCH=[b"* SEARCH 1\r\n" + OK, b"* SEARCH 2\r\n" + OK, NONE])
    ) as server:
        box = settings_for(Here(server), User("me", "pw"), tls="none", after="move", move_to={"processed": "A", "quarantined": "B"})
        with ImapMailbox(box, DEFAULT_LIMITS, pace=QUICK) as opened:
            opened.open("INBOX")
            treated = housekeep(opened, [(1, "stored"), (2, "quarantined")], Forgetful())
    assert treated.done == {"moved": 1}
    assert "over there not" in str(treated.refused)


def test_one_message_that_is_refused_does_not_keep_the_others_back():
    """Both are refused, then the first alone; the second is moved."""
    refused = b"TAG NO [SERVERBUG] internal error\r\n"
    given = answers(MOVE=[refused, refused, OK], SEARCH=[BOTH, NONE])
    with scripted(capability=b"IMAP4rev1 MOVE", answers=given) as server:
        treated = treat(server, after="move")
    assert treated.done == {"moved": 1}
    assert isinstance(treated.refused, TryAgainError)
    assert sent(server, b"UID MOVE") == [b'UID MOVE 1,2 "Processed"', b'UID MOVE 1 "Processed"', b'UID MOVE 2 "Processed"']


def test_a_folder_that_opens_read_only_is_examined():
    denied = answers(SELECT=FORBIDDEN)
    with scripted(capability=SAFE, answers=denied) as server:
        treated = treat(server, after="seen")
    assert "read-only" in str(treated.refused)
    assert not sent(server, b"STORE")


@pytest.mark.parametrize("forbidden", ["STORE", "EXPUNGE"])
def test_what_was_copied_and_may_not_be_deleted_is_not_copied_again(forbidden):
    """Until the rights are there nothing is copied; then it is deleted."""
    header = b"* %d FETCH (UID %d RFC822.SIZE 9 BODY[HEADER] {4}\r\nA: %d)\r\n"
    headers = header % (1, 1, 1) + header % (2, 2, 2) + OK
    status = b'* STATUS "INBOX.Processed" (UIDVALIDITY 8 UIDNEXT 1)\r\n' + OK
    there = b"* 2 EXISTS\r\n* OK [UIDVALIDITY 8] ok\r\n* OK [UIDNEXT 3] ok\r\n" + OK
    rights = [FORBIDDEN, FORBIDDEN, OK]
    everything = answers(STATUS=status, FETCH=headers, EXAMINE=there, SEARCH=[BOTH] * 6 + [NONE], **{forbidden: rights})
    journal = Forgetful()
    with scripted(capability=b"IMAP4rev1 UIDPLUS NAMESPACE", answers=everything) as server:
        for _ in range(3):
            box = settings_for(Here(server), User("me", "pw"), tls="none", after="move")
            with ImapMailbox(box, DEFAULT_LIMITS, pace=QUICK) as opened:
                opened.open("INBOX")
                treated = housekeep(opened, [(1, "stored"), (2, "stored")], journal)
    assert treated.refused is None
    assert treated.done == {"moved": 2}
    assert len(sent(server, b"UID COPY")) == 1
    assert journal.copying() is None
