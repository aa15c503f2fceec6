"""`tlsrpt demo`: the whole way on synthetic mail – a mailbox, an ingest over IMAP with DKIM checked, the page."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from pipeline.cli import Context
    from pipeline.demo.demo_folder import DemoFolder

_PAGE_SECONDS = 60.0
"""How long the page may take to come up."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dir", metavar="DIR", type=Path, help="folder of the demo (default: data/demo in a checkout, else in the cache)")
    parser.add_argument("--world", metavar="FILE", type=Path, help="your own world, in TOML (default: the built-in one)")
    parser.add_argument("--days", metavar="N", type=int, help="length of the world in days, at its first start")
    parser.add_argument("--no-dashboard", action="store_true", help="ingest only; do not start the dashboard")
    parser.add_argument(
        "--port", metavar="P", type=int, default=8501, help="port of the dashboard; another free one if it is in use (default: 8501)"
    )
    parser.add_argument(
        "--exit-after", metavar="SECONDS", type=float, help="stop the dashboard after this many seconds instead of on Ctrl-C"
    )


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.demo.children import signals_handled
    from pipeline.demo.demo_folder import default_folder, prepare, yesterday
    from pipeline.errors import UsageError
    from pipeline.extras import require

    if context.config or context.lake:
        raise UsageError("demo uses its own configuration and lake; leave out --config and --lake, and choose its folder with --dir")
    if args.days is not None and not 1 <= args.days <= 1000:
        raise UsageError("--days is a number from 1 to 1000")
    require("demo", "the demo's mailbox")
    if not args.no_dashboard:
        require("dashboard", "the page (--no-dashboard leaves it out)")
    folder = (args.dir or default_folder()).absolute()
    stage = prepare(folder, world_file=args.world, days=args.days, today=yesterday(_now()))
    # A closed terminal and a polite kill end the demo as Ctrl-C does: its children are in a session of their own.
    with signals_handled((signal.SIGTERM, signal.SIGHUP), _interrupt):
        return _play(stage, args)


def _play(stage: DemoFolder, args: argparse.Namespace) -> int:
    from pipeline.demo.children import free_port

    port = free_port(args.port)
    code = _ingest(stage, port)
    if code:
        return code
    if args.no_dashboard:
        _say(f"Ask it: tlsrpt --config {stage.settings_file} status")
        return 0
    return _page(stage, port, args.exit_after)


def _ingest(stage: DemoFolder, dashboard_port: int) -> int:
    """Offer the mailbox and the senders' keys, and poll them as cron would."""
    from pipeline.demo.children import tlsrpt
    from pipeline.demo.dns_server import serve_keys
    from pipeline.demo.imap_server import serve_mailbox
    from pipeline.demo.mail import RUA

    began = time.monotonic()
    spec = stage.world.spec
    again = "" if stage.first_start else " (as before, and what has come since)"
    _say(f"World: {len(spec.domains)} domains, {len(spec.reporters)} reporters, {spec.first_day} to {spec.last_day}{again}")
    mails = stage.mails(_now())
    password = stage.password_file.read_text(encoding="utf-8")
    with (
        serve_keys(stage.world.keys) as dns,
        serve_mailbox(mails, RUA, password, folder=stage.folder / "tls", uidvalidity=stage.uidvalidity) as mailbox,
    ):
        _say(f"Mailbox: {len(mails)} mails, IMAP on {mailbox.host}:{mailbox.port}; DKIM keys: DNS on {dns.address}")
        stage.write_settings(mailbox, dns.address, dashboard_port)
        with tlsrpt(stage.settings_file, "ingest", "--format", "table") as child:
            code = child.wait()
    if not code:
        _say(f"Ingested {time.monotonic() - began:.0f} s after the start; the lake is {stage.folder / 'lake'}")
    return code


def _page(stage: DemoFolder, port: int, seconds: float | None) -> int:
    """Run the page until Ctrl-C, or for so long."""
    from pipeline.demo.children import answers, tlsrpt
    from pipeline.errors import TryAgainError

    address = f"http://127.0.0.1:{port}"
    with tlsrpt(stage.settings_file, "dashboard") as child:
        try:
            if not answers(f"{address}/_stcore/health", child, _PAGE_SECONDS):
                raise TryAgainError(f"the dashboard did not start on {address}; see what it printed above")
            _say(f"The dashboard is at {address} – Ctrl-C ends it")
            with suppress(subprocess.TimeoutExpired):
                return child.wait(seconds)  # it ended by itself: what it said is above
        except KeyboardInterrupt:
            _say("")
    _say("Stopped. Run the same command to continue.")
    return 0


def _interrupt(_number: int, _frame: object) -> NoReturn:
    """End as on Ctrl-C."""
    raise KeyboardInterrupt


def _say(sentence: str) -> None:
    print(sentence, file=sys.stdout, flush=True)


def _now() -> datetime:
    return datetime.now(UTC)
