"""The command line: parses, dispatches to one module of `pipeline.commands`, and turns every error into a sentence and an exit code.

Each command is a module, imported only when it is the one that runs, so that `tlsrpt --help` costs next to nothing.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import os
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal, Protocol, cast

from pipeline import __version__
from pipeline.errors import LakeError, TlsrptError, TryAgainError
from pipeline.usage import EXAMPLES, Parser

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.config import Settings


@atexit.register
def _leave_all() -> None:
    """Let what is left at the end go with the process: looking for circles in all of it is a twentieth of what a short command takes."""
    if "duckdb" not in sys.modules:  # which complains of what is left
        gc.freeze()


COMMANDS: dict[str, str] = {
    "ingest": "fetch new reports from the configured mailboxes, or read them from files",
    "backfill": "read whole archives: millions of files, on all cores or on a cluster",
    "pipe": "take one mail on standard input from a mail server, and keep it until ingest runs",
    "receive": "take reports over HTTPS, and keep them until ingest runs",
    "status": "what is in the lake, when mail was last read, what was rejected or not authenticated",
    "sql": "run one SELECT over the views of the lake",
    "questions": "list the named questions, or run one",
    "schema": "the tables and views, column by column",
    "rejects": "what could not be read, why, and its bytes",
    "incidents": "what fails, since when, for whom, why, and what to do",
    "readiness": "whether a domain is ready to go from testing to enforce",
    "coverage": "who reports, how often, and who has stopped",
    "report": "a report on one domain, to mail or print",
    "export": "export part of the lake as one file",
    "check": "check live what your domains publish: records, policy, mail servers, TLSA",
    "plan": "plan a change of what you publish, step by step, with the earliest safe date of each step",
    "policy": "write the policy file and TXT records for a change, if it is safe",
    "notify": "send the configured channels what is new, worse or resolved",
    "digest": "the last week or month as a mail: what began, ended or continues, and who reports",
    "audit": "who signed in, was refused, exported, muted, or looked at mails, where there are groups",
    "metrics": "current state as a text file for Prometheus",
    "mute": "mute notices about a known fault or host, or list what is muted",
    "unmute": "end a mute",
    "rebuild": "parse all stored mail again with this version",
    "maintain": "compact, sort, clean up, apply retention; keep what speeds up questions",
    "backup": "write the lake to one file, while no other command writes",
    "restore": "create a lake from a backup",
    "export-raw": "write the bytes of one message as received",
    "dashboard": "start the dashboard",
    "units": "systemd units or a crontab for this installation",
    "demo": "the whole pipeline on synthetic mail",
    "init": "write the first configuration, then check it",
    "doctor": "check configuration, mailboxes, lake and DNS",
    "completion": "a script by which your shell completes commands and options",
}
"""The commands and what each does; the module is `pipeline.commands.<name with _ for ->`."""


_FOR_GROUPS = frozenset({"questions", "incidents", "readiness", "coverage", "report", "export", "digest"})
"""Commands that can answer as the readers of a group; the others are the operator's."""

_WITHOUT_ARROW = frozenset({"completion", "dashboard", "demo", "doctor", "init", "pipe", "receive"})
"""Commands that do not import pyarrow in this process, or not always."""


class Command(Protocol):
    """What a module of `pipeline.commands` provides."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments of the command."""

    def run(self, args: argparse.Namespace, context: Context) -> int:
        """Do it, and return the exit code."""


@dataclass(slots=True)
class Context:
    """What every command gets: the settings, read when they are first asked for."""

    config: str | None = None
    lake: str | None = None
    groups: Sequence[str] = ()
    _settings: Settings | None = None

    @property
    def settings(self) -> Settings:
        """The settings, from file, environment and command line; with `--group` those of its readers.

        Raises:
            ConfigError: They are wrong.
            UsageError: There is no such group.
        """
        if self._settings is None:
            from pipeline.config import load_settings

            settings = load_settings(self.config, lake=self.lake)
            _readable_by(settings.lake.readable_by)
            self._settings = settings.for_groups(*self.groups) if self.groups else settings
        return self._settings


def _module(name: str) -> Command:
    return cast("Command", import_module(f"pipeline.commands.{name.replace('-', '_')}"))


_WITH_VALUE = ("--config", "--lake")
"""Options before the command that take the next word, which may be called like a command."""


