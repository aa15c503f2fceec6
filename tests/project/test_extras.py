"""What an extra brings is imported nowhere else, and wanted without it, is one sentence that names it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib

import pytest

from pipeline import extras
from pipeline.cli import main
from pipeline.errors import ConfigError
from tests.project.tree import ROOT

DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
PACKAGES = {"google.oauth2": "google-auth", "google_auth_oauthlib": "google-auth-oauthlib"}
"""Where the package is not called like the module."""


def _named(extra: str) -> set[str]:
    return {re.split(r"[\[>=<~ ]", line)[0] for line in DECLARED[extra]}


def test_what_proves_an_extra_is_in_it():
    asked = {extra: {PACKAGES.get(module, module) for module in modules} for extra, modules in extras.PROVES.items()}
    assert {extra: names - _named(extra) for extra, names in asked.items() if names - _named(extra)} == {}
    assert set(DECLARED) - {"all", "sign-in"} == set(extras.PROVES), "name it in pipeline/extras.py"


def test_all_is_all_of_them():
    (line,) = DECLARED["all"]
    assert set(re.search(r"\[(.*)\]", line)[1].split(",")) == set(DECLARED) - {"all"}


@pytest.mark.parametrize(
    ("command", "module", "extra"),
    [
        ("dashboard", "streamlit", "dashboard"),
        ("dashboard", "altair", "dashboard"),
        ("demo --no-dashboard", "pymap", "demo"),
        ("demo", "streamlit", "dashboard"),
        ("receive", "uvicorn", "receive"),
    ],
)
def test_a_command_that_needs_an_extra_says_which(command, module, extra, monkeypatch, tmp_path, capsys):  # noqa: PLR0917 -- three are fixtures
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == module else sys)
    assert main(command.split()) == ConfigError.exit_code
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"needs the extra `{extra}`: {module} is not installed; install it with: pip install 'tlsrpt-analytics[{extra}]'" in said
    assert list(tmp_path.iterdir()) == []


ALL_MODULES = """
import importlib, pkgutil, sys
import pipeline
class Absent:
    def find_spec(name, path=None, target=None):
        if name in sys.argv[1:]:
            raise ModuleNotFoundError(f"No module named {name}", name=name)
sys.meta_path.insert(0, Absent)
def stop(name):
    raise SystemExit(f"{name} cannot be imported")
for module in pkgutil.walk_packages(pipeline.__path__, "pipeline.", onerror=stop):
    if module.name not in {"pipeline.demo.imap_mailbox", *(f"pipeline.receive.{name}" for name in ("body", "intake", "server"))}:
        importlib.import_module(module.name)
"""


def test_every_module_of_the_core_is_imported_without_any_extra():
    blocked = sorted({module for modules in extras.PROVES.values() for module in modules} | {"dask"})
    done = subprocess.run([sys.executable, "-c", ALL_MODULES, *blocked], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_frame_without_pandas_is_one_sentence(monkeypatch):
    from pipeline.query.notebook_html import Incidents

    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigError, match=r"a frame needs the extra `notebooks`: pandas is not installed"):
        Incidents().to_pandas()
