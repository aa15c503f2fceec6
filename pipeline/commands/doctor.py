"""`tlsrpt doctor`: tries everything a run needs, one line each, with what to do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline.output.safe_text import escape

if TYPE_CHECKING:
    import argparse

    from pipeline.cli import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sign-in", metavar="NAME", help="sign in to this mailbox once in a browser (device code or installed app), then end"
    )
    parser.add_argument("--format", choices=("table", "json"), default="table", help="how to print the checks")


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline import log
    from pipeline.config import find_config

    settings = context.settings
    log.set_up(layout=settings.log.format, level=settings.log.level)
    if args.sign_in:
        from pipeline.ingest.run import wanted_mailboxes
        from pipeline.mailbox.oauth import sign_in_interactively

        sign_in_interactively(wanted_mailboxes(settings, [args.sign_in])[0], say=lambda text: print(text, flush=True))
        return 0
    from pipeline.ingest.doctor import Check, examine

    checks: list[Check] = []
    for check in examine(settings, find_config(context.config)):
        checks.append(check)
        if args.format == "table":
            line = f"{check.state:<5} {check.name}: {check.says}"
            print(escape(line), flush=True)
    if args.format == "json":
        import json

        json.dump([{"check": each.name, "state": each.state, "says": each.says} for each in checks], sys.stdout)
        print()
    return 1 if any(check.state == "fail" for check in checks) else 0
