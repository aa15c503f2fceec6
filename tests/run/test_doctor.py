"""The doctor says of everything a run needs whether it is well, and what to do where it is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.config import load_settings
from pipeline.run.doctor import examine
from tests.report_mails import mail
from tests.run.polling import setup

pytestmark = pytest.mark.dovecot


NO_DNS = '[trust]\nresolver = "127.0.0.1:1"\ndns_timeout = 0.2\n'
"""Nobody listens there."""


def checks_of(box, **more):
    settings = load_settings(str(box.config), lake=str(box.lake))
    return {check.name: check for check in examine(settings, box.config, **more)}


def test_a_healthy_set_up_has_no_failure(server, user, tmp_path):
    checks = checks_of(setup(tmp_path, server, user, more=NO_DNS))
    assert {check.state for check in checks.values()} <= {"ok", "warn"}
    assert checks["dns"].state == "warn"
    assert "signed in" in checks["mailbox rua"].says
    assert "MOVE" in checks["mailbox rua, server"].says
    assert checks["mailbox rua, folder INBOX"].state == "ok"


def test_a_wrong_password_a_missing_folder_and_a_server_without_move_are_named(server, server_without_move_and_uidplus, tmp_path):
    user = server.add_user()
    assert checks_of(setup(tmp_path, server, user, folder="Nowhere", more=NO_DNS))["mailbox rua, folder Nowhere"].state == "fail"
    box = setup(tmp_path, server, user, more=NO_DNS)
    (tmp_path / "password").write_text("wrong", encoding="utf-8")
    refused = checks_of(box)["mailbox rua"]
    assert (refused.state, refused.exit_code) == ("fail", 77)
    other = server_without_move_and_uidplus
    checks = checks_of(setup(tmp_path, other, other.add_user(), after="delete", more=NO_DNS))
    assert checks["mailbox rua, server"].state == "warn"


def test_a_clock_that_is_behind_the_lake_is_a_failure(tlsrpt, server, user, tmp_path):
    server.deliver(user.name, mail(1))
    box = setup(tmp_path, server, user, more=NO_DNS)
    assert tlsrpt.run(*box.argv()).code == 0
    assert checks_of(box)["clock"].state == "ok"
    assert checks_of(box, now=datetime.now(UTC) - timedelta(days=400))["clock"].state == "fail"


def test_the_command_prints_json_and_ends_with_1_when_something_fails(tlsrpt, server, user, tmp_path):
    box = setup(tmp_path, server, user, folder="Nowhere", more=NO_DNS)
    ran = tlsrpt.run("--config", box.config, "--lake", box.lake, "doctor", "--format", "json")
    assert ran.code == 1
    assert {"check": "lake", "state": "warn"}.items() <= next(each for each in json.loads(ran.out) if each["check"] == "lake").items()
