"""One run against a real server: what it stores, what it leaves alone, and how it ends."""

from __future__ import annotations

import pytest

from tests.ingest.polling import ledger_keys, outcomes, sessions, setup
from tests.lake.content import rows
from tests.report_mails import NOT_A_REPORT, UNREADABLE, document, mail, mail_of

pytestmark = pytest.mark.dovecot


def within(inner: bytes) -> bytes:
    """A mail that somebody attached to another."""
    head = b"From: a@example.com\r\nTo: tls@example.org\r\nSubject: FW: for you\r\nMIME-Version: 1.0\r\n"
    head += b'Content-Type: multipart/mixed; boundary="o"\r\n'
    return (
        head
        + b"\r\n--o\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n"
        + inner
        + b"\r\n--o--\r\n"
    )


def fill(server, user, count: int, *, folder: str = "INBOX") -> None:
    for number in range(count):
        server.deliver(user.name, mail(number), folder=folder)


def test_each_new_mail_is_stored_once_and_the_mailbox_is_untouched(tlsrpt, server, user, tmp_path):
    fill(server, user, 7)
    server.deliver(user.name, NOT_A_REPORT)
    server.deliver(user.name, UNREADABLE)
    server.deliver(user.name, mail(3))
    box = setup(tmp_path, server, user)
    before = server.flags(user.name)
    first = tlsrpt.run(*box.argv())
    assert first.code == 0, first.err
    assert {name: first.summary[name] for name in ("messages", "reports_new", "duplicates", "quarantined", "not_tlsrpt")} == {
        "messages": 10,
        "reports_new": 7,
        "duplicates": 1,
        "quarantined": 1,
        "not_tlsrpt": 1,
    }
    assert sessions(box.lake) == sum(range(1, 8))
    assert server.flags(user.name) == before
    second = tlsrpt.run(*box.argv())
    assert (second.code, second.summary["messages"]) == (0, 0)
    fill(server, user, 1)
    assert tlsrpt.run(*box.argv()).summary["duplicates"] == 1


def test_a_dry_run_stores_nothing_and_says_what_would_happen(tlsrpt, server, user, tmp_path):
    fill(server, user, 3)
    box = setup(tmp_path, server, user, after="delete")
    told = tlsrpt.run(*box.argv("--dry-run"))
    assert (told.code, told.summary["reports_new"]) == (0, 3)
    assert not box.lake.exists()
    assert len(server.flags(user.name)) == 3
    assert tlsrpt.run(*box.argv()).summary["reports_new"] == 3
    server.deliver(user.name, mail(1))
    server.deliver(user.name, mail(9))
    told = tlsrpt.run(*box.argv("--dry-run"))
    assert (told.summary["reports_new"], told.summary["duplicates"]) == (1, 1)


def test_several_folders_are_polled_and_one_that_is_missing_does_not_stop_the_others(tlsrpt, server, user, tmp_path):
    fill(server, user, 2)
    server.deliver(user.name, mail(5), folder="Reports")
    box = setup(tmp_path, server, user, folders=["Nowhere", "Reports"])
    ran = tlsrpt.run(*box.argv())
    assert ran.code == 78
    assert "Nowhere" in ran.err
    assert ran.summary["reports_new"] == 3
    assert ran.summary["mailboxes_failed"] == 1


def test_a_mailbox_that_fails_does_not_stop_the_next_one(tlsrpt, server, user, tmp_path):
    fill(server, user, 2)
    wrong = f"""
[[mailbox]]
name = "gone"
host = "localhost"
port = 1
user = "x"
password_file = "{tmp_path}/password"
"""
    box = setup(tmp_path, server, user, more=wrong)
    ran = tlsrpt.run(*box.argv())
    assert (ran.code, ran.summary["mailboxes_failed"], ran.summary["reports_new"]) == (69, 1, 2)
    assert "gone" in ran.err
    again = tlsrpt.run(*box.argv())
    assert (again.code, again.err) == (69, ""), "cron has been told; the exit code says it again"


def test_a_wrong_password_is_one_sentence_and_exit_77(tlsrpt, server, user, tmp_path):
    box = setup(tmp_path, server, user)
    (tmp_path / "password").write_text("not this one", encoding="utf-8")
    ran = tlsrpt.run(*box.argv())
    assert ran.code == 77
    assert "not this one" not in ran.err
    assert "Traceback" not in ran.err


def test_a_changed_uidvalidity_is_said_loudly_and_counts_nothing_twice(tlsrpt, server, user, tmp_path):
    fill(server, user, 4)
    box = setup(tmp_path, server, user)
    assert tlsrpt.run(*box.argv()).summary["reports_new"] == 4
    server.set_uidvalidity(user.name, 4242)
    again = tlsrpt.run(*box.argv())
    assert (again.code, again.summary["duplicates"], again.summary["reports_new"]) == (0, 4, 0)
    assert "uidvalidity-changed" in again.err
    assert sessions(box.lake) == 1 + 2 + 3 + 4
    assert len(ledger_keys(box.lake)) == 8