def command_in(arguments: Sequence[str]) -> str | None:
    """Return the command that these words run, or None: the first word that is neither an option nor the value of one."""
    words = iter(arguments)
    for word in words:
        if not word.startswith("-"):
            return word if word in COMMANDS else None
        # argparse takes an unambiguous beginning for the whole option
        if len(word) > 2 and any(option.startswith(word) for option in _WITH_VALUE):
            next(words, None)
    return None


def build_parser(only: str | None = None) -> Parser:
    """Build the parser; with `only`, the arguments of that command alone are declared (the others are named, not imported)."""
    about = "Read SMTP TLS reports (RFC 8460) into a lake, and answer questions on it."
    parser = Parser(prog="tlsrpt", description=about, examples=("tlsrpt init", "tlsrpt COMMAND --help"))
    parser.add_argument("--version", action="version", version=f"tlsrpt {__version__}")
    parser.add_argument("--config", metavar="FILE", help="configuration file (default: TLSRPT_CONFIG, ./tlsrpt.toml, ~/.config, /etc)")
    parser.add_argument("--lake", metavar="DIR|s3://…", help="the lake; overrides the configuration")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".", examples=EXAMPLES.get(name, ()))
        if only in (name, "*"):
            _module(name).add_arguments(command)
            if name in _FOR_GROUPS:
                command.add_argument(
                    "--group", action="append", default=[], metavar="NAME", help="as the readers of this [[group]]: its domains alone"
                )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if command_in(arguments) != "pipe":
        return _main(arguments)
    # A mail server bounces what ends with any other code; whatever is wrong here will be mended, and the mail is tried again.
    try:
        return TryAgainError.exit_code if _main(arguments) else 0
    except SystemExit as err:
        return TryAgainError.exit_code if err.code else 0
    except Exception as err:  # noqa: BLE001
        _say(str(err))
        return TryAgainError.exit_code


def _main(arguments: Sequence[str]) -> int:
    # Modules and rows stay, and make few circles: looking for some at every 700 new objects is a twentieth of what a short command takes.
    gc.set_threshold(50_000)
    # No Python that we or a library of ours start imports from the folder we were called in: a click.py there would be run.
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        args = build_parser(command_in(arguments)).parse_args(arguments)
        if args.command not in _WITHOUT_ARROW:
            # Arrow's own allocator keeps what it is given back: with it an ingest takes 50 to 100 MiB, and a twentieth of its time, more.
            os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
            # Nothing here multiplies matrices: threads and buffers for it are a fourth of what it takes to import numpy.
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
            from pipeline.tables.lazy_pandas import spare_pandas

            spare_pandas()
        with _kept_private():
            return _module(args.command).run(args, Context(config=args.config, lake=args.lake, groups=vars(args).get("group", ())))
    except TlsrptError as err:
        _say(str(err))
        return err.exit_code
    except BrokenPipeError:
        # The reader of our output went away (`| head`): no mistake of anybody's.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except (KeyboardInterrupt, RuntimeError) as err:
        # DuckDB turns Ctrl-C into an error of its own while it works.
        if isinstance(err, RuntimeError) and str(err) != "Query interrupted":
            raise
        _say("interrupted; committed work is kept, and the next run continues from there")
        return 128 + signal.SIGINT
    except MemoryError:
        _say("out of memory; add memory, or lower [limits]")
        return 71
    except OSError as err:
        _say(f"{err.strerror or err}{f': {err.filename}' if err.filename else ''}")
        return LakeError.exit_code


Readers = Literal["owner", "group", "everybody"]

_MASKS: dict[Readers, int] = {"owner": 0o077, "group": 0o027, "everybody": 0o022}
_callers = [0o077]
"""The mask we were called with, while a command runs.

The mask of the process says who of this machine may read what is written, because the Delta library, Parquet and temporary files all go by
it and not by us. Bits that whoever called us has taken away stay away.
"""


@contextmanager
def _kept_private() -> Iterator[None]:
    """Write for owner and group alone, until `_readable_by` says otherwise."""
    _callers.append(os.umask(0o077))
    _readable_by("group")
    try:
        yield
    finally:
        os.umask(_callers.pop())


def _readable_by(readers: Readers) -> None:
    """Let these read what is written from here on; outside a command nothing is changed."""
    if len(_callers) > 1:
        os.umask(_callers[-1] | _MASKS[readers])


def _say(sentence: str) -> None:
    try:
        from pipeline.output import note
    except Exception:  # noqa: BLE001 -- an installation that is being replaced: a mail server would bounce what ends in a stack
        sys.stderr.write(f"tlsrpt: {sentence}\n")
    else:
        note(sentence)


if __name__ == "__main__":
    sys.exit(main())
