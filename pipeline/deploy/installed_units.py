"""The units of ours that are installed on this machine: whether they still fit this installation, are switched on, and ended well."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = Path("/etc/systemd/system")
_SECONDS = 10.0
_ENABLED = frozenset({"enabled", "enabled-runtime", "linked", "static"})


class UnitFinding(NamedTuple):
    """What is to be said of one unit, or of all."""

    state: Literal["ok", "warn", "fail"]
    says: str


def findings(program: str, *, folder: Path = FOLDER, show: Callable[[str], dict[str, str]] | None = None) -> Iterator[UnitFinding]:
    """Yield what is wrong with the installed units, or that nothing is; only reads.

    Args:
        program: The absolute path of this installation's `tlsrpt`.
        folder: Where units are installed.
        show: Gives the properties of a unit as systemd has them; empty where systemd does not run.
    """
    ask = show or properties
    units = sorted(folder.glob("tlsrpt-*.timer")) + sorted(folder.glob("tlsrpt-*.service"))
    if not units:
        yield UnitFinding("ok", "none installed; `tlsrpt units --install` writes them, where no cron and no container runs the poller")
        return
    wrong = [finding for unit in units for finding in _of(unit, program, ask)]
    yield from wrong or [UnitFinding("ok", f"{len(units)} installed for this installation, none has failed")]


def _of(unit: Path, program: str, ask: Callable[[str], dict[str, str]]) -> Iterator[UnitFinding]:
    state = ask(unit.name)
    if unit.suffix == ".timer":
        if state and state.get("UnitFileState") not in _ENABLED:
            yield UnitFinding("warn", f"{unit.name} is installed but not enabled: systemctl enable --now {unit.name}")
        return
    runs = _program_of(unit)
    if runs is not None and not Path(runs).exists():
        yield UnitFinding("fail", f"{unit.name} runs {runs}, which is not there; `tlsrpt units --install` writes it anew")
    elif runs not in {None, program}:
        yield UnitFinding("warn", f"{unit.name} runs {runs}, and this is {program}; `tlsrpt units --install` writes it anew")
    if state.get("Result", "success") != "success":
        yield UnitFinding("warn", f"{unit.name} failed when it last ran ({state['Result']}): journalctl -u {unit.name}")


def _program_of(unit: Path) -> str | None:
    try:
        lines = unit.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next(
        (line.partition("=")[2].split(" ")[0].replace("%%", "%").replace("$$", "$") for line in lines if line.startswith("ExecStart=")),
        None,
    )


def properties(name: str) -> dict[str, str]:
    """Return the properties of a unit; empty where systemd does not run, or does not answer."""
    command = ["systemctl", "show", "--property=UnitFileState,Result", name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=True, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return {}
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
