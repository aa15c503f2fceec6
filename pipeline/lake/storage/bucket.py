"""The kind of storage that is a bucket with the S3 API: its lock is a lease, its files are written where they stay."""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.errors import ConfigError, LakeError, SignInError, TlsrptError, TryAgainError, UnreachableError
from pipeline.lake.storage.folder import DONE
from pipeline.lake.storage.location import Location

try:
    from pipeline.lake.storage.objects import ObjectStore
except ModuleNotFoundError as err:  # pragma: no cover -- the package is a dependency; somebody took it away
    raise ConfigError(f"a lake in a bucket needs the package {err.name}; install it beside this program") from err

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyarrow.fs import FileSystem

    from pipeline.lake.storage.location import HeldLock
    from pipeline.lake.storage.ranges import RangeFiles
    from pipeline.lake.storage.s3 import Access

_ADDRESS = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<prefix>[^?#*\\\x00-\x1f\x7f]+?)/*")


class _Failure(NamedTuple):
    """A kind of failure: how the libraries speak of it, and how we do. Told apart in this order."""

    marks: tuple[str, ...]
    error: type[TlsrptError]
    sentence: str
    """With {what}, {bucket}, {host} and {verb}."""


_FAILURES = (
    _Failure(
        ("Concurrent transaction failed",),
        TryAgainError,
        "another run has taken over {what}; the next run commits the rest",
    ),
    _Failure(
        ("NoSuchBucket",),
        ConfigError,
        "there is no bucket {bucket} at {host}; create it, or name another",
    ),
    _Failure(
        ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "401 Unauthorized"),
        SignInError,
        "{host} does not allow this program to {verb} {what}; check the keys (AWS_ACCESS_KEY_ID, or AWS_PROFILE), and that they may "
        "list, get, put and delete there",
    ),
    _Failure(
        ("169.254.169.254", "CredentialsNotLoaded", "no providers in chain"),
        SignInError,
        "there are no keys for {what}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    ),
    _Failure(
        ("SlowDown", "503 Service", "429 Too Many", "timed out", "RequestTimeout", "ServiceUnavailable"),
        TryAgainError,
        "{host} does not answer in time for {what}; try again later",
    ),
    _Failure(
        ("error sending request", "HTTP error", "dns error", "onnection refused", "certificate", "tcp connect"),
        UnreachableError,
        "{host} cannot be reached for {what}; check AWS_ENDPOINT_URL, AWS_REGION and the network",
    ),
)
_VERB = {"read": "read", "write": "write to", "create": "create"}


class BucketLocation(Location):
    """A prefix in a bucket."""

    far = True

    store: ObjectStore

    def __init__(self, address: str, wait_seconds: float) -> None:
        """Take s3://bucket/prefix.

        Raises:
            ConfigError: It is no such address. A prefix is needed: a bucket is seldom one program's alone.
        """
        match = _ADDRESS.fullmatch(address)
        if match is None or any(part in {"", ".", ".."} for part in match["prefix"].split("/")):
            raise ConfigError(f"the lake {address} is not an address like s3://bucket/prefix")
        self._bucket, self._prefix = match["bucket"], match["prefix"]
        super().__init__(f"s3://{self._bucket}/{self._prefix}", ObjectStore(self._bucket, self._prefix), wait_seconds)

    @property
    def storage_options(self) -> dict[str, str] | None:
        """What `deltalake` needs beside the address."""
        return self.store.access.delta_options()

    @cached_property
    def filesystem(self) -> FileSystem:
        """The file system for pyarrow: reading only."""
        from pyarrow.fs import FSSpecHandler, PyFileSystem

        from pipeline.lake.storage.ranges import RangeFiles

        handler: Any = FSSpecHandler
        return PyFileSystem(handler(RangeFiles(self.store, "")))

    def readable(self) -> RangeFiles:
        """Return how DuckDB reads files of the lake by their addresses."""
        from pipeline.lake.storage.ranges import RangeFiles

        return RangeFiles(self.store, f"{self.uri}/")

    def exists(self) -> bool:
        """Say whether there is anything below the prefix."""
        with self.errors("read"):
            return self.store.any()

    def create(self) -> None:
        """Nothing to do: a prefix is there with its first object, and a bucket is its owner's to make."""

    @contextmanager
    def lock(self, folder: str, wait_seconds: float) -> Iterator[HeldLock]:
        """Hold the lease of the lake (""), or of a folder of small notes inside it.

        Raises:
            TryAgainError: Another run still holds it after this time.
        """
        from pipeline.lake.storage.lease import lease

        with lease(self.store, folder, self.uri, wait_seconds=wait_seconds) as held:
            yield held

    @contextmanager
    def errors(self, what: str) -> Iterator[None]:
        """Turn whatever storage, Delta or Arrow say into one sentence; see `Location.errors`."""
        from deltalake.exceptions import DeltaError, TableNotFoundError
        from obstore.exceptions import BaseError
        from pyarrow import ArrowException

        try:
            yield
        except TlsrptError:
            raise
        except (OSError, BaseError, DeltaError, TableNotFoundError, ArrowException) as err:
            # obstore shows, after the sentence, its whole settings: words such as "timeout" are in them.
            raise self._told(what, str(err).partition("\n\nDebug source")[0]) from err

    def _told(self, what: str, said: str) -> TlsrptError:
        """Return what a failure is, from what the libraries say of it."""
        told = failure_of(said, f"the lake {self.uri}", self._bucket, self.store.access, _VERB[what])
        reason = said.strip().splitlines()[0][:300] if said.strip() else "no reason was given"
        return told or LakeError(f"the lake {self.uri} cannot be {DONE[what]}: {reason}")


def failure_of(said: str, what: str, bucket: str, access: Access, verb: str) -> TlsrptError | None:
    """Return the failure that the words of a library mean, as one sentence; None where they are of no kind that is known here.

    Args:
        said: What the library says.
        what: What was being got at, for the sentence: the lake s3://bucket/prefix.
        bucket: Its name, for the sentence.
        access: How it was got at.
        verb: What was being done to it.
    """
    words = {"what": what, "bucket": bucket, "host": access.endpoint or f"Amazon S3 in {access.region}", "verb": verb}
    for marks, error, sentence in _FAILURES:
        if any(mark in said for mark in marks):
            return error(sentence.format_map(words))
    return None
