"""State posted to a real Alertmanager: what is open is active, what is over ends by itself, nothing flaps in between."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from pipeline.lake.storage.locate import locate
from pipeline.lake.storage.location import Location
from pipeline.notify.notifier import notify
from pipeline.settings.notice_tables import ChannelSettings, NotifySettings
from tests.notify.test_news import book, observed
from tests.ports import free_ports


@contextmanager
def alertmanager(folder):
    (port,) = free_ports(1)
    config = folder / "alertmanager.yml"
    config.write_text("route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n", encoding="utf-8")
    process = subprocess.Popen(
        [
            "prometheus-alertmanager",
            f"--config.file={config}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            "--log.level=error",
        ],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/-/ready")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("Alertmanager did not start")


def alerts(url: str) -> list[dict]:
    with urllib.request.urlopen(f"{url}/api/v2/alerts?active=true", timeout=5) as answer:
        return json.load(answer)


@pytest.fixture
def location(tmp_path) -> Location:
    book(4).write(tmp_path / "lake")
    return locate(str(tmp_path / "lake"))


def test_what_is_open_is_active_and_ends_when_it_is_not_posted_again(location, tmp_path):
    with alertmanager(tmp_path) as url:
        channel = ChannelSettings(name="am", kind="alertmanager", url=url, tags=())
        settings = NotifySettings(channel=(channel,), alert_hours=1.0, link="https://tls.example.org")
        for last in (8, 9):  # posted again: still one alert
            (sent,) = notify(location, settings, observed(book(last), last), now=datetime.now(UTC))
            assert (sent.error, sent.events) == ("", 1)
        (alert,) = alerts(url)
        assert alert["labels"]["fault"] == "ours"
        assert alert["generatorURL"].startswith("https://tls.example.org/incident")
        ends = datetime.fromisoformat(alert["endsAt"])
        assert 2.9 < (ends - datetime.now(UTC)).total_seconds() / 3600 < 3.1, "three intervals ahead"


def test_what_is_over_ends_because_it_is_not_posted_again(location, tmp_path):
    with alertmanager(tmp_path) as url:
        channel = ChannelSettings(name="am", kind="alertmanager", url=url, tags=())
        settings = NotifySettings(channel=(channel,), alert_hours=0.0004)  # alerts live four seconds
        notify(location, settings, observed(book(10), 10), now=datetime.now(UTC))
        assert len(alerts(url)) == 1
        notify(location, settings, observed(book(14, until=10), 14), now=datetime.now(UTC))
        for _ in range(150):
            if not alerts(url):
                return
            time.sleep(0.2)
        raise AssertionError("the alert of a fault that is over did not end")


def test_one_that_is_not_there_is_said_and_nothing_is_lost(location):
    channel = ChannelSettings(name="am", kind="alertmanager", url="http://127.0.0.1:9", tags=())
    (sent,) = notify(location, NotifySettings(channel=(channel,)), observed(book(8), 8), now=datetime.now(UTC))
    assert sent.error
