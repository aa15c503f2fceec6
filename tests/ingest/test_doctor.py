"""The doctor says of everything a run needs whether it is well, and what to do where it is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.config import load_settings
from pipeline.ingest.doctor import examine
from tests.dovecot import User
from tests.ingest.polling import setup
from tests.mailbox.scripted import scripted
from tests.mailbox.test_odd_servers import Here
from tests.report_mails import mail

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
    assert "mailbox rua" not in refused.says  # the check has that name already
    other = server_without_move_and_uidplus
    checks = checks_of(setup(tmp_path, other, other.add_user(), after="delete", more=NO_DNS))
    assert checks["mailbox rua, server"].state == "warn"


def test_what_after_wants_is_tried_before_there_is_mail(server, tmp_path):
    user = server.add_user()
    box = setup(tmp_path, server, user, after="move", more=NO_DNS)
    tried = checks_of(box)["mailbox rua, after, INBOX"]
    assert (tried.state, tried.says) == ("ok", "mail is moved to Processed")
    assert "Processed" in server.folders(user.name)
    box = setup(tmp_path, server, user, after="move", more='[mailbox.move_to]\nprocessed = "a//b"\n' + NO_DNS)
    tried = checks_of(box)["mailbox rua, after, INBOX"]
    assert (tried.state, tried.exit_code) == ("fail", 78)
    assert "cannot be created" in tried.says
    assert "mailbox rua, after, INBOX" not in checks_of(setup(tmp_path, server, user, more=NO_DNS))


@pytest.mark.parametrize(
    ("after", "answers", "says"),
    [
        ("seen", {b"SELECT": b"* OK [PERMANENTFLAGS (\\Flagged)] ok\r\n"}, "keeps no flag \\Seen"),
        ("delete", {b"SELECT": b"* OK [PERMANENTFLAGS (\\Seen \\*)] ok\r\n"}, "keeps no flag \\Deleted"),
        ("seen", {b"MYRIGHTS": b'* MYRIGHTS "INBOX" lrwip\r\n'}, "may not set \\Seen there (its rights: lrwip)"),
        ("delete", {b"MYRIGHTS": b"* MYRIGHTS INBOX lrswipt\r\n"}, "may not remove mail there (its rights: lrswipt)"),
        (
            "move",
            {b"MYRIGHTS INBOX": b"", b"MYRIGHTS": [b"* MYRIGHTS INBOX lrswipd\r\n", b"* MYRIGHTS Processed lr\r\n"]},
            "may not put mail into folder Processed",
        ),
        ("move", {b"SELECT": b"* OK [PERMANENTFLAGS ()] ok\r\n", b"CREATE": b""}, None),
        ("seen", {b"SELECT": b"* OK [READ-ONLY] ok\r\n"}, "it is read-only"),
    ],
)
def test_flags_and_rights_that_are_missing_are_named(tmp_path, after, answers, says):
    found = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 2] ok\r\n"
    usual = {
        b"MYRIGHTS": b"",
        b"LOGIN": b"",
        b"SELECT": found,
        b"EXAMINE": found,
        b"SEARCH": b"* SEARCH 1\r\n",
        b"LIST": b"",
        b"CREATE": b"",
    }
    given = {key: answer if key != b"SELECT" else found + answer for key, answer in answers.items()}
    done = {key: [each + b"TAG OK done\r\n" for each in (a if isinstance(a, list) else [a])] for key, a in {**usual, **given}.items()}
    with scripted(capability=b"IMAP4rev1 ACL UIDPLUS MOVE", answers=done) as server:
        check = checks_of(setup(tmp_path, Here(server), User("me", "pw"), tls="none", after=after, more=NO_DNS))[
            "mailbox rua, after, INBOX"
        ]
    assert (check.state, check.exit_code) == (("ok", 0) if says is None else ("fail", 78)), check
    assert (says or "Processed") in check.says


def test_a_server_that_lists_none_of_its_mail_is_a_failure(tmp_path):
    found = b"* 9 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 10] ok\r\nTAG OK done\r\n"
    with scripted(answers={b"LOGIN": b"TAG OK\r\n", b"EXAMINE": found, b"SEARCH": b"* SEARCH\r\nTAG OK done\r\n"}) as server:
        check = checks_of(setup(tmp_path, Here(server), User("me", "pw"), tls="none", more=NO_DNS))["mailbox rua, folder INBOX"]
    assert check.state == "fail"
    assert "holds 9 messages" in check.says


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
