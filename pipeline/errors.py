"""The exceptions a caller may catch, as one tree, each with the exit code the command line ends with.

* TlsrptError
  + UsageError          the command line or an argument is wrong                        (2)
  + NotAReportError     a single named file is not a report                             (65)
  + SqlError            SQL does not parse, or cannot be run                            (65)
  + InputError          a path is missing or cannot be read                             (66)
  + UnreachableError    host unknown, refused, certificate not verified                 (69)
  + LakeError           the lake cannot be read or written; disk full                   (74)
  + TryAgainError       locked, throttled, timed out, cut: the next run may succeed     (75)
  + SignInError         the mailbox refused the sign-in                                 (77)
  + ConfigError         settings are wrong; retrying is pointless                       (78)

A report that cannot be read is never an exception: it is a value, `pipeline.report.model.Rejected`.
The message of each is one sentence for the user: what, where, what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from datetime import datetime


class TlsrptError(Exception):
    """Anything this program raises on purpose."""

    exit_code: ClassVar[int] = 1


class UsageError(TlsrptError):
    """The command line or an argument is wrong."""

    exit_code = 2


class NotAReportError(TlsrptError):
    """A single named file is not a report."""

    exit_code = 65


class SqlError(TlsrptError):
    """SQL does not parse, names what is not there, or fails on what it is given."""

    exit_code = 65


class InputError(TlsrptError):
    """A path, or the lake that is to be read, is missing or cannot be read."""

    exit_code = 66


class UnreachableError(TlsrptError):
    """A host is unknown, refuses, or shows a certificate that does not verify."""

    exit_code = 69


class LakeError(TlsrptError):
    """The lake cannot be read or written, or the disk is full."""

    exit_code = 74


class TryAgainError(TlsrptError):
    """Locked, throttled, timed out or cut: the next run may succeed."""

    exit_code = 75

    def __init__(self, message: str, *, not_before: datetime | None = None) -> None:
        super().__init__(message)
        self.not_before = not_before
        """When the server asked to be left alone until then (aware, UTC); None where it named no time."""


class SignInError(TlsrptError):
    """The mailbox refused the sign-in."""

    exit_code = 77


class ConfigError(TlsrptError):
    """Settings are wrong; retrying is pointless until they are changed."""

    exit_code = 78


def most_lasting(codes: list[int]) -> int:
    """Return the exit code of several failures: the one that a retry helps least.

    `75` (try again) loses against everything, `0` against all; an empty list is 0.
    """
    order = [0, 75, 74, 69, 66, 65, 77, 78]
    return max(codes, key=lambda code: order.index(code) if code in order else len(order), default=0)
