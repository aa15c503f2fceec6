"""`tlsrpt doctor`: tries everything a run needs, one line each, with what to do."""

from __future__ import annotations

import shutil
import sys
from itertools import chain
from typing import TYPE_CHECKING

from pipeline.output.layout import folded
from pipeline.output.safe_text import escape

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pipeline.cli import Context
    from pipeline.config import Settings
    from pipeline.ingest.doctor_line import Check


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sign-in", metavar="NAME", help="sign in to this mailbox once in a browser (device code or installed app), then end"
    )
    parser.add_argument("--format", choices=("table", "json"), default="table", help="how to print the checks")


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline import log
    from pipeline.settings.config_file import find_config

    settings = context.settings
    log.set_up(layout=settings.log.format, level=settings.log.level)
    if args.sign_in:
        from pipeline.ingest.run import wanted_mailboxes
        from pipeline.mailbox.oauth import sign_in_interactively

        sign_in_interactively(
            wanted_mailboxes(settings, [args.sign_in], kinds=("imap", "graph"))[0], say=lambda text: print(text, flush=True)
        )
        return 0
    from pipeline.ingest.doctor import examine

    checks: list[Check] = []
    for check in chain(examine(settings, find_config(context.config)), _channels(settings), _machine()):
        checks.append(check)
        if args.format == "table":
            print(_line(check), flush=True)
    if args.format == "json":
        import json

        json.dump([{"check": each.name, "state": each.state, "says": each.says} for each in checks], sys.stdout)
        print()
    return 1 if any(check.state == "fail" for check in checks) else 0


def _line(check: Check) -> str:
    """Return a check as a line, on a terminal folded between words below its own beginning."""
    head, said = f"{check.state:<5} ", escape(f"{check.name}: {check.says}")
    if not sys.stdout.isatty():
        return head + said
    return head + folded(said, shutil.get_terminal_size().columns - len(head)).replace("\n", f"\n{' ' * len(head)}")


def _machine() -> Iterator[Check]:
    """What is installed here: what is asked first when something does not work, and the units, as far as they are ours."""
    import platform
    from importlib.metadata import version

    from pipeline import __version__
    from pipeline.commands.units import program
    from pipeline.deploy.installed_units import findings
    from pipeline.ingest.doctor_line import Check

    libraries = ", ".join(f"{name} {version(name)}" for name in ("deltalake", "duckdb", "pyarrow"))
    yield Check("versions", "ok", f"tlsrpt {__version__}, Python {platform.python_version()}, {libraries}")
    for found in findings(program()):
        yield Check("units", found.state, found.says, int(found.state == "fail"))


def _channels(settings: Settings) -> Iterator[Check]:
    """Whether what is to be told gets out; nothing is sent for it."""
    from pipeline.errors import TlsrptError
    from pipeline.ingest.doctor_line import Check
    from pipeline.lake.storage.locate import configured_location
    from pipeline.notify.kept_notes import channel_states

    location = configured_location(settings.lake)
    try:
        states = channel_states(location, settings.notify) if location.exists() else []
    except TlsrptError as err:
        yield Check("channels", "fail", str(err), err.exit_code)
        return
    for each in states:
        said = each.sentence()
        if each.failing_since:
            yield Check(f"channel {each.channel}", "fail", f"{said}; tlsrpt notify --test {each.channel} tries it", 1)
        elif not each.configured:
            yield Check(f"channel {each.channel}", "warn", f"is not configured any more, and has {said}")
        else:
            yield Check(f"channel {each.channel}", "ok", said)
