"""Staying instead of running from cron: mail is ingested when it arrives, trouble is waited out, and a signal ends it."""

from __future__ import annotations

import os
import signal
import time

import pytest

from pipeline.config import load_settings
from pipeline.ingest.options import RunOptions
from pipeline.ingest.stop import Stop
from pipeline.ingest.watch import SEVERAL_SECONDS, Arrivals
from tests.ingest.polling import setup
from tests.lake.content import rows
from tests.proxy import drip, proxy
from tests.report_mails import mail

pytestmark = pytest.mark.dovecot


def wait_until(true, *, seconds: float = 120.0) -> None:
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
        time.sleep(1.0)  # most of the time it waits in IDLE by now; if not, it must notice all the same
        server.deliver(user.name, mail(2))
        wait_until(lambda: stored(box) == 3)
    finally:
        os.kill(pid, signal.SIGTERM)
        ran = tlsrpt.end(pid)
    assert (ran.signal, ran.code) == (0, 0), ran.err


class Pauses(Stop):
    """Notes how long somebody would have paused, and lets nobody wait in IDLE."""

    def __init__(self) -> None:
        super().__init__()
        self.paused: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.paused.append(seconds)
        return False


def test_mail_that_comes_between_two_looks_is_not_kept_waiting_and_a_server_that_renumbers_is(server, user, tmp_path):
    box = setup(tmp_path, server, user)
    settings, options = load_settings(str(box.config)), RunOptions()
    arrivals, stop = Arrivals(), Pauses()
    arrivals.wait(settings, options, stop, fruitless=True)  # the first look knows nothing to compare with
    server.deliver(user.name, mail(0))
    arrivals.wait(settings, options, stop, fruitless=True)
    assert stop.paused == [], "the next round follows at once"
    server.deliver(user.name, mail(1))  # to the client the same as a server that numbers everything anew
    arrivals.wait(settings, options, stop, fruitless=True)
    assert stop.paused == [SEVERAL_SECONDS]


def test_a_signal_in_the_middle_of_an_ingest_ends_the_watch_and_not_that_ingest_alone(tlsrpt, server, tmp_path):
    user = server.add_user()
    server.deliver_all(user.name, [mail(number) for number in range(12)])
    with proxy(server.port, always=drip(14_000, 0.001)) as slow:
        box = setup(tmp_path, server, user, port=slow.port)
        pid = tlsrpt.begin(*box.argv("--watch"))
        wait_until(box.lake.exists)  # the watch has caught the signals before it makes its lake
        os.kill(pid, signal.SIGTERM)
        ran = tlsrpt.end(pid)
    assert (ran.signal, ran.code) == (0, 0), ran.err
    assert "stopping" in ran.err