def test_delete_removes_reports_and_leaves_other_mail_and_other_peoples_deleted_mail(tlsrpt, server, user, tmp_path):
    fill(server, user, 3)
    server.deliver(user.name, NOT_A_REPORT)
    server.deliver(user.name, UNREADABLE)
    box = setup(tmp_path, server, user, after="delete")
    server.set_flags(user.name, r"\Deleted", 4)
    ran = tlsrpt.run(*box.argv())
    assert ran.code == 0, ran.err
    assert sorted(server.flags(user.name)) == [4, 5]
    assert outcomes(box.lake) == {"stored": 3, "not_tlsrpt": 1, "quarantined": 1}


def test_delete_with_other_mail_expunges_no_report_within_a_message_that_was_not_kept(tlsrpt, server, user, tmp_path):
    """One is read, one cannot be and is kept with its bytes; a letter within a letter is no report, and goes as it was asked."""
    letter = b"From: a@example.com\r\nSubject: lunch\r\n\r\nToday?\r\n"
    report = mail_of(document(4))
    server.deliver_all(user.name, [within(report), within(mail_of(document(5)).replace(b"H4sI", b"AAAA")), within(letter)])
    box = setup(tmp_path, server, user, after="delete", touch_other=True)
    ran = tlsrpt.run(*box.argv())
    assert ran.code == 0, ran.err
    assert outcomes(box.lake) == {"stored": 1, "quarantined": 1, "not_tlsrpt": 1}
    assert sessions(box.lake) == 5
    assert len(rows(box.lake, "raw")) == 2
    assert sorted(server.flags(user.name)) == [2]


def test_a_changed_setting_reaches_older_mail_only_when_asked_by_name(tlsrpt, server, user, tmp_path):
    fill(server, user, 3)
    assert tlsrpt.run(*setup(tmp_path, server, user).argv()).code == 0
    server.deliver(user.name, mail(9))
    box = setup(tmp_path, server, user, after="move")
    assert tlsrpt.run(*box.argv()).code == 0
    assert sorted(server.flags(user.name)) == [1, 2, 3]
    assert len(server.flags(user.name, "Processed")) == 1
    assert tlsrpt.run(*box.argv("--apply-after", "rua")).code == 1
    assert sorted(server.flags(user.name)) == [1, 2, 3]
    assert tlsrpt.run(*box.argv("--apply-after", "rua", "--yes")).code == 0
    assert not server.flags(user.name)
    assert len(server.flags(user.name, "Processed")) == 4


def test_of_four_overlapping_runs_one_works_and_the_others_end_with_75(tlsrpt, server, user, tmp_path):
    fill(server, user, 60)
    box = setup(tmp_path, server, user)
    ended = [tlsrpt.end(pid) for pid in [tlsrpt.begin(*box.argv()) for _ in range(4)]]
    codes = sorted(ran.code for ran in ended)
    assert codes[0] == 0
    assert set(codes) <= {0, 75}
    assert sessions(box.lake) == sum(range(1, 61))
    assert len(ledger_keys(box.lake)) == 60
    assert all(len(ran.err.strip().splitlines()) == 1 for ran in ended if ran.code == 75)


def test_a_refused_after_stops_no_mail_from_being_read(tlsrpt, server, user, tmp_path):
    """The folder to move to cannot be made; told once, with the exit code of what lasts, and done as soon as it can be done."""
    fill(server, user, 3)
    box = setup(tmp_path, server, user, after="move", more='[mailbox.move_to]\nprocessed = "a//b"\n')
    first = tlsrpt.run(*box.argv())
    assert (first.code, first.summary["reports_new"], first.summary["mailboxes_failed"]) == (78, 3, 0), first.err
    assert first.err.count("after-refused") == 1
    server.deliver(user.name, mail(9))
    again = tlsrpt.run(*box.argv())
    assert (again.code, again.summary["reports_new"]) == (78, 1), again.err
    assert again.err.count("after-refused") == 1
    assert sorted(server.flags(user.name)) == [1, 2, 3, 4]


def test_what_was_refused_is_done_once_the_server_allows_it(tlsrpt, server, user, tmp_path):
    fill(server, user, 2)
    box = setup(tmp_path, server, user, after="move")
    server.deliver(user.name, NOT_A_REPORT, folder="Processed")
    target = server.root / "mail" / user.name / "Maildir" / ".Processed"
    for name in ("tmp", "new", "cur"):
        (target / name).chmod(0o555)
    assert tlsrpt.run(*box.argv()).code in {75, 78}
    assert len(server.flags(user.name)) == 2
    for name in ("tmp", "new", "cur"):
        (target / name).chmod(0o755)
    ran = tlsrpt.run(*box.argv())
    assert (ran.code, ran.summary["messages"]) == (0, 0), ran.err
    assert not server.flags(user.name)
    assert len(server.flags(user.name, "Processed")) == 3
