"""The first configuration: what was answered is in it, nothing is overwritten, others cannot read it, and `doctor` tries it."""

from __future__ import annotations

import os
import stat
import tomllib

import pytest

from pipeline.cli import main
from pipeline.commands import doctor
from pipeline.config import load_settings
from pipeline.deploy.configuration import InitAnswers, configuration
from pipeline.errors import UsageError

OPTIONS = ["--host", "imap.example.org", "--user", "rua@example.org", "--domain", "example.org", "--domain", "Example.NET.", "--no-doctor"]


@pytest.fixture
def at(tmp_path, monkeypatch):
    """Run init for a file in the folder, and return its exit code."""
    for name in [name for name in os.environ if name.startswith("TLSRPT_")]:
        monkeypatch.delenv(name)
    return lambda *options: main(["--config", str(tmp_path / "etc" / "tlsrpt.toml"), "--lake", str(tmp_path / "lake"), "init", *options])


@pytest.fixture
def terminal(monkeypatch):
    """Somebody who answers what is asked, in this order, and then the password."""

    def answers(*said):
        left = list(said)
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", lambda _: left.pop(0))
        monkeypatch.setattr("getpass.getpass", lambda _: "not-a-secret")

    return answers


def _mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_answered_is_configured(at, terminal, tmp_path):
    terminal("imap.example.org", "rua@example.org", "example.org, example.net")
    assert at("--no-doctor") == 0
    settings = load_settings(str(tmp_path / "etc" / "tlsrpt.toml"))
    (box,) = settings.mailbox
    assert (box.host, box.user, box.reveal_password()) == ("imap.example.org", "rua@example.org", "not-a-secret")
    assert (settings.domains.own, settings.lake.path) == (("example.org", "example.net"), str(tmp_path / "lake"))
    assert (_mode(tmp_path / "etc" / "tlsrpt.toml"), _mode(tmp_path / "etc" / "rua")) == (0o600, 0o600)


def test_options_answer_too(at, tmp_path, monkeypatch):
    monkeypatch.setenv("RUA_PASSWORD", "not-a-secret")
    assert at(*OPTIONS, "--password-env", "RUA_PASSWORD") == 0
    settings = load_settings(str(tmp_path / "etc" / "tlsrpt.toml"))
    assert settings.domains.own == ("example.org", "example.net")
    assert settings.mailbox[0].reveal_password() == "not-a-secret"


def test_a_configuration_that_is_there_is_left_as_it_is(at, tmp_path, capsys):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "tlsrpt.toml").write_text("# mine\n")
    assert at(*OPTIONS, "--password-env", "P") == UsageError.exit_code
    assert "exists and is left as it is" in capsys.readouterr().err
    assert (tmp_path / "etc" / "tlsrpt.toml").read_text() == "# mine\n"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (OPTIONS[2:], "init needs --host; without a terminal"),
        (OPTIONS, "does not exist; write the password into it first"),
        ([*OPTIONS, "--domain", "https://example.org"], "'https://example.org' is not the name of a host or domain"),
        ([*OPTIONS, "--domain", "*.example.org"], "'*.example.org' is not the name of a domain"),
        ([*OPTIONS, "--password-file", "/usr"], "/usr is a folder; name the file in it that holds the password"),
        ([*OPTIONS, "--service-user", "nobody-is-called-so"], "there is no user 'nobody-is-called-so'"),
    ],
)
def test_what_is_missing_or_wrong_is_one_sentence_and_nothing_is_written(at, options, says, tmp_path, monkeypatch, capsys):  # noqa: PLR0917 -- fixtures
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert at(*options) == UsageError.exit_code
    said = capsys.readouterr().err
    assert (says in said, said.count("\n")) == (True, 1), said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("found", "next_step"), [(0, "Next:\n  $ tlsrpt --config "), (1, "Fix what fails")])
def test_the_doctor_tries_it_and_the_next_step_is_said(at, found, next_step, monkeypatch, capsys):
    seen = []
    monkeypatch.setattr(doctor, "run", lambda args, context: seen.append(context.settings.mailbox[0].host) or found)
    assert at(*OPTIONS[:-1], "--password-env", "P") == found
    assert seen == ["imap.example.org"]
    assert next_step in capsys.readouterr().out


def test_what_was_answered_is_quoted():
    answers = InitAnswers('/srv/"lake"\n', "imap.example.org", "a\\b", "/p", "", ("example.org",))
    assert tomllib.loads(configuration(answers))["lake"]["path"] == answers.lake


def test_every_setting_in_a_comment_is_one_with_its_default(tmp_path):
    text = configuration(InitAnswers("/srv/lake", "imap.example.org", "rua", "/p", "", ("example.org",)))
    lines = [line[1:] if line[:1] == "#" and line[1:2] not in {" ", ""} else line for line in text.splitlines()]
    (tmp_path / "t.toml").write_text("\n".join(lines))
    defaults = tmp_path / "defaults.toml"
    defaults.write_text(text)
    taken = load_settings(str(tmp_path / "t.toml")).model_dump(exclude={"notify"})
    meant = load_settings(str(defaults)).model_dump(exclude={"notify"})
    meant["mailbox"][0]["port"] = 993  # which None means
    assert taken == meant
