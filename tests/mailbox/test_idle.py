from __future__ import annotations

import fcntl
import resource
import socket
import threading
import time

import pytest

from pipeline.mailbox import idle
from tests.dovecot import User
from tests.mailbox.box import Known, fetch_all, mail, mailbox
from tests.mailbox.scripted import scripted
from tests.mailbox.test_odd_servers import Here
from tests.proxy import cut, proxy

pytestmark = pytest.mark.dovecot


def later(seconds: float, action) -> threading.Timer:
    timer = threading.Timer(seconds, action)
    timer.start()
    return timer


def test_new_mail_ends_the_wait_at_once(server, user):
    server.deliver(user.name, mail(1))
    with mailbox(server, user) as box:
        assert len(fetch_all(box)) == 1
        timer = later(0.3, lambda: server.doveadm("save", "-u", user.name, "-m", "INBOX", _file(server, mail(2))))
        begun = time.monotonic()
        assert box.wait(120)
        assert time.monotonic() - begun < 60
        timer.join()
        assert fetch_all(box, known=Known(1)).keys() == {2}


def _file(server, content: bytes) -> str:
    path = server.root / "new.eml"
    path.write_bytes(content)
    path.chmod(0o644)
    return str(path)


def test_no_new_mail_ends_the_wait_when_its_time_is_over(server, user):
    with mailbox(server, user) as box:
        box.open("INBOX")
        begun = time.monotonic()
        assert not box.wait(0.5)
        assert time.monotonic() - begun > 0.4


def test_mail_that_came_before_the_wait_is_seen(server, user):
    with mailbox(server, user) as box:
        box.open("INBOX")
        server.deliver(user.name, mail(1))
        assert box.wait(120)


def test_a_flag_changed_by_somebody_else_does_not_end_the_wait(server, user):
    server.deliver(user.name, mail(1))
    with mailbox(server, user) as box:
        box.open("INBOX")
        timer = later(0.2, lambda: server.set_flags(user.name, "\\Flagged", 1))
        assert not box.wait(1.0)
        timer.join()


def test_a_stop_ends_the_wait(server, user):
    asked = []
    with mailbox(server, user) as box:
        box.open("INBOX")
        begun = time.monotonic()
        assert not box.wait(120, stop=lambda: asked.append(1) or len(asked) > 2)
        assert time.monotonic() - begun < 60


def test_a_wait_longer_than_the_renewal_begins_idle_again(server, user, monkeypatch):
    monkeypatch.setattr(idle, "RENEW_SECONDS", 0.3)
    with mailbox(server, user) as box:
        box.open("INBOX")
        timer = later(1.0, lambda: server.doveadm("save", "-u", user.name, "-m", "INBOX", _file(server, mail(2))))
        assert box.wait(120)
        timer.join()


def test_a_connection_lost_while_idle_is_made_again(server, user):
    with mailbox(server, user) as box:
        box.open("INBOX")
        kick = later(0.3, lambda: server.kick(user.name))
        deliver = later(0.8, lambda: server.doveadm("save", "-u", user.name, "-m", "INBOX", _file(server, mail(1))))
        assert box.wait(120)
        kick.join()
        deliver.join()
        assert box.reconnects == 1


def test_a_cut_while_entering_idle_is_survived(server, user):
    with proxy(server.port, [cut(4_600)]) as wire, mailbox(server, user, port=wire.port) as box:
        box.open("INBOX")
        server.deliver(user.name, mail(1))
        assert box.wait(5)


def test_a_server_without_idle_is_asked_now_and_then(server_without_idle, monkeypatch):
    monkeypatch.setattr(idle, "POLL_SECONDS", 0.2)
    server = server_without_idle
    user = server.add_user()
    with mailbox(server, user) as box:
        box.open("INBOX")
        assert not box.wait(0.5)
        timer = later(0.3, lambda: server.deliver(user.name, mail(1)))
        assert box.wait(10)
        timer.join()


def test_a_server_that_announces_nothing_while_idle_is_asked_now_and_then(monkeypatch):
    monkeypatch.setattr(idle, "FIRST_SECONDS", 0.3)
    before = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 4] ok\r\nTAG OK done\r\n"
    arrived = before.replace(b"3 EXISTS", b"4 EXISTS").replace(b"UIDNEXT 4", b"UIDNEXT 5")
    answers = {b"LOGIN": b"TAG OK in\r\n", b"EXAMINE": [before, before, arrived], b"IDLE": b"+ idling\r\n", b"DONE": b"TAG OK done\r\n"}
    with scripted(capability=b"IMAP4rev1 IDLE", answers=answers) as silent, mailbox(Here(silent), User("me", "pw"), tls="none") as box:
        box.open("INBOX")
        assert box.wait(10)


def test_waiting_begins_a_new_deadline(server, user):
    with mailbox(server, user, deadline=1.0) as box:
        box.open("INBOX")
        assert not box.wait(1.5)
        server.deliver(user.name, mail(1))
        assert len(fetch_all(box)) == 1


def test_a_process_with_many_files_open_waits_too():
    """`select.select` raises ValueError for descriptors from 1024 on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard <= 1100:
        pytest.skip("no more than 1024 descriptors are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1100), hard))
    here, there = socket.socketpair()
    with here, there, socket.socket(fileno=fcntl.fcntl(here, fcntl.F_DUPFD, 1024)) as high:
        assert high.fileno() >= 1024
        assert not idle._readable(high, 0.01)
        there.send(b"* 1 EXISTS\r\n")
        assert idle._readable(high, 5)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
