"""The units and crontab for an installation: systemd finds nothing wrong with them, and what is not configured is not in them."""

from __future__ import annotations

import re
import subprocess

import pytest

from pipeline.cli import main
from pipeline.deploy.units import Installation, crontab, systemd_units

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
