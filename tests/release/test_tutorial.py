"""The tutorial, followed to the letter by a shell in a folder where nothing is: each command ends well and says what the page shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.outside import environment
from tests.project.readme import DOCS

BLOCK = re.compile(r"(?ms)^```(sh)?\n(.*?)^```$")
END = "-- end of step"


def steps() -> list[tuple[str, str]]:
    """The commands of each block in their order, and the output shown after them, or nothing."""
    found: list[tuple[str, str]] = []
    for kind, text in BLOCK.findall((DOCS / "tutorial.md").read_text(encoding="utf-8")):
        if kind:
            found.append((text, ""))
        else:
            found[-1] = (found[-1][0], text)
    return found


def _pattern(shown: str) -> re.Pattern[str]:
    """What the page shows as a pattern: `…` is any text, a line of it alone is any lines, and blanks are as many as there are."""
    lines = []
    for line in shown.splitlines():
        if line.strip() == "…":
            lines.append(r"(?:.*\n)*?")
            continue
        words = r"\s+".join(re.escape(word).replace("…", ".*") for word in line.split())
        lines.append(rf"\s*{words}\s*\n")
    return re.compile("".join(lines))


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What one shell said to each block; it ends at the first command that fails."""
    folder = tmp_path_factory.mktemp("tutorial")
    script = "set -e\nexec 2>&1\n" + "".join(f"{commands}echo '{END}'\n" for commands, _ in steps())
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    done = subprocess.run(
        ["sh"], input=script, cwd=folder, env=environment(folder) | {"PATH": path}, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout.split(f"{END}\n")[:-1]


@pytest.mark.servers
@pytest.mark.parametrize("number", range(len(steps())))
def test_each_command_says_what_the_tutorial_shows(number, outputs):
    commands, shown = steps()[number]
    if shown:
        assert _pattern(shown).match(outputs[number]), f"{commands}\n{outputs[number]}\n-- the page shows\n{shown}"
