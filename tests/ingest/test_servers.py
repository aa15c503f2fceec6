"""The same runs against Dovecot, Cyrus, Courier and GNU Mailutils: everything read once, foreign mail untouched, nothing twice anywhere."""

from __future__ import annotations

import os
import signal

import pytest

from pipeline.config import load_settings
from pipeline.ingest.doctor import examine
from tests.ingest.polling import Setup, ledger_keys, outcomes, sessions, setup
from tests.ingest.test_watch import stored, wait_until
from tests.mailbox.servers import started
from tests.report_mails import mail

pytestmark = pytest.mark.dovecot

REPORTS, FOREIGN = 40, 5
SUM = sum(range(1, REPORTS + 1))
OTHERS = [pytest.param(name, marks=pytest.mark.servers) for name in ("cyrus", "courier", "mailutils")]


@pytest.fixture(scope="module", params=["dovecot", *OTHERS])
def server(request):
    with started(request.param) as running:
        yield running


@pytest.fixture
def user(server):
    return server.add_user()


def report(number: int) -> bytes:
    """Dated after its day, for a server that takes INTERNALDATE from there (Mailutils)."""
    return mail(number).replace(b"02 Mar 2026", b"02 Apr 2026")


def foreign(number: int) -> bytes:
    return b"From: friend@example.net\r\nTo: tlsrpt@example.org\r\nSubject: lunch %d\r\n\r\nAt noon?\r\n" % number


def fill(server, user, folder: str = "INBOX", *, reports: int = REPORTS, strangers: int = FOREIGN) -> None:
    """Put reports and foreign mail into a folder, one of which the owner has marked as deleted."""
    with server.look(user) as inside:
        inside.append(folder, *(report(number) for number in range(reports)), *(foreign(number) for number in range(strangers)))
        inside.mark_last_deleted(folder)


def prepared(tmp_path, server, user, **settings) -> Setup:
    return setup(tmp_path, server, user, host="127.0.0.1", tls="none", **settings)


def subjects(server, user, folder: str) -> dict[str, int]:
    with server.look(user) as inside:
        return {subject: len(copies) for subject, copies in inside.flags(folder).items()}


def flags(server, user, folder: str = "INBOX") -> dict[str, set[str]]:
    with server.look(user) as inside:
        return {subject: set().union(*copies) for subject, copies in inside.flags(folder).items()}


def ends_well(tlsrpt, box, *words: str) -> dict:
    ran = tlsrpt.run(*box.argv(*words))
    assert ran.code == 0, ran.err
    return ran.summary


def is_exact(box: Setup, *, reports: int = REPORTS, strangers: int = FOREIGN) -> None:
    assert sessions(box.lake) == sum(range(1, reports + 1))
    assert outcomes(box.lake) == {"stored": reports, "not_tlsrpt": strangers}
    assert len(set(ledger_keys(box.lake))) == len(ledger_keys(box.lake)) == reports + strangers


def is_tidied(server, user, *, inbox: str = "INBOX", processed: str = "Processed") -> None:
    """Every report is in the folder it was to be moved to, once and not marked as deleted, and foreign mail is where and as it was."""
    lunches = {f"lunch {number}": 1 for number in range(FOREIGN)}
    there = subjects(server, user, processed)
    assert len(there) == REPORTS
    assert set(there.values()) == {1}
    assert not any(r"\Deleted" in each for each in flags(server, user, processed).values())
    assert subjects(server, user, inbox) == lunches
    assert [r"\Deleted" in flags(server, user, inbox)[lunch] for lunch in lunches] == [False] * (FOREIGN - 1) + [True]


def test_300_reports_and_20_foreign_mails_are_read_once_and_nothing_is_touched(tlsrpt, server, user, tmp_path):
    fill(server, user, reports=300, strangers=20)
    box = prepared(tmp_path, server, user)
    before = flags(server, user)
    assert ends_well(tlsrpt, box)["reports_new"] == 300
    is_exact(box, reports=300, strangers=20)
    assert ends_well(tlsrpt, box)["messages"] == 0
    assert flags(server, user) == before
    with server.look(user) as inside:
        inside.append("INBOX", report(300), report(7))
    summary = ends_well(tlsrpt, box)
    assert summary["reports_new"] == 1
    # Mailutils gives the folder a new UIDVALIDITY when mail has come: all is read again, and nothing counts twice.
    assert summary["duplicates"] in {1, 301 if not server.removes else 1}
    assert sessions(box.lake) == sum(range(1, 302))


