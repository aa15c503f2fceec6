"""Programs run as somebody else would run them: outside the checkout, with nothing of this process's Python."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.project.tree import ROOT


def environment(home: Path) -> dict[str, str]:
    """The environment with nothing of this process's Python in it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TLSRPT_", "VIRTUAL_ENV", "STREAMLIT_"))}
    return env | {"HOME": str(home)}


def run(*command: str | Path, cwd: Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run it outside the checkout."""
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=cwd, env=environment(cwd), capture_output=True, text=True, timeout=timeout, check=False)


def built_wheel(folder: Path) -> Path:
    """The wheel, built without a network."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    done = run(*command, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built
