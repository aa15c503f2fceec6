"""Staying instead of running from cron: mail is ingested when it arrives, trouble is waited out, and a signal ends it."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.ingest.polling import setup
from tests.lake.content import rows
from tests.proxy import drip, proxy
from tests.report_mails import mail

pytestmark = pytest.mark.dovecot


def wait_until(true, *, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def stored(box) -> int:
    return len(rows(box.lake, "messages")) if (box.lake / "messages").exists() else 0


def test_mail_is_ingested_when_it_arrives_and_a_signal_ends_the_watch(tlsrpt, server, user, tmp_path):
    server.deliver(user.name, mail(0))
    box = setup(tmp_path, server, user)
    pid = tlsrpt.begin(*box.argv("--watch"))
    try:
        wait_until(lambda: stored(box) == 1)
        server.deliver(user.name, mail(1))
        wait_until(lambda: stored(box) == 2)
        time.sleep(1.0)  # by now it waits in IDLE
        server.deliver(user.name, mail(2))
        wait_until(lambda: stored(box) == 3)
    finally:
        os.kill(pid, signal.SIGTERM)
        ran = tlsrpt.end(pid)
    assert (ran.signal, ran.code) == (0, 0), ran.err


def test_a_signal_in_the_middle_of_an_ingest_ends_the_watch_and_not_that_ingest_alone(tlsrpt, server, tmp_path):
    user = server.add_user()
    server.deliver_all(user.name, [mail(number) for number in range(12)])
    with proxy(server.port, always=drip(14_000, 0.001)) as slow:
        box = setup(tmp_path, server, user, port=slow.port)
        pid = tlsrpt.begin(*box.argv("--watch"))
        time.sleep(1.5)
        os.kill(pid, signal.SIGTERM)
        ran = tlsrpt.end(pid)
    assert (ran.signal, ran.code) == (0, 0), ran.err
    assert "stopping" in ran.err
