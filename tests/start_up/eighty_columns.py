"""What every command that reads prints on a terminal of eighty columns, as one transcript.

`python -m tests.start_up.eighty_columns` writes it anew; read what changed before it is committed.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli import main
from tests.insight.asking import as_of, incidents
from tests.notify.test_news import book

if TYPE_CHECKING:
    from collections.abc import Sequence

TRANSCRIPT = Path(__file__).with_name("eighty-columns.txt")
COLUMNS = 80
DAYS = 20
_VOLATILE = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z| UTC)"), r"YYYY-MM-DD HH:MM\1"),
    (re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}"), "RUN"),
)


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


def commands() -> list[str]:
    """Return the command lines of the transcript."""
    day = as_of(DAYS)
    found = incidents(book(DAYS), DAYS)[0]
    return [
        f"incidents --as-of {day}",
        f"incidents {found.id} --as-of {day}",
        f"coverage --as-of {day}",
        f"readiness example.org --as-of {day}",
        f"questions run success_rate --as-of {day}",
        f"questions run failures_by_mx --as-of {day}",
        "questions show duplicates",
        "rejects",
        'sql "select report_domain, sum(failed_sessions) as failed from sessions group by all order by all"',
        f"plan example.org enforce --as-of {day}",
        "policy reasons",
        f"digest --as-of {day}",
        f"mute {found.id} --reason 'the relay is being replaced' --until 2999-01-01",
        "mute",
        f"unmute {found.id}",
        f"notify --dry-run --as-of {day}",
        "notify --test nosuch",
        "incidents --domain example.orgg",
        "questions run succes_rate",
    ]


WIDTH_ALONE = ("status", "questions", "schema")
"""Commands whose words are held elsewhere, and whose lines are looked at for their width alone."""


def transcript(folder: Path, lines: Sequence[str] | None = None) -> str:
    """Return what they print, one after the other.

    Args:
        folder: An empty one, for the lake.
        lines: The command lines; None: those of the transcript.
    """
    lake = book(DAYS).write(folder / "lake")
    config = folder / "tlsrpt.toml"
    channel = f'[[notify.channel]]\nname = "siem"\nkind = "lines"\npath = "{folder}/x"\n'
    config.write_text(f'[lake]\npath = "{lake}"\n[domains]\nown = ["example.org"]\n{channel}')
    config.chmod(0o600)
    parts = []
    before = {name: os.environ.get(name) for name in ("COLUMNS", "NO_COLOR")}
    os.environ.update(COLUMNS=str(COLUMNS), NO_COLOR="1")
    try:
        for line in commands() if lines is None else lines:
            terminal = Terminal()
            with redirect_stdout(terminal), redirect_stderr(terminal):
                code = main(["--config", str(config), *shlex.split(line)])
            parts.append(f"$ tlsrpt {line}\n{_steady(terminal.getvalue(), folder)}[{code}]\n")
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    return "\n".join(parts)


def _steady(text: str, folder: Path) -> str:
    text = text.replace(str(folder), "…").replace(str(datetime.now(UTC).date()), "TODAY")
    for pattern, instead in _VOLATILE:
        text = pattern.sub(instead, text)
    return text


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        TRANSCRIPT.write_text(transcript(Path(name)), encoding="utf-8")
    sys.stdout.write(f"{TRANSCRIPT}\n")
