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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from pipeline.cli import main
from pipeline.published.check import Checked
from pipeline.published.history import Published
from pipeline.published.policy_text import read_policy_file
from pipeline.published.records import read_tlsrpt
from tests.insight.asking import as_of, incidents
from tests.kept import engines_kept
from tests.notify.test_news import book

if TYPE_CHECKING:
    from collections.abc import Sequence

TRANSCRIPT = Path(__file__).with_name("eighty-columns.txt")
COLUMNS = 80
DAYS = 20
CONFIGURATION = """
[lake]
path = "{folder}/lake"
[domains]
own = ["example.org"]
[trust]
resolver = "127.0.0.1:9"
dns_timeout = 0.1
[[notify.channel]]
name = "siem"
kind = "lines"
path = "{folder}/x"
"""
LOOKED = datetime(2026, 3, 23, 4, tzinfo=UTC)
_VOLATILE = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z| UTC)"), r"YYYY-MM-DD HH:MM\1"),
    (re.compile(r"\d+\.\d GiB"), "N GiB"),
    (re.compile(r"ok    versions: .*(?:\n {6}.*)*"), "ok    versions: VERSIONS"),
    (re.compile(r"(?:ok|warn|fail)  ?  units: .*(?:\n {6}.*)*"), "ok    units: UNITS"),  # those of this machine
    (re.compile(r"TODAY \d\d:\d\d UTC"), "TODAY HH:MM UTC"),
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
        "check example.org",
        f"plan example.org enforce --as-of {day}",
        f"plan example.org mx mx1.example.org mx3.example.org --as-of {day}",
        f"plan example.org tlsa '3 1 1 {'ab' * 32}' --as-of {day}",
        f"plan example.org retire --as-of {day}",
        "doctor",
        "units --cron --user tlsrpt",
        "units --install {folder} --user tlsrpt",
        "maintain --dry-run",
        "restore {folder}/nosuch.tlsrpt",
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


def looked(domain: str, *_args: object, **_more: object) -> Checked:
    """Return what a check finds, without a look at anything: no TLSRPT record, and a policy with a slip."""
    policy = ("version: STSv1", "mode: testing", "mx: mx1.example.org", "mx: mx2.example.org", "max_age: 604800")
    slipped = "\r\n".join((*policy, "max-age: 604800", "")).encode()
    findings = (*read_tlsrpt(domain, [])[1], *read_policy_file(f"https://mta-sts.{domain}/.well-known/mta-sts.txt", slipped)[1])
    published = Published("20260101", policy, None, ("mx1.example.org", "mx2.example.org"), ())
    return Checked(domain, LOOKED, findings, published)


WIDTH_ALONE = ("status", "questions", "schema")
"""Commands whose words are held elsewhere, and whose lines are looked at for their width alone."""


def transcript(lines: Sequence[str] | None = None) -> str:
    """Return what they print, one after the other.

    Args:
        lines: The command lines; None: those of the transcript.
    """
    before = {name: os.environ.get(name) for name in ("COLUMNS", "NO_COLOR")}
    os.environ.update(COLUMNS=str(COLUMNS), NO_COLOR="1")
    mask = os.umask(0o077)
    # A path of the same length on every machine: lines are folded before it is made an ellipsis.
    with tempfile.TemporaryDirectory(prefix="tlsrpt-", dir="/tmp") as name:
        try:
            with engines_kept():
                return "\n".join(_said(line, Path(name), _configured(Path(name))) for line in lines or commands())
        finally:
            os.umask(mask)
            for variable, value in before.items():
                os.environ.pop(variable) if value is None else os.environ.update({variable: value})


def _configured(folder: Path) -> Path:
    """Write a lake and its configuration, where they are not there yet."""
    config = folder / "tlsrpt.toml"
    if not config.exists():
        book(DAYS).write(folder / "lake")
        config.write_text(CONFIGURATION.format(folder=folder))
    return config


def _said(line: str, folder: Path, config: Path) -> str:
    terminal = Terminal()
    words = [word.format(folder=folder) for word in shlex.split(line)]
    with redirect_stdout(terminal), redirect_stderr(terminal), mock.patch("pipeline.published.check.check_domain", looked):
        code = main(["--config", str(config), *words])
    return f"$ tlsrpt {line}\n{_steady(terminal.getvalue(), folder)}[{code}]\n"


def _steady(text: str, folder: Path) -> str:
    now = datetime.now(UTC).date()
    for ago in range(85, 96):
        text = text.replace(f"no report of {now - timedelta(days=ago)}", "no report of 90-DAYS-AGO")
    text = text.replace(str(folder), "…").replace(str(Path(sys.executable).with_name("tlsrpt")), "/opt/tlsrpt/bin/tlsrpt")
    text = text.replace(str(now), "TODAY")
    for pattern, instead in _VOLATILE:
        text = pattern.sub(instead, text)
    return text


if __name__ == "__main__":
    TRANSCRIPT.write_text(transcript(), encoding="utf-8")
    sys.stdout.write(f"{TRANSCRIPT}\n")
