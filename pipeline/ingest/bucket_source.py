"""A bucket as a live source: mails and report files below a prefix, as Amazon SES or a mail worker leaves them.

The lasting name of an object is its key and its ETag: what is written anew under an old key is new. An object is moved or deleted only
while it is still the one that was read.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import obstore

from pipeline.failpoint import reach
from pipeline.ingest.bucket_access import bucket_errors, delete_unchanged, open_bucket
from pipeline.mailbox.outcome_groups import outcome_group
from pipeline.mailbox.sniff import HEAD_BYTES, FileKind, kind_by_content, kind_by_name
from pipeline.message.fetched import Fetched, MessageRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from obstore.store import S3Store

    from pipeline.report.limits import Limits
    from pipeline.settings.mailbox_tables import SourceSettings

_AT_ONCE = 8
"""Requests that wait for the network at a time."""


class _Object(NamedTuple):
    key: str
    tag: str
    size: int
    modified_at: datetime


class BucketSource:
    """Reads a prefix of a bucket, and leaves, moves or deletes what the lake has."""

    def __init__(self, settings: SourceSettings, limits: Limits) -> None:
        """Name it; nothing is asked of the storage yet."""
        self.name = settings.name
        self.accounts = (settings.name,)
        self.promise = " ".join(filter(None, (settings.after, settings.move_to)))
        self._settings, self._limits = settings, limits
        self._objects: dict[str, _Object] = {}

    def names(self) -> Sequence[str]:
        """Return the names of all objects, oldest first; folders, and what was moved, are none.

        Raises:
            TlsrptError: The storage cannot be listed.
        """
        prefix, moved = self._settings.prefix, self._settings.move_to
        with self._errors():
            found = [
                _Object(each["path"], (each["e_tag"] or "").strip('"'), each["size"], each["last_modified"])
                for page in obstore.list(self._store, f"{prefix}/" if prefix else None)
                for each in page
                if not (moved and each["path"].startswith(f"{moved}/"))
            ]
        found.sort(key=lambda each: (each.modified_at, each.key))
        self._objects = {f"{each.key}#{each.tag}": each for each in found}
        return list(self._objects)

    def fetch(self, names: Sequence[str]) -> Iterator[Fetched]:
        """Read objects, some at a time; what has been replaced meanwhile is left out.

        Raises:
            TlsrptError: The storage fails.
        """
        reading: deque[Future[Fetched | None]] = deque()
        with self._errors(), ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="objects") as threads:
            try:
                for name in [*names, *[None] * _AT_ONCE]:
                    if name is not None:
                        reading.append(threads.submit(self._read, name))
                    if reading and (name is None or len(reading) > _AT_ONCE) and (fetched := reading.popleft().result()) is not None:
                        yield fetched
            finally:
                for each in reading:
                    each.cancel()

    def close(self) -> None:
        """Nothing is held open."""

    def treat(self, outcomes: Iterable[tuple[str, str]]) -> None:
        """Move or delete what the lake has; what could not be read, and what is none of ours, stays.

        Raises:
            TlsrptError: The storage refuses.
        """
        if self._settings.after == "keep":
            return
        done = [self._objects[name] for name, outcome in outcomes if outcome_group(outcome) == "processed"]
        with self._errors(), ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="objects") as threads:
            for _ in threads.map(self._put_away, done):
                pass

    def _read(self, name: str) -> Fetched | None:
        wanted = self._objects[name]
        content = None
        if wanted.size <= self._limits.message_bytes:
            try:
                found = obstore.get(self._store, wanted.key)
                if (found.meta["e_tag"] or "").strip('"') != wanted.tag:
                    return None
                content = bytes(found.bytes())
            except FileNotFoundError:
                return None
        kind = kind_by_name(wanted.key) or kind_by_content((content or b"")[:HEAD_BYTES])
        ref = MessageRef(self.name, self._settings.prefix, item=name)
        return Fetched(ref, content, wanted.modified_at, wanted.size, bare=kind is FileKind.BARE)

    def _put_away(self, done: _Object) -> None:
        try:
            if self._settings.after == "move":
                if (obstore.head(self._store, done.key)["e_tag"] or "").strip('"') != done.tag:
                    return
                obstore.copy(self._store, done.key, f"{self._settings.move_to}/{done.key.removeprefix(self._settings.prefix).lstrip('/')}")
                reach("object-copied")
            delete_unchanged(self._store, done.key, done.tag)
        except FileNotFoundError:
            return  # put away already

    @cached_property
    def _store(self) -> S3Store:
        return open_bucket(self._settings.path)[0]

    def _errors(self) -> AbstractContextManager[None]:
        return bucket_errors(self._settings.path, self.name)
