"""The demo's folder: one world, that goes on from day to day."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.config import load_settings
from pipeline.demo.demo_folder import default_folder, prepare, yesterday
from pipeline.demo.imap_server import Endpoint
from pipeline.errors import InputError, UsageError
from tests.worlds.truth import true_incidents

DAY = date(2026, 11, 10)
NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)


def started(folder, *, today=DAY, days=4, world_file=None):
    return prepare(folder, world_file=world_file, days=days, today=today)


def test_on_a_later_day_the_same_mails_come_first_and_new_ones_after(tmp_path):
    first = started(tmp_path / "demo")
    early = first.mails(NOON)
    later = started(tmp_path / "demo", today=DAY + timedelta(days=3), days=4)
    mails = later.mails(NOON + timedelta(days=3))
    assert mails[: len(early)] == early
    assert len(mails) > len(early) + 50
    assert first.uidvalidity == later.uidvalidity
    assert (first.first_start, later.first_start) == (True, False)


def test_an_incident_keeps_its_days_when_the_world_goes_on(tmp_path):
    first = {i.cause: i.first_day for i in true_incidents(started(tmp_path / "demo").world)}
    later = {i.cause: i.first_day for i in true_incidents(started(tmp_path / "demo", today=DAY + timedelta(days=5)).world)}
    assert first["mx-certificate-expired"] == later["mx-certificate-expired"]


def test_nothing_has_been_received_before_its_time(tmp_path):
    stage = started(tmp_path / "demo")
    assert max(mail.received_at for mail in stage.mails(NOON)) <= NOON
    assert len(stage.mails(NOON)) < len(stage.mails(NOON + timedelta(days=1)))


def test_the_settings_are_read_by_the_program(tmp_path, monkeypatch):
    stage = started(tmp_path / "demo")
    stage.write_settings(Endpoint("127.0.0.1", 4993, tmp_path / "ca.crt"), "127.0.0.1:5353", 8599)
    settings = load_settings(str(stage.settings_file))
    assert settings.lake.path == str(tmp_path / "demo" / "lake")
    assert settings.mailbox[0].effective_port == 4993
    assert settings.mailbox[0].reveal_password() == stage.password_file.read_text(encoding="utf-8")
    assert settings.trust.dkim == "verify"
    assert settings.trust.resolver == "127.0.0.1:5353"
    assert "example.com" in settings.domains.own
    assert "mx1.example.com" in settings.domains.mx
    assert settings.dashboard.port == 8599
    assert tomllib.loads(stage.settings_file.read_text(encoding="utf-8"))["mailbox"][0]["name"] == "demo"


def test_secrets_are_for_their_owner_alone(tmp_path):
    stage = started(tmp_path / "demo")
    stage.world.keys  # noqa: B018 -- makes them
    for path in (stage.password_file, *(tmp_path / "demo" / "keys").iterdir()):
        assert path.stat().st_mode & 0o077 == 0


def test_another_world_does_not_go_into_the_same_folder(tmp_path):
    started(tmp_path / "demo")
    with pytest.raises(UsageError, match="holds the demo of another world"):
        started(tmp_path / "demo", days=9)


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(UsageError, match="holds no demo"):
        started(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=r"cannot be used: .*; name another with --dir"):
        started(tmp_path / "file" / "demo")


def test_a_spoilt_folder_is_said(tmp_path):
    started(tmp_path / "demo")
    (tmp_path / "demo" / "world.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"remove .* and start again"):
        started(tmp_path / "demo")


def test_in_a_checkout_the_folder_is_data_demo():
    assert default_folder() == Path(__file__).resolve().parents[2] / "data" / "demo"


def test_without_a_checkout_the_folder_is_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.demo.demo_folder.__file__", str(tmp_path / "site-packages" / "pipeline" / "demo" / "stage.py"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert default_folder() == tmp_path / "cache" / "tlsrpt" / "demo"


def test_the_world_ends_yesterday():
    assert yesterday(datetime(2026, 11, 11, 0, 30, tzinfo=UTC)) == DAY
