"""The wheel, installed with pip, uv and pipx into environments where nothing is; wants a package index, so a release is tried with it."""

from __future__ import annotations

import json
import sys
import tomllib
import venv
from pathlib import Path

import pytest

from tests.project.outside import run
from tests.project.tree import ROOT

pytestmark = pytest.mark.servers

UV = Path(sys.executable).with_name("uv")
EXTRAS = sorted(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"])
LARGEST_CORE_BYTES = 600_000_000
"""535 MB were measured when the core was parted from its extras."""


@pytest.fixture(scope="module")
def core(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment with the core in it, as pip installs it."""
    home = tmp_path_factory.mktemp("core")
    venv.create(home, with_pip=True)
    done = run(home / "bin" / "python", "-m", "pip", "install", "--quiet", wheel, cwd=home, timeout=500)
    assert done.returncode == 0, done.stderr
    return home / "bin"


def test_the_core_is_small(core):
    sizes = sum(path.stat().st_size for path in core.parent.rglob("*") if path.is_file() and not path.is_symlink())
    packages = json.loads(run(core / "python", "-m", "pip", "list", "--format", "json", cwd=core.parent).stdout)
    print(f"core: {len(packages)} packages, {sizes / 1e6:.0f} MB")
    assert sizes < LARGEST_CORE_BYTES
    assert not {"streamlit", "altair", "pandas", "pymap"} & {each["name"] for each in packages}


def test_the_core_takes_reports_answers_and_concludes(core, tmp_path):
    def tlsrpt(*words: str | Path) -> str:
        done = run(core / "tlsrpt", "--lake", tmp_path / "lake", *words, cwd=tmp_path)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    tlsrpt("ingest", ROOT / "data" / "sample")
    assert json.loads(tlsrpt("status", "--format", "json"))["outcomes"]["stored"] > 20
    assert json.loads(tlsrpt("sql", "--format", "json", "select count(*) as n from reports"))[0]["n"] > 20
    for command in ("incidents", "coverage", "questions list", "rejects", "metrics", "digest", "maintain"):
        tlsrpt(*command.split())


@pytest.mark.parametrize(("command", "extra"), [("dashboard", "dashboard"), ("demo", "demo"), ("demo --no-dashboard", "demo")])
def test_what_the_core_lacks_is_named_in_one_sentence(core, command, extra, tmp_path):
    done = run(core / "tlsrpt", *command.split(), cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (78, 1), done.stderr
    assert f"needs the extra `{extra}`" in done.stderr


@pytest.mark.parametrize("extra", EXTRAS)
def test_every_extra_can_be_had(extra, core, wheel, tmp_path):
    wanted = f"tlsrpt-analytics[{extra}] @ {wheel.as_uri()}"
    done = run(UV, "pip", "install", "--dry-run", "--python", core / "python", wanted, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr


def test_uvx_runs_the_demo(wheel, tmp_path):
    wanted = f"tlsrpt-analytics[demo] @ {wheel.as_uri()}"
    command = (UV, "tool", "run", "--from", wanted, "tlsrpt", "demo", "--days", "2", "--no-dashboard", "--dir", tmp_path / "demo")
    done = run(*command, cwd=tmp_path, timeout=500)
    assert done.returncode == 0, done.stderr
    assert "Ask it: tlsrpt" in done.stdout + done.stderr


def test_pipx_installs_it_with_the_page(wheel, tmp_path):
    wanted = f"tlsrpt-analytics[dashboard,demo] @ {wheel.as_uri()}"
    done = run(UV, "tool", "run", "pipx", "install", wanted, cwd=tmp_path, timeout=560)
    assert done.returncode == 0, done.stderr
    tlsrpt = tmp_path / ".local" / "bin" / "tlsrpt"
    assert run(tlsrpt, "--version", cwd=tmp_path).stdout.startswith("tlsrpt ")
    page = run(tlsrpt, "--lake", tmp_path / "none", "dashboard", cwd=tmp_path)
    assert "there is no lake at" in page.stderr, page.stderr
