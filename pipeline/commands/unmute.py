"""`tlsrpt unmute`: end a mute."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from pipeline.cli import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="ID|HOST", help="the incident or MX host that was muted; `tlsrpt mute` lists them")


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.commands.mute import remove

    return remove(args.what, context.settings)
