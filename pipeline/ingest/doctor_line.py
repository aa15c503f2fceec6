"""One line of the doctor, and how an error becomes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from pipeline.errors import TlsrptError, TryAgainError

if TYPE_CHECKING:
    from collections.abc import Callable

State = Literal["ok", "warn", "fail"]


class Check(NamedTuple):
    """One line of the doctor."""

    name: str
    state: State
    says: str
    """What was found, and, where something is wrong, what to do."""
    exit_code: int = 0


def guarded(name: str, attempt: Callable[[], str]) -> Check:
    """Return what an attempt says, or what the error means that it ends with."""
    try:
        return Check(name, "ok", attempt())
    except TlsrptError as err:
        return failed(name, err)


def failed(name: str, err: TlsrptError) -> Check:
    """Return what a check says that failed; an error that begins with the name of what was tried does not name it twice."""
    return Check(name, "warn" if isinstance(err, TryAgainError) else "fail", str(err).removeprefix(f"{name}: "), err.exit_code)
