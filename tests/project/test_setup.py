"""Setting up: everything is pinned by hash, and what is missing is said in one sentence."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.project.tree import ROOT

PINS = ROOT / ".ci" / "requirements"
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")


def _pinned(file: str) -> set[str]:
    return set(re.findall(r"(?m)^([a-z0-9.-]+)==[^ ]+", (PINS / file).read_text(encoding="utf-8")))


def _named(lines: list[str]) -> set[str]:
    return {match.group().lower().replace("_", "-") for line in lines if (match := NAME.match(line))}


@pytest.mark.parametrize("file", ["build.txt", "run.txt", "test.txt"])
def test_every_requirement_has_a_version_and_hashes_and_no_address(file):
    text = (PINS / file).read_text(encoding="utf-8")
    requirements = [part for part in re.split(r"(?m)^(?=[a-zA-Z0-9-])", text) if not part.startswith("#")]
    assert requirements
    assert [part.splitlines()[0] for part in requirements if "==" not in part or "--hash=sha256:" not in part] == []
    assert re.findall(r"(?m)https?://|^--?(?:i|index|extra|find)\b", text) == []


def test_everything_the_project_asks_for_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert _named(project["dependencies"]) - _pinned("run.txt") == set()
    wanted = [
        *project["dependencies"],
        *extras["microsoft"],
        *extras["google"],
        *(PINS / "test.in").read_text(encoding="utf-8").splitlines(),
    ]
    assert _named(wanted) - _pinned("test.txt") == set()
    assert _named((PINS / "build.in").read_text(encoding="utf-8").splitlines()) - _pinned("build.txt") == set()


def test_a_test_run_uses_the_versions_of_a_real_one():
    def versions(file: str) -> set[tuple[str, str]]:
        return set(re.findall(r"(?m)^([a-z0-9.-]+)==([^ ]+)", (PINS / file).read_text(encoding="utf-8")))

    assert versions("run.txt") - versions("test.txt") == set()


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine without apt-get, sudo, servers and browsers."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "dirname", "id", "cat", "tail", "grep", "ls", "mktemp", "rm", "sed"):
        (programs / name).symlink_to(shutil.which(name))
    return {"PATH": str(programs), "VENV": str(tmp_path / "venv")}


def _setup(what: str, env: dict[str, str]) -> str:
    # The real folders of servers stay out: the copy of the script does not add them.
    script = (ROOT / ".ci" / "setup").read_text(encoding="utf-8").replace('PATH="$PATH:/usr/sbin:/sbin"', ":")
    script = script.replace('cd "$(dirname "$0")/.."', f"cd '{ROOT}'")
    done = subprocess.run(["/bin/sh", "-s", what], input=script, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stderr
    (sentence,) = done.stderr.splitlines()
    return sentence


def _python(env: dict[str, str], name: str, body: str) -> None:
    program = Path(env["PATH"]) / name
    program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    program.chmod(0o755)


def test_an_old_python_is_refused_in_one_sentence(bare):
    _python(bare, "python3", '[ "$1" = --version ] && echo Python 3.9.2 || exit 1')
    assert _setup("run", bare) == (
        "setup: Python 3.11 or newer is needed and python3 is Python 3.9.2; name one with: make PYTHON=/path/to/python3"
    )


NO_VENV = 'case "$2" in *venv,*) exit 1;; *python%d*) echo python3.13-venv;; esac'


def test_a_python_without_venv_is_named_with_its_package_where_it_cannot_be_installed(bare):
    _python(bare, "python3", NO_VENV)
    assert _setup("run", bare) == "setup: python3 has no venv module; install it as root with: apt-get install python3.13-venv"


def test_missing_system_packages_are_named_in_one_sentence(bare):
    _python(bare, "python3", NO_VENV)
    sentence = _setup("system", bare)
    assert sentence.startswith("setup: the tests need these system packages: python3.13-venv git openssl dovecot-imapd chromium")
    assert "apt-get install --no-install-recommends python3.13-venv git" in sentence


def test_the_help_of_make_names_every_target_for_people():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?m)^([a-z-]+):(?!=)", makefile)) - {"tests", "system", "browser"}
    assert targets - set(re.findall(r"(?m)^([a-z-]+):.*## ", makefile)) == set()
