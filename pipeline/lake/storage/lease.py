"""One writer per lake in a bucket: a lease, an object that is written only with conditional puts.

A holder writes it anew every few seconds. One that has not been written for `LEASE_SECONDS`, by the clock of the storage, may be taken
over: its holder is dead, or as good as. Whether it is dead nobody can know, so nothing rests on it: every holder has an **epoch**, one
higher than the last, and every commit of a table carries it as an application transaction. Who takes over first commits his epoch to every
table; from then on the Delta log itself refuses whatever the former holder had in mind (see
`pipeline.lake.delta.delta_tables.commit_properties`), and his batch is finished or dropped as that of a dead one is. Clocks decide only who
is polite to whom.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from obstore.exceptions import BaseError

from pipeline import log
from pipeline.errors import ConfigError, TryAgainError
from pipeline.lake.storage.folder import LOCK_FILE, PAUSE_SECONDS
from pipeline.lake.storage.location import HeldLock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.lake.storage.objects import ObjectStore, Tagged

LEASE_SECONDS = 60.0
"""A lease that was not renewed for so long may be taken over."""
VARIABLE = "TLSRPT_TEST_LEASE_SECONDS"
"""Sets another time, for tests."""
_TICK_SECONDS = 1.0
"""The storage tells times in whole seconds."""
_RENEWALS = 4
"""How often a lease is renewed in its time."""


class Lease(NamedTuple):
    """What the object says."""

    holder: str
    """A random name; empty when nobody holds it."""
    epoch: int
    beat: int
    """Counts the renewals, so that no two contents are the same and no tag comes twice."""
    where: str = ""
    """Host and process, for people."""
    since: str = ""

    def encode(self) -> bytes:
        """Return the content of the object."""
        return json.dumps(self._asdict()).encode()

    @classmethod
    def decode(cls, content: bytes) -> Lease:
        """Read it; what cannot be read is nobody's, and its epoch is found in the tables."""
        try:
            found = json.loads(content)
            return cls(str(found["holder"]), int(found["epoch"]), int(found["beat"]), str(found["where"]), str(found["since"]))
        except (ValueError, KeyError, TypeError):
            return cls("", 0, 0)


@contextmanager
def lease(store: ObjectStore, folder: str, uri: str, *, wait_seconds: float = 0.0) -> Iterator[HeldLock]:
    """Hold the lease of a lake (`folder` is ""), or of a folder in it.

    Args:
        store: The objects of the lake.
        folder: The folder of notes whose lease it is; "" for that of the lake.
        uri: The address of the lake, for the sentence.
        wait_seconds: How long a lease that somebody holds is waited for; 0: one try.

    Raises:
        TryAgainError: Somebody else still holds it after `wait_seconds`.
        ConfigError: The storage does not honour conditional puts.
    """
    mine = _Hold(store, f"{folder}/{LOCK_FILE}" if folder else LOCK_FILE)
    deadline = time.monotonic() + wait_seconds
    while (held := mine.take()) is None:
        if time.monotonic() >= deadline:
            raise TryAgainError(f"another run is writing to the lake {uri} ({mine.other}); try again when it has ended")
        time.sleep(PAUSE_SECONDS + secrets.randbelow(100) / 200)
    try:
        with mine.renewed():
            yield held
    finally:
        mine.release()


class _Hold:
    """One try to hold a lease, and the holding."""

    def __init__(self, store: ObjectStore, path: str) -> None:
        self._store, self._path = store, path
        self._name = secrets.token_hex(8)
        self._seconds = float(os.environ.get(VARIABLE) or LEASE_SECONDS)
        self._now: tuple[Lease, str] = (Lease("", 0, 0), "")
        """What the object holds while it is ours, and its tag."""
        self.other = "it has just started"

    def take(self) -> HeldLock | None:
        """Take the lease where nobody holds it, or nobody alive; None where somebody does."""
        found = self._store.tagged(self._path)
        if found is None:
            self._check_conditions()
            # Begun with the clock, so that a lease that was removed by hand does not begin below the epochs that the tables have seen.
            return self._write(Lease("", int(time.time()), 0), None, taken_over=False)
        present = Lease.decode(found.content)
        taken_over = bool(present.holder)
        if taken_over and not self._ran_out(found):
            self.other = f"{present.where}, since {present.since}"
            return None
        held = self._write(present, found.tag, taken_over=taken_over)
        if held is not None and taken_over:
            log.warning("lake-lease-taken-over", of=present.where, since=present.since)
        return held

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Renew it in the background."""
        done = threading.Event()
        beats = threading.Thread(target=self._renew, args=(done,), name="lease", daemon=True)
        beats.start()
        try:
            yield
        finally:
            done.set()
            beats.join()

    def release(self) -> None:
        """Let go of it; where that fails it runs out."""
        lease, tag = self._now
        try:
            self._store.replace(self._path, lease._replace(holder="", beat=lease.beat + 1).encode(), tag)
        except BaseError as err:
            log.debug("lake-lease-not-released", why=type(err).__name__)

    def _write(self, before: Lease, tag: str | None, *, taken_over: bool) -> HeldLock | None:
        where = f"{socket.gethostname()} process {os.getpid()}"
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        mine = Lease(self._name, before.epoch + 1, before.beat + 1, where, now)
        new = self._store.put_new(self._path, mine.encode()) if tag is None else self._store.replace(self._path, mine.encode(), tag)
        if new is None:
            # Lost the race; or the answer to a put that did happen was lost, and its repetition found it done.
            new = self._tag_if_mine()
        if new is None:
            return None
        self._now = (mine, new)
        return HeldLock(mine.epoch, taken_over)

    def _check_conditions(self) -> None:
        """Try, before the first lease of a lake, whether the storage does what everything rests on."""
        probe = f"{self._path}-{self._name}"
        tag = self._store.put_new(probe, b"1")
        honoured = tag is not None and self._store.put_new(probe, b"2") is None
        honoured = honoured and self._store.replace(probe, b"3", '"0123456789abcdef0123456789abcdef"') is None
        self._store.remove(probe)
        if not honoured:
            raise ConfigError("the storage does not honour conditional puts (If-Match, If-None-Match), and a lake on it would not be safe")

    def _tag_if_mine(self) -> str | None:
        found = self._store.tagged(self._path)
        return found.tag if found is not None and Lease.decode(found.content).holder == self._name else None

    def _ran_out(self, found: Tagged) -> bool:
        """Whether it was not renewed in its time; the clock of this machine only says when to ask that of the storage."""
        if time.time() - found.modified_at < self._seconds:
            return False
        probe = f"{self._path}-{self._name}"
        self._store.put(probe, b"")
        written = self._store.tagged(probe)
        self._store.remove(probe)
        return written is not None and written.modified_at - found.modified_at >= self._seconds + _TICK_SECONDS

    def _renew(self, done: threading.Event) -> None:
        while not done.wait(self._seconds / _RENEWALS):
            lease, tag = self._now
            lease = lease._replace(beat=lease.beat + 1)
            try:
                new = self._store.replace(self._path, lease.encode(), tag) or self._tag_if_mine()
            except (BaseError, OSError) as err:
                log.debug("lake-lease-not-renewed", why=type(err).__name__)
                continue
            if new is None:
                log.warning("lake-lease-lost", what="another run has taken over the lake; the next run commits the rest")
                return
            self._now = (lease, new)
