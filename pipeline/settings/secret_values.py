"""Secrets, from where the configuration says they are: a file, the environment, a command; never from the command line."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import SecretStr

    from pipeline.groups import GroupSettings

FEWEST_OF_A_TOKEN = 16
"""Characters; a shorter one is guessed."""


def token_of(where: str, file: str, variable: str) -> str | None:
    """Return a token by which a program signs in here, None where none is set.

    Args:
        where: Whose it is, for the sentence of an error.
        file: The file that holds it, or an empty text.
        variable: The environment variable that holds it, or an empty text.

    Raises:
        ConfigError: The file or variable does not give one, or it is short.
    """
    if not (file or variable):
        return None
    token = reveal(where, "token", None, file=file, variable=variable, command=())
    if len(token) < FEWEST_OF_A_TOKEN:
        raise ConfigError(f"{where}: the token has fewer than {FEWEST_OF_A_TOKEN} characters; make one with: openssl rand -hex 24")
    return token


def reveal(where: str, what: str, value: SecretStr | None, *, file: str, variable: str, command: tuple[str, ...]) -> str:
    """Return a secret from where the configuration says it is.

    Args:
        where: Whose secret it is, for the sentence of an error.
        what: The setting's name, to which `_file`, `_env` and `_command` are added.
        value: The secret itself, where it stands in the configuration.
        file: The file that holds it, or an empty text.
        variable: The environment variable that holds it, or an empty text.
        command: The command that prints it, or nothing.

    Raises:
        ConfigError: No source is set, or the file, variable or command does not give one.
    """
    if value is not None:
        return value.get_secret_value()
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as err:
            raise ConfigError(f"{where}: {what}_file {file} cannot be read: {reason_of(err)}") from err
    if variable:
        if variable not in os.environ:
            raise ConfigError(f"{where}: environment variable {variable} ({what}_env) is not set")
        return os.environ[variable]
    if command:
        return output_of(command, f"{where}: {what}_command")
    others = " or oauth2" if what == "password" else ""
    raise ConfigError(f"{where}: no {what}; set {what}_file, {what}_env{',' if others else ' or'} {what}_command{others}")


def output_of(command: tuple[str, ...], where: str) -> str:
    """Return the first line a secret command prints; what it says on stderr is never shown, it may hold the secret.

    Raises:
        ConfigError: The command cannot be run, takes more than a minute, fails or prints nothing.
    """
    try:
        done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as err:
        raise ConfigError(f"{where} {command[0]} could not be run: {reason_of(err)}") from err
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    if done.returncode != 0 or not lines:
        raise ConfigError(f"{where} {command[0]} ended with {done.returncode} and {len(lines)} lines; one line with the secret is expected")
    return lines[0]


def group_token(group: GroupSettings) -> str | None:
    """Return the token by which a program reads as a group, None where none is set.

    Raises:
        ConfigError: The file or variable does not give one, or it is short.
    """
    return token_of(f"group {group.name}", group.token_file, group.token_env)


def reason_of(err: Exception) -> str:
    """Return why something could not be read, in the system's words where it has some."""
    return err.strerror if isinstance(err, OSError) and err.strerror else str(err)
