"""The wheel, installed into an environment of its own, works without the checkout."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

from pipeline import __version__
from tests.ports import free_port
from tests.project.outside import environment, run
from tests.project.tree import ROOT, project_files


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a new environment with the wheel in it; its dependencies are those of this environment."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    here = sysconfig.get_path("purelib")
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    # A path named in a .pth file is searched, but the .pth files in it are not read: so the editable checkout stays out.
    (site / "dependencies.pth").write_text(f"{here}\n", encoding="utf-8")
    done = run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=home)
    assert done.returncode == 0, done.stderr
    return home / "bin"


def test_everything_the_program_needs_is_in_the_wheel(wheel):
    kept = {str(path.relative_to(ROOT)) for path in project_files() if path.relative_to(ROOT).parts[0] in {"pipeline", "dashboard"}}
    kept = {name for name in kept if not name.startswith(("pipeline/docs/", "dashboard/static/screenshots/"))}
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert (sorted(kept - shipped), sorted(shipped - kept)) == ([], [])


def test_the_wheel_carries_the_licence_and_the_version(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert wheel.name == f"tlsrpt_analytics-{__version__}-py3-none-any.whl"
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_installed_program_is_not_the_checkout(installed, tmp_path):
    done = run(installed / "python", "-c", "import pipeline, dashboard; print(pipeline.__file__, dashboard.__file__)", cwd=tmp_path)
    assert done.stdout.count(str(installed.parent)) == 2, done.stdout + done.stderr


def test_the_installed_program_says_its_version(installed, tmp_path):
    assert run(installed / "tlsrpt", "--version", cwd=tmp_path).stdout == f"tlsrpt {__version__}\n"


def test_the_installed_program_runs_the_demo_without_the_checkout(installed, tmp_path):
    done = run(installed / "tlsrpt", "demo", "--days", "2", "--no-dashboard", "--dir", tmp_path / "demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    status = run(installed / "tlsrpt", "--config", tmp_path / "demo" / "tlsrpt.toml", "status", "--format", "json", cwd=tmp_path)
    assert json.loads(status.stdout)["outcomes"]["stored"] > 20, status.stderr


def test_the_installed_dashboard_runs_without_the_checkout(installed, tmp_path):
    port = free_port()
    (tmp_path / "lake").mkdir()
    command = [installed / "tlsrpt", "--lake", tmp_path / "lake", "dashboard", "--port", str(port)]
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(command, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=log) as page,
    ):
        try:
            assert _answer(f"http://127.0.0.1:{port}/_stcore/health", page) == "ok", (tmp_path / "log").read_text()
        finally:
            page.stdout.close()  # nobody reads what it says any more, and it ends all the same
            page.send_signal(signal.SIGINT)
            assert page.wait(120) == 0, (tmp_path / "log").read_text()


def _answer(address: str, page: subprocess.Popen[bytes]) -> str:
    """What a running page says at the address; empty if it ends or says nothing for two minutes."""
    for _ in range(600):
        if page.poll() is not None:
            return ""
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            time.sleep(0.2)
    return ""
