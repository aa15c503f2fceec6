"""What `doctor` says of the units that are installed."""

from __future__ import annotations

import pytest

from pipeline.deploy.installed_units import findings, properties
from pipeline.deploy.units import Installation, systemd_units


@pytest.fixture
def machine(tmp_path):
    """A program, and its units as they are installed."""
    program = tmp_path / "tlsrpt"
    program.touch()
    folder = tmp_path / "system"
    folder.mkdir()
    for unit in systemd_units(Installation(str(program), None, "tlsrpt", ())):
        (folder / unit.name).write_text(unit.text, encoding="utf-8")
    return program, folder


def found(machine, program=None, **states):
    here, folder = machine
    on = {"UnitFileState": "enabled", "Result": "success"}
    show = {name.replace("_", "-"): state for name, state in states.items()}
    return [
        tuple(each) for each in findings(str(program or here), folder=folder, show=lambda name: on | show.get(name.partition(".")[0], {}))
    ]


def test_units_that_run_are_one_line(machine):
    assert found(machine) == [("ok", "7 installed for this installation, none has failed")]


def test_none_is_said_and_is_no_mistake(tmp_path):
    (only,) = findings("/usr/bin/tlsrpt", folder=tmp_path)
    assert only.state == "ok"
    assert "`tlsrpt units --install`" in only.says


def test_a_timer_that_is_off_and_a_service_that_failed_are_named_with_what_to_do(machine):
    said = found(machine, tlsrpt_ingest={"UnitFileState": "disabled", "Result": "exit-code"})
    assert said == [
        ("warn", "tlsrpt-ingest.timer is installed but not enabled: systemctl enable --now tlsrpt-ingest.timer"),
        ("warn", "tlsrpt-ingest.service failed when it last ran (exit-code): journalctl -u tlsrpt-ingest.service"),
    ]


def test_units_of_another_installation_are_told_from_units_of_one_that_is_gone(machine, tmp_path):
    other = found(machine, program="/opt/other/bin/tlsrpt")
    assert {state for state, _ in other} == {"warn"}
    machine[0].unlink()
    gone = found(machine)
    assert {state for state, _ in gone} == {"fail"}
    assert all("which is not there" in says for _, says in gone)


def test_without_systemd_nothing_is_known_of_a_unit(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert properties("tlsrpt-ingest.timer") == {}
