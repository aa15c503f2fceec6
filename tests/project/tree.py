"""The files of the project: what git has, or all files where there is no git (a source archive)."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def project_files() -> tuple[Path, ...]:
    """The files of the tree, those not yet committed included, those ignored not."""
    if (ROOT / ".git").exists():
        listing = subprocess.run(
            ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, check=True, text=True,
        ).stdout  # fmt: skip
        found = {ROOT / name for name in listing.split("\0") if name}
    else:
        found = {path for path in ROOT.rglob("*") if ".venv" not in path.parts and "__pycache__" not in path.parts}
    return tuple(sorted(path for path in found if path.is_file()))


@cache
def texts(*suffixes: str) -> dict[str, str]:
    """The text files with one of the suffixes (all without), by path relative to the root; files that are not UTF-8 text are left out."""
    chosen = {}
    for path in project_files():
        if suffixes and path.suffix not in suffixes:
            continue
        try:
            chosen[str(path.relative_to(ROOT))] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return chosen
