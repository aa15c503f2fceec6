"""Posts of a moment share one sync of the disk: many senders at a time wait for one, and nobody is told before it is done."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.spool import Deposit, Spool

GROUP_RECORDS = 500
GROUP_BYTES = 32 * 1024 * 1024
"""What one file of the spool holds at most, but for one record that is larger by itself."""

_Waiting = tuple["Deposit", "asyncio.Future[None]"]


class GroupWriter:
    """Writes to a spool in a thread of its own."""

    def __init__(self, spool: Spool) -> None:
        """Begin to write; call it in the running event loop."""
        self._spool = spool
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Waiting] = deque()
        self._something = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)
        self._thread.start()

    async def put(self, record: Deposit) -> None:
        """Return once the record is safe.

        Raises:
            OSError: It could not be written.
        """
        done: asyncio.Future[None] = self._loop.create_future()
        with self._something:
            self._waiting.append((record, done))
            self._something.notify()
        await done

    async def close(self) -> None:
        """Write what waits, and end."""
        with self._something:
            self._closed = True
            self._something.notify()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while self._write(self._next_group()):
            pass

    def _write(self, group: list[_Waiting]) -> bool:
        """Write a group, whose bytes nothing holds afterwards; False where there is none."""
        error: Exception | None = None
        if group:
            try:
                self._spool.put([record for record, _ in group])
            except Exception as err:  # noqa: BLE001 -- whatever it is, who waits has to be told
                error = err
            with suppress(RuntimeError):  # the loop has ended: nobody waits any more
                self._loop.call_soon_threadsafe(_tell, [done for _, done in group], error)
        return bool(group)

    def _next_group(self) -> list[_Waiting]:
        """Return what waits, up to the bounds; nothing once it is closed and all is written."""
        with self._something:
            while not (self._waiting or self._closed):
                self._something.wait()
            group: list[_Waiting] = []
            size = 0
            while self._waiting and len(group) < GROUP_RECORDS:
                size += len(self._waiting[0][0].content)
                if group and size > GROUP_BYTES:
                    break
                group.append(self._waiting.popleft())
            return group


def _tell(waiting: list[asyncio.Future[None]], error: Exception | None) -> None:
    for done in waiting:
        if done.done():  # its request was cancelled
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
