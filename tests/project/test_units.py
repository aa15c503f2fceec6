"""The units and crontab for an installation: systemd finds nothing wrong with them, and what is not configured is not in them."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from pipeline.cli import main
from pipeline.commands import units
from pipeline.config import load_settings
from pipeline.deploy.units import Installation, crontab, systemd_units
from pipeline.errors import ConfigError

WHOLE = Installation("/usr/bin/true", "/etc/hostname", "root", ("/tmp",), channels=True, digest=True, receives=443)
NAMES = {"tlsrpt-ingest", "tlsrpt-notify", "tlsrpt-digest", "tlsrpt-check", "tlsrpt-maintain"}


@pytest.fixture
def folder(tmp_path):
    for unit in systemd_units(WHOLE):
        (tmp_path / unit.name).write_text(unit.text, encoding="utf-8")
    return tmp_path


def test_systemd_accepts_each_unit(folder):
    files = sorted(map(str, folder.iterdir()))
    ran = subprocess.run(["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, check=False)
    about_ours = [line for line in ran.stderr.splitlines() if "tlsrpt" in line]
    assert (ran.returncode, about_ours) == (0, [])


@pytest.mark.parametrize("name", sorted(NAMES | {"tlsrpt-dashboard", "tlsrpt-receive"}))
def test_systemd_calls_each_service_well_confined(folder, name):
    ran = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", folder / f"{name}.service"],
        capture_output=True,
        text=True,
        check=False,
    )
    exposure = re.search(r"exposure level for .*: ([0-9.]+)", ran.stdout)
    assert exposure, ran.stderr
    assert float(exposure[1]) < 2.5


def test_what_is_not_configured_is_left_out():
    small = WHOLE._replace(channels=False, digest=False, domains=False, receives=None)
    assert {unit.name.split(".")[0] for unit in systemd_units(small)} == {"tlsrpt-ingest", "tlsrpt-maintain", "tlsrpt-dashboard"}
    assert {unit.name.removesuffix(".timer") for unit in systemd_units(WHOLE) if unit.name.endswith(".timer")} == NAMES


def test_what_is_read_stays_visible():
    def hides(what: str, **changed) -> bool:
        return f"{what}=yes" in systemd_units(WHOLE._replace(writable=("/var/lib/tlsrpt",), **changed))[0].text

    assert hides("ProtectHome")
    assert hides("PrivateTmp")
    assert not hides("ProtectHome", readable=("/run/user/0/python",))
    assert not hides("PrivateTmp", config="/tmp/tlsrpt.toml")
    assert hides("PrivateTmp", config="/tmpfiles/tlsrpt.toml")


def test_each_file_that_settings_name_and_the_python_are_among_what_is_read(tmp_path):
    config = tmp_path / "tlsrpt.toml"
    config.write_text(
        '[[mailbox]]\nname = "a"\nhost = "imap.example.org"\nuser = "u"\npassword_file = "/srv/password"\nca_file = "/srv/ca.pem"\n'
        '[[notify.channel]]\nname = "ops"\nkind = "webhook"\nurl_file = "/srv/url"\n'
    )
    read = units._read(load_settings(str(config)))
    assert set(read) == {sys.prefix, sys.base_prefix, "/srv/password", "/srv/ca.pem", "/srv/url"}


def test_a_service_whose_extra_is_missing_is_left_out(tmp_path, capsys, monkeypatch):
    def missing(extra: str, what: str) -> None:
        raise ConfigError(extra)

    monkeypatch.setattr(units, "require", missing)
    monkeypatch.setenv("TLSRPT_RECEIVE__SPOOL", str(tmp_path))
    assert main(["--lake", str(tmp_path), "units"]) == 0
    printed = capsys.readouterr().out
    assert "tlsrpt-ingest.service" in printed
    assert not re.search("dashboard|receive", printed)


def test_what_lasts_is_not_started_again_for_a_wrong_configuration():
    assert "\nRestartPreventExitStatus=2 78\n" in systemd_units(WHOLE)[-1].text


def test_what_stands_in_the_way_of_the_units_is_said(tmp_path):
    def said(**changed) -> list[str]:
        return list(units._stands_in_the_way(WHOLE._replace(**{"program": "/usr/bin/true", "user": "nobody"} | changed)))

    assert said() == []
    assert said(user="root") == ["these run as root, which nothing here needs; name an ordinary user with --user"]
    assert "there is no user 'nobody-is-called-so'; create it: useradd" in said(user="nobody-is-called-so")[0]
    assert said(writable=(f"{tmp_path}/none",)) == [
        f"{tmp_path}/none is not there, and a unit makes no folder: install -d -o nobody -m 750 {tmp_path}/none"
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try it as another user")
def test_a_program_that_the_user_cannot_run_is_named(tmp_path):
    program = tmp_path / "closed" / "tlsrpt"
    program.parent.mkdir(mode=0o700)
    program.symlink_to("/usr/bin/true")
    (told,) = units._stands_in_the_way(WHOLE._replace(program=str(program), user="nobody"))
    assert told.startswith(f"user nobody cannot run {program}: a folder above it")


def test_only_who_receives_on_a_low_port_may_bind_one():
    receiving = {port: systemd_units(WHOLE._replace(receives=port))[-1].text for port in (443, 8460)}
    assert "CAP_NET_BIND_SERVICE" in receiving[443]
    assert "CAP_NET_BIND_SERVICE" not in receiving[8460]


def test_a_percent_sign_is_no_specifier_and_no_newline():
    odd = WHOLE._replace(config="/etc/100%.toml")
    assert "100%%.toml" in systemd_units(odd)[0].text
    assert r"100\%.toml" in crontab(odd)


def test_the_command_names_this_program_and_configuration(tmp_path, capsys):
    config = tmp_path / "tlsrpt.toml"
    config.write_text(f'[lake]\npath = "{tmp_path}/lake"\n[domains]\nown = ["example.org"]\n', encoding="utf-8")
    assert main(["--config", str(config), "units", "--cron", "--user", "tlsrpt"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("#")]
    assert [line.split()[-1] for line in lines] == ["check", "maintain"]
    assert all(f"--config {config}" in line for line in lines)
    assert main(["--config", str(config), "units", "--install", str(tmp_path / "no")]) == 66
    (tmp_path / "units").mkdir()
    assert main(["--config", str(config), "units", "--install", str(tmp_path / "units")]) == 0
    assert (tmp_path / "units" / "tlsrpt-check.timer").exists()


@pytest.mark.parametrize("name", ["a b", "a\nExecStartPre=b", 'a"b', "a\\b", "a\u2028b"])
def test_a_path_that_no_unit_can_hold_is_refused_with_a_sentence(tmp_path, capsys, name):
    (tmp_path / name).mkdir()
    for more in ([], ["--cron"]):
        assert main(["--lake", str(tmp_path / name), "units", *more]) == 2
        assert "contains a space or quote, which units and crontabs cannot hold" in capsys.readouterr().err


@pytest.mark.parametrize("user", ["root\nExecStartPre=/bin/true", "a b", "$(id)", "-x"])
def test_a_user_that_is_none_is_refused(tmp_path, capsys, user):
    assert main(["--lake", str(tmp_path), "units", f"--user={user}"]) == 2
    assert capsys.readouterr().out == ""


def test_a_line_of_cron_is_no_program_of_a_shell(tmp_path):
    odd = WHOLE._replace(program="/bin/echo", config=str(tmp_path / "$(touch made);&" / "`touch made`.toml"))
    for line in crontab(odd).splitlines()[1:]:
        command = line.split(maxsplit=5)[5].replace(r"\%", "%")
        told = subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        assert told.startswith(f"--config {odd.config} ")
    assert not (tmp_path / "made").exists()
