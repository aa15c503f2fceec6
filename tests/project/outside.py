"""Programs run as somebody else would run them: outside the checkout, with nothing of this process's Python."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def environment(home: Path) -> dict[str, str]:
    """The environment with nothing of this process's Python in it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TLSRPT_", "VIRTUAL_ENV", "STREAMLIT_"))}
    return env | {"HOME": str(home)}


def run(*command: str | Path, cwd: Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run it outside the checkout."""
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=cwd, env=environment(cwd), capture_output=True, text=True, timeout=timeout, check=False)
