"""The parser of the command line: a mistake is one sentence that says what may be meant, and every help ends with examples."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_Commands = argparse._SubParsersAction  # noqa: SLF001 -- argparse has no other name for it
_LISTED = 8
"""Choices that are listed where none is close to what was typed."""
_NO_VALUE = re.compile(r"invalid \w+ value: (.*)")

EXAMPLES: dict[str, tuple[str, ...]] = {
    "ingest": ("tlsrpt ingest", "tlsrpt ingest ~/reports/*.eml.gz --dry-run"),
    "backfill": ("tlsrpt backfill /srv/archive/2024 --workers 8",),
    "pipe": ("tlsrpt pipe < message.eml",),
    "receive": ("tlsrpt receive --port 8460",),
    "status": ("tlsrpt status",),
    "sql": ('tlsrpt sql "select report_domain, sum(failed) as failed from policies group by all"',),
    "questions": ("tlsrpt questions", "tlsrpt questions run success_rate --since 2026-10-01 --until 2026-10-31"),
    "schema": ("tlsrpt schema policies",),
    "rejects": ("tlsrpt rejects", "tlsrpt rejects show 82e2ec0c"),
    "incidents": ("tlsrpt incidents --domain example.org", "tlsrpt incidents 654678", "tlsrpt incidents --new-since-last --fail-on ours"),
    "readiness": ("tlsrpt readiness example.org",),
    "coverage": ("tlsrpt coverage --domain example.org",),
    "report": ("tlsrpt report example.org --output example.org.html", "tlsrpt report example.org --days 30 --pdf example.org.pdf"),
    "export": ("tlsrpt export october.parquet --since 2026-10-01 --until 2026-10-31", "tlsrpt export alpha.duckdb --group alpha"),
    "check": ("tlsrpt check", "tlsrpt check example.org --no-store"),
    "plan": ("tlsrpt plan example.org enforce", "tlsrpt plan example.org mx mx3.example.org"),
    "policy": ("tlsrpt policy render example.org --mode enforce", "tlsrpt policy render example.org --mode enforce --only nginx"),
    "notify": ("tlsrpt notify --dry-run", "tlsrpt notify --test ops"),
    "digest": ("tlsrpt digest", "tlsrpt digest --month --send", "tlsrpt digest --group alpha --send"),
    "audit": ("tlsrpt audit --since 2026-11-01",),
    "metrics": ("tlsrpt metrics --output /var/lib/prometheus/node-exporter/tlsrpt.prom", "tlsrpt metrics --listen 127.0.0.1:9465"),
    "mute": ('tlsrpt mute 654678 --until 2026-12-24 --reason "the relay is being replaced"', "tlsrpt mute"),
    "unmute": ("tlsrpt unmute mx2.example.org",),
    "rebuild": ("tlsrpt rebuild",),
    "maintain": ("tlsrpt maintain --dry-run", "tlsrpt maintain --erase example.org"),
    "backup": ("tlsrpt backup tlsrpt-2026-11-28.tar.gz",),
    "restore": ("tlsrpt --lake /srv/new restore tlsrpt-2026-11-28.tar.gz",),
    "export-raw": ("tlsrpt export-raw 82e2ec0c -o message.eml",),
    "dashboard": ("tlsrpt dashboard", "tlsrpt dashboard --port 8600"),
    "units": ("tlsrpt units --user tlsrpt", "tlsrpt units --cron"),
    "demo": ("tlsrpt demo", "tlsrpt demo --days 30 --no-dashboard"),
    "init": ("tlsrpt init --host imap.example.org --user tls-reports@example.org --domain example.org",),
    "doctor": ("tlsrpt doctor",),
    "completion": ("tlsrpt completion bash > ~/.local/share/bash-completion/completions/tlsrpt",),
}
"""By command, whole command lines, shown below its help."""


class Parser(argparse.ArgumentParser):
    """Usage mistakes end with one sentence and exit code 2, without the usage dump."""

    def __init__(self, *, examples: Sequence[str] = (), **options: Any) -> None:
        """Make a parser.

        Args:
            examples: Whole command lines, shown below the help.
            options: Of `argparse.ArgumentParser`.
        """
        shown = "\n".join(f"  {line}" for line in examples)
        if examples:
            options["epilog"] = f"{'example' if len(examples) == 1 else 'examples'}:\n{shown}"
        super().__init__(**{"formatter_class": _Help, **options})

    def error(self, message: str) -> NoReturn:
        """End with a sentence and exit code 2."""
        said = _NO_VALUE.sub(r"\1 is not a number", message)
        whole = f"{self.prog}: {said}{' See' if said.endswith('?') else '; see'} {self.prog} --help"
        if sys.stderr.isatty():
            whole = textwrap.fill(whole, shutil.get_terminal_size().columns, break_long_words=False, break_on_hyphens=False)
        self.exit(2, f"{whole}\n")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the arguments; what is left over is refused by the command it was said to."""
        parsed, left = self.parse_known_args(args, namespace)
        if left:
            command = self.commands().get(getattr(parsed, "command", None) or "", self)
            command.error(command.stranger(left[0], self))
        return parsed

    def arguments(self) -> list[argparse.Action]:
        """Return what it takes, but for commands and what is not told."""
        return [action for action in self._actions if action.help is not argparse.SUPPRESS and not isinstance(action, _Commands)]

    def commands(self) -> dict[str, Parser]:
        """Return the parsers of the commands by name."""
        return next((action.choices for action in self._actions if isinstance(action, _Commands)), {})

    def stranger(self, word: str, above: Parser) -> str:
        """Return what is said of a word that nothing takes.

        Args:
            word: As typed.
            above: The parser of what stands before the command.
        """
        if not word.startswith("-"):
            return f"there is nothing that {word[:80]!r} could be; it is one word too many"
        typed = word.split("=", 1)[0]
        first = [name for name in above._option_string_actions if name.startswith("--")]
        if self is not above and typed in first and typed not in self._option_string_actions:
            return f"{typed} stands before the command: tlsrpt {typed} … {self.prog.rpartition(' ')[2]}"
        return f"there is no option {typed[:80]}{meant(typed, [name for name in self._option_string_actions if name.startswith('--')])}"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse what is no choice, with what may be meant.

        Raises:
            ArgumentError: It is none.
        """
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        hint = meant(str(value), choices)
        if isinstance(action, _Commands):
            raise argparse.ArgumentError(None, f"there is no command {str(value)[:80]!r}{hint}")
        listed = f"; choose from {', '.join(choices)}" if not hint and len(choices) <= _LISTED else hint
        raise argparse.ArgumentError(action, f"there is no {str(value)[:80]!r}{listed}")


class _Help(argparse.HelpFormatter):
    """Leaves the lines of examples as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if "\n" in text else super()._fill_text(text, width, indent)


def meant(typed: str, names: Iterable[str]) -> str:
    """Return "; did you mean …?" where a name is close to what was typed, else nothing."""
    from difflib import get_close_matches

    close = get_close_matches(typed.lower(), list(names), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""
