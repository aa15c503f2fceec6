"""`tlsrpt init`: writes the first configuration from options or answers, never over one that is there, and has `doctor` try it."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError, InputError, UsageError
from pipeline.output import note, prose

if TYPE_CHECKING:
    import argparse

    from pipeline.cli import Context
    from pipeline.deploy.configuration import InitAnswers
    from pipeline.deploy.service_user import ServiceUser

_NAME = re.compile(r"[^\s\"'@/:,]+(\.[^\s\"'@/:,]+)+\.?")
"""A host or domain, as far as a slip of the keyboard can be told from one; also an address of IPv4."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", metavar="HOST", help="the IMAP server of the mailbox that the reports come to")
    parser.add_argument("--user", metavar="NAME", help="the name to sign in with there")
    parser.add_argument(
        "--password-file", metavar="FILE", help="the file that holds the password (asked for and written if it does not exist)"
    )
    parser.add_argument("--password-env", metavar="NAME", help="the environment variable that holds the password, instead of a file")
    parser.add_argument("--domain", metavar="DOMAIN", action="append", default=[], help="a domain of yours; once for each")
    parser.add_argument("--service-user", metavar="NAME", help="the system user that will run it: what is written is readable by it")
    parser.add_argument("--no-doctor", action="store_true", help="write the configuration without trying it")


def run(args: argparse.Namespace, context: Context) -> int:
    from pipeline.deploy.configuration import configuration
    from pipeline.deploy.service_user import service_user

    runs_it = service_user(args.service_user) if args.service_user else None
    path = _path(context.config)
    if path.exists():
        raise UsageError(f"{path} exists and is left as it is; edit it, or name another file: tlsrpt --config FILE init")
    secret = "" if args.password_env else str(Path(args.password_file or path.parent / "rua").expanduser().absolute())
    answers = _answers(args, _lake(context.lake), secret)
    password = _password(Path(secret)) if secret else None
    try:
        _folder(path.parent, runs_it)
        if password is not None:
            _folder(Path(secret).parent, runs_it)
            _write(Path(secret), f"{password}\n", runs_it)
        if runs_it is not None and "://" not in answers.lake:
            _folder(Path(answers.lake), runs_it, its_own=True)
        _write(path, configuration(answers), runs_it)
    except OSError as err:
        raise InputError(
            f"{err.filename or path} cannot be written: {err.strerror}; run it as root, or name a file of yours with --config"
        ) from err
    prose(f"Wrote {path}{f' and {secret}' if password is not None else ''}.\n")
    sys.stdout.flush()
    code = 0 if args.no_doctor else _try(path, runs_it)
    prose(f"{_next_step(path, answers, runs_it, code)}\n")
    return code


def _path(named: str | None) -> Path:
    """Where the configuration goes: where it was named, else where the program looks for it."""
    named = named or os.environ.get("TLSRPT_CONFIG")
    if named:
        return Path(named).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/etc/tlsrpt/tlsrpt.toml")
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "tlsrpt" / "tlsrpt.toml"


def _lake(named: str | None) -> str:
    if named:
        return named if "://" in named else str(Path(named).expanduser().absolute())
    if os.geteuid() == 0:
        return "/var/lib/tlsrpt/lake"
    return str(Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "tlsrpt" / "lake")


def _answers(args: argparse.Namespace, lake: str, secret: str) -> InitAnswers:
    """Return what is needed, asked for where no option says it.

    Raises:
        UsageError: Something is missing and nobody can be asked, or is no name.
    """
    from pipeline.deploy.configuration import InitAnswers
    from pipeline.report.names import valid_domain

    missing = [option for option, said in (("--host", args.host), ("--user", args.user), ("--domain", args.domain)) if not said]
    if missing and not sys.stdin.isatty():
        raise UsageError(f"init needs {', '.join(missing)}; without a terminal nobody can be asked")
    host = args.host or _asked("IMAP server that the reports come to (imap.example.org)")
    user = args.user or _asked(f"Name to sign in with at {host}")
    domains = args.domain or _asked("Your domains, all that publish a TLSRPT record (example.org example.net)").replace(",", " ").split()
    for each in (host, *domains):
        if each != "localhost" and not _NAME.fullmatch(each):
            raise UsageError(f"{each[:100]!r} is not the name of a host or domain")
    if odd := [each for each in domains if valid_domain(each) is None]:
        raise UsageError(f"{odd[0][:100]!r} is not the name of a domain")
    return InitAnswers(
        lake, host, user, secret, args.password_env or "", tuple(dict.fromkeys(name.rstrip(".").lower() for name in domains))
    )


def _asked(question: str) -> str:
    try:
        said = input(f"{question}: ").strip()
    except EOFError:
        said = ""
    if not said:
        raise UsageError("nothing answered; nothing was written")
    return said


def _password(file: Path) -> str | None:
    """Return the password to write, or None where the file is there already."""
    if file.is_dir():
        raise UsageError(f"{file} is a folder; name the file in it that holds the password")
    if file.exists():
        return None
    if not sys.stdin.isatty():
        raise UsageError(f"{file} does not exist; write the password into it first, or name a variable with --password-env")
    from getpass import getpass

    said = getpass(f"Password (goes into {file}, nowhere else): ")
    if not said:
        raise UsageError("no password given; nothing was written")
    return said


def _folder(folder: Path, runs_it: ServiceUser | None, *, its_own: bool = False) -> None:
    if folder.is_dir():
        return
    folder.mkdir(parents=True)
    if runs_it is not None:
        os.chown(folder, runs_it.uid if its_own else -1, runs_it.gid)
        folder.chmod(0o750)


def _write(path: Path, text: str, runs_it: ServiceUser | None) -> None:
    """Write a new file, readable by its owner and, where one is named, by the user that runs the program."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    if runs_it is not None:
        os.chown(path, -1, runs_it.gid)
        path.chmod(0o640)


def _try(path: Path, runs_it: ServiceUser | None) -> int:
    from pipeline.cli import main

    try:
        return main(["--config", str(path), "doctor"]) if runs_it is None else runs_it.call("--config", str(path), "doctor")
    except ConfigError as err:
        note(str(err))
        return err.exit_code


def _next_step(path: Path, answers: InitAnswers, runs_it: ServiceUser | None, code: int) -> str:
    from pipeline.deploy.configuration import TOKENS

    named = f"tlsrpt --config {shlex.quote(str(path))}"
    if code:
        provider = TOKENS.get(answers.host.lower())
        token = f"\n{answers.host} wants a token instead of a password: pipeline/docs/how-to/{provider}" if provider else ""
        return f"Fix what fails (the configuration is {path}), and try again:\n  $ {named} doctor{token}"
    as_it = f"su -s /bin/sh {runs_it.name} -c {shlex.quote(f'{named} ingest')}" if runs_it else f"{named} ingest"
    by_itself = f"{named} units --user {runs_it.name} --install" if runs_it else f"{named} units"
    prints = (
        "written by this (without --install it prints them; with --cron, a crontab)"
        if runs_it
        else "which this prints (with --cron, a crontab)"
    )
    return f"Next:\n  $ {as_it}\nThen every hour, by units of systemd, {prints}:\n  $ {by_itself}"