def test_seen(tlsrpt, server, user, tmp_path):
    fill(server, user)
    box = prepared(tmp_path, server, user, after="seen")
    ends_well(tlsrpt, box)
    is_exact(box)
    seen = {subject for subject, marks in flags(server, user).items() if r"\Seen" in marks}
    assert len(seen) == REPORTS
    assert not any(subject.startswith("lunch") for subject in seen)
    assert ends_well(tlsrpt, box)["messages"] == 0


@pytest.mark.parametrize("after", ["move", "delete"])
def test_move_and_delete(tlsrpt, server, user, tmp_path, after):
    fill(server, user)
    box = prepared(tmp_path, server, user, after=after)
    before = flags(server, user)
    first = tlsrpt.run(*box.argv())
    assert first.code == 0, first.err
    is_exact(box)
    if not server.removes:
        assert first.err.count("messages-stay") == 1
        assert flags(server, user) == before
    elif after == "move":
        is_tidied(server, user)
    else:
        assert set(subjects(server, user, "INBOX")) == {f"lunch {number}" for number in range(FOREIGN)}
    second = tlsrpt.run(*box.argv())
    assert (second.code, second.summary["messages"], second.err) == (0, 0, "")


def test_folders_with_names_beyond_ascii(tlsrpt, server, user, tmp_path):
    fill(server, user, "Berichte für & über")
    with server.look(user) as inside:
        polled = inside.name("Berichte für & über")
    box = prepared(tmp_path, server, user, folder=polled, after="move", more='[mailbox.move_to]\nprocessed = "Erledigt – 完了"\n')
    ends_well(tlsrpt, box)
    is_exact(box)
    if server.removes:
        is_tidied(server, user, inbox="Berichte für & über", processed="Erledigt – 完了")
    assert ends_well(tlsrpt, box)["messages"] == 0


@pytest.mark.parametrize("point", ["searched:1", "chunk-read:1", "before-treating:1", "copied:1", "marked-deleted:1", "treated:1"])
def test_a_run_killed_is_finished_by_the_next(tlsrpt, server, user, tmp_path, point):
    fill(server, user)
    box = prepared(tmp_path, server, user, after="move")
    killed = tlsrpt.run(*box.argv(), TLSRPT_TEST_FAILPOINT=point)
    with server.look(user) as inside:
        copies = inside.has("UIDPLUS") and not inside.has("MOVE")
    assert killed.signal == (0 if point in {"copied:1", "marked-deleted:1"} and not copies else signal.SIGKILL), killed
    ends_well(tlsrpt, box)
    is_exact(box)
    if server.removes:
        is_tidied(server, user)
    assert ends_well(tlsrpt, box)["messages"] == 0


def test_watch(tlsrpt, server, user, tmp_path):
    fill(server, user, reports=1, strangers=1)
    box = prepared(tmp_path, server, user)
    pid = tlsrpt.begin(*box.argv("--watch"))
    try:
        wait_until(lambda: stored(box) >= 2)
        for number in (1, 2):
            with server.look(user) as inside:
                inside.append("INBOX", report(number))
            wait_until(lambda number=number: outcomes(box.lake)["stored"] == 1 + number, seconds=150)
    finally:
        os.kill(pid, signal.SIGTERM)
        ran = tlsrpt.end(pid)
    assert (ran.signal, ran.code) == (0, 0), ran.err


def test_the_doctor_finds_nothing_wrong(server, user, tmp_path):
    fill(server, user, reports=3, strangers=1)
    box = prepared(tmp_path, server, user, after="move" if server.removes else "seen")
    checks = {check.name: check for check in examine(load_settings(str(box.config), lake=str(box.lake)), box.config)}
    assert not [check for check in checks.values() if check.state == "fail"]
    if server.removes:
        assert checks["mailbox rua, after, INBOX"].says == f"mail is moved to {server.prefix}Processed"


@pytest.mark.servers
def test_rights_that_forbid_a_flag_stop_no_mail_from_being_read(tlsrpt, tmp_path):
    with started("cyrus") as server:
        user = server.add_user()
        fill(server, user)
        server.set_rights(user, "lrip")
        box = prepared(tmp_path, server, user, after="seen")
        for new in (REPORTS + FOREIGN, 0):
            ran = tlsrpt.run(*box.argv())
            assert (ran.code, ran.summary["messages"], ran.summary["mailboxes_failed"]) == (78, new, 0), ran.err
            assert ran.err.count("after-refused") == 1
        is_exact(box)
        checks = {check.name: check for check in examine(load_settings(str(box.config), lake=str(box.lake)), box.config)}
        assert checks["mailbox rua, after, INBOX"].state == "fail"
        server.set_rights(user, "lrswipte")
        ends_well(tlsrpt, box)
        assert sum(r"\Seen" in marks for marks in flags(server, user).values()) == REPORTS
