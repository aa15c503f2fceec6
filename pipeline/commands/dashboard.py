"""`tlsrpt dashboard`: runs the page, on this machine only unless told otherwise."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from pipeline.cli import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--address", metavar="ADDR", help="where to listen (default: the configuration, else 127.0.0.1)")
    parser.add_argument("--port", metavar="P", type=int, help="port (default: the configuration, else 8501)")
    parser.add_argument(
        "--without-sign-in", action="store_true", help="listen on other addresses without sign-in: only behind a proxy that authenticates"
    )


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.dashboard_flags import command_line, environment
    from pipeline.entry_rules import refuse_doubtful_claim, refuse_open_door
    from pipeline.extras import require
    from pipeline.lake.storage.locate import configured_location
    from pipeline.lake.storage.near import refuse_missing

    require("dashboard", "the page")
    settings = context.settings
    address = args.address or settings.dashboard.address
    port = args.port or settings.dashboard.port
    beyond = not _is_loopback(address) and not args.without_sign_in
    if beyond:
        refuse_open_door(address, settings.dashboard.allow or [entry for group in settings.group for entry in group.members])
    refuse_doubtful_claim(settings.dashboard.verified_claim)
    refuse_missing(configured_location(settings.lake))
    command = command_line(address, port, settings.dashboard.hosts)
    named = environment(context.config, settings.lake.path, sign_in=beyond)
    leave_closed_folder()
    sys.stdout.flush()
    # The page takes the place of this process: a signal meets it, and nothing is left when it ends.
    os.execve(command[0], command, named)  # noqa: S606 -- our own interpreter


def leave_closed_folder() -> None:
    """Leave a folder that this user may not look into, as `su` keeps that of root: Streamlit looks there, and ends in a traceback."""
    if not os.access(".", os.X_OK):
        os.chdir("/")


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
