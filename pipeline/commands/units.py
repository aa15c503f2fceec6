"""`tlsrpt units`: systemd units, or a crontab, for this installation."""

from __future__ import annotations

import getpass
import re
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError, InputError, UsageError
from pipeline.extras import require
from pipeline.output import note, prose

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pipeline.cli import Context
    from pipeline.config import Settings
    from pipeline.deploy.units import Installation

SYSTEM = "/etc/systemd/system"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cron", action="store_true", help="a crontab instead of systemd units")
    parser.add_argument("--user", metavar="NAME", help="user to run as (default: the current user)")
    parser.add_argument("--install", metavar="DIR", nargs="?", const=SYSTEM, help="write the units there, instead of printing them")


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.deploy.units import crontab, systemd_units

    installation = _installation(args.user or getpass.getuser(), context)
    if args.cron:
        if args.install:
            raise UsageError("--install writes systemd units; feed a crontab to crontab(1)")
        sys.stdout.write(crontab(installation))
        return 0
    units = systemd_units(installation)
    if args.install in {None, SYSTEM}:
        for sentence in _stands_in_the_way(installation):
            note(sentence)
    if args.install is None:
        sys.stdout.write("\n".join(f"# {unit.name}\n{unit.text}" for unit in units))
        return 0
    folder = Path(args.install)
    try:
        for unit in units:
            (folder / unit.name).write_text(unit.text, encoding="utf-8")
    except OSError as err:
        raise InputError(f"units cannot be written to {folder}: {err.strerror}; run it as root, or name a folder of yours") from err
    wanted = " ".join(unit.name for unit in units if "\n[Install]\n" in unit.text)
    prose(f"Wrote {len(units)} units to {folder}. Now:\n  $ systemctl daemon-reload && systemctl enable --now {wanted}\n")
    return 0


def _installation(user: str, context: Context) -> Installation:
    """Return what is particular about this machine.

    Raises:
        UsageError: A path holds what neither systemd nor cron takes, or the user's name is none.
    """
    from pipeline.deploy.units import Installation
    from pipeline.settings.config_file import find_config

    settings = context.settings
    config = find_config(context.config)
    installation = Installation(
        program(),
        str(config.resolve()) if config is not None else None,
        user,
        _written(settings),
        _read(settings),
        mailboxes=bool(settings.polled or settings.receive.spool),
        channels=bool(settings.notify.channel),
        digest=any("digest" in channel.tags for channel in settings.notify.channel),
        domains=bool(settings.domains.own),
        receives=settings.receive.port if settings.receive.spool and _has("receive") else None,
        shows=_has("dashboard"),
    )
    for path in (installation.program, installation.config or "", *installation.writable):
        if not path.isprintable() or set(path) & set(" \"'\\"):
            raise UsageError(f"{path[:120]!r} contains a space or quote, which units and crontabs cannot hold; move it")
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*", user):
        raise UsageError(f"{user[:120]!r} is not the name of a user")
    return installation


def program() -> str:
    """Return the absolute path of `tlsrpt` as this installation has it."""
    beside = Path(sysconfig.get_path("scripts")) / "tlsrpt"
    return str(beside) if beside.exists() else shutil.which("tlsrpt") or str(beside)


def _written(settings: Settings) -> tuple[str, ...]:
    """Return the folders the program writes to, as far as they are on this machine."""
    folders = [] if "://" in settings.lake.path else [str(Path(settings.lake.path).resolve())]
    folders += [str(Path(settings.receive.spool).resolve())] if settings.receive.spool else []
    folders += [str(Path(channel.path).resolve().parent) for channel in settings.notify.channel if channel.kind == "lines"]
    folders += [str(Path(box.oauth2.cache_file).resolve().parent) for box in settings.mailbox if box.oauth2 and box.oauth2.cache_file]
    return tuple(dict.fromkeys(folders))


def _read(settings: Settings) -> tuple[str, ...]:
    """Return what else the program reads: the Python it runs on, and the files that settings name."""
    files: list[str] = []

    def look(table: dict[str, Any]) -> None:
        for name, value in table.items():
            if name.endswith("_file") and value:
                files.append(str(Path(value).resolve()))
            for inner in value if isinstance(value, list | tuple) else (value,):
                if isinstance(inner, dict):
                    look(inner)

    look(settings.model_dump())
    return tuple(dict.fromkeys((sys.prefix, sys.base_prefix, *files)))


def _has(extra: str) -> bool:
    try:
        require(extra, extra)
    except ConfigError:
        return False
    return True


def _stands_in_the_way(installation: Installation) -> Iterator[str]:
    """Yield why the units would not run on this machine, as far as that can be seen."""
    from pipeline.deploy.service_user import user_of

    if installation.user == "root":
        yield "these run as root, which nothing here needs; name an ordinary user with --user"
        return
    try:
        user = user_of(installation.user)
    except UsageError as err:
        yield str(err)
        return
    if not user.can_run(installation.program):
        why = "a folder above it, or above its Python, is closed; install it somewhere open, like /opt"
        yield f"user {user.name} cannot run {installation.program}: {why}"
    for folder in installation.writable:
        if not Path(folder).exists():
            yield f"{folder} is not there, and a unit makes no folder: install -d -o {user.name} -m 750 {folder}"
