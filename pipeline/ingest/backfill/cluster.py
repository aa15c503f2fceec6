"""Tasks done by a Dask cluster: `dask scheduler` somewhere, `dask worker` on any number of machines.

Each thread of a Dask worker fetches and writes, and has a process of the sandbox read, as the driver's do on one machine: hostile mail
meets the same limits there, and no keys. What travels is JSON and Arrow; the rows stay in the lake. Workers need this program in the same
version, and reach the sources and the lake by the same addresses: object storage, or a file system they all mount.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from asyncio import CancelledError
from concurrent.futures import CancelledError as Cancelled
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipeline import __version__
from pipeline.errors import ConfigError, TlsrptError, TryAgainError, UnreachableError
from pipeline.extras import import_extra
from pipeline.ingest.backfill.carry_out import do_packed
from pipeline.ingest.backfill.tasks import Read, ReadReply, Write, pack_task, reply_of
from pipeline.stages import Stages
from pipeline.workers.protocol import unpack_job
from pipeline.workers.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.lake.delta.stage import StagedPart
    from pipeline.workers.reading_task import Job

CONNECT_SECONDS = 30.0
WORKER_SECONDS = 120.0
"""Patience with a cluster that has no worker yet, or none any more."""
_LOOK_SECONDS = 5.0

_IMPORTS = 4
"""How many imports a Dask worker serves side by side; the processes of older ones, whose drivers are dead, are ended."""

_kept: dict[bytes, tuple[Job, Sandbox]] = {}
_keeping = threading.Lock()


def do(version: str, job: bytes, text: bytes, content: bytes) -> tuple[bytes, bytes, bytes] | str:
    """Do a task; what a Dask worker runs. Return the reply, or this program's version where the driver has another.

    Args:
        version: The driver's version of this program.
        job: What stays the same over the import, packed.
        text: The task as JSON.
        content: The bytes that travel with it.
    """
    if version != __version__:
        return __version__
    return do_packed(text, content, *_sandbox(job))


def _sandbox(packed: bytes) -> tuple[Job, Sandbox]:
    """Return what an import needs, made when it is first asked for."""
    with _keeping:
        job = unpack_job(packed)
        _kept[packed] = _kept.pop(packed) if packed in _kept else (job, Sandbox(job))
        while len(_kept) > _IMPORTS:
            _kept.pop(next(iter(_kept)))[1].close()
        return _kept[packed]


def forget(job: bytes) -> None:
    """End the processes that a Dask worker keeps for an import: it is over."""
    with _keeping:
        kept = _kept.pop(job, None)
        if kept is not None:
            kept[1].close()


@contextmanager
def cluster_workers(address: str, job: bytes) -> Iterator[ClusterWorkers]:
    """Connect to a scheduler.

    Raises:
        ConfigError: The package is missing.
        UnreachableError: The scheduler does not answer.
        TryAgainError: No worker joins it.
    """
    distributed = import_extra("distributed", extra="cluster", what="--scheduler")
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is raised
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False, name="tlsrpt-backfill")
    except (OSError, ValueError, TimeoutError) as err:
        reason = (str(err).strip().splitlines() or [type(err).__name__])[0][:200]
        raise UnreachableError(f"the Dask scheduler {address} does not answer ({reason}); check that it runs and can be reached") from err
    workers = ClusterWorkers(client, address, job)
    try:
        workers.await_first()
        yield workers
    finally:
        workers.end()


class ClusterWorkers:
    """The workers of a cluster, however many there are at the time."""

    shared_disk = False

    def __init__(self, client: Any, address: str, job: bytes) -> None:
        self._client, self._address, self._job = client, address, job
        self.closed = False
        self.stages = Stages()
        self._threads = 1
        self._looked = 0.0
        self._seen = time.monotonic()
        self._gone = f"the Dask scheduler {address} is gone; committed work is kept; run again"

    @property
    def width(self) -> int:
        """The threads of all workers; those who join later count from then on."""
        return max(self._threads, 1)

    def check(self) -> None:
        """Look who is there now and then.

        Raises:
            TryAgainError: There is no worker, and has been none for a while; or the scheduler is gone.
        """
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        try:
            self._threads = sum(self._client.nthreads().values())
        except (OSError, TimeoutError, ValueError, RuntimeError) as err:
            raise TryAgainError(self._gone) from err
        self._seen = now if self._threads else self._seen
        if now - self._seen > WORKER_SECONDS:
            raise TryAgainError(f"the Dask scheduler {self._address} has lost all its workers; committed work is kept; run again")

    def await_first(self) -> None:
        """Wait for the first worker.

        Raises:
            TryAgainError: None joins.
        """
        try:
            self._client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except TimeoutError as err:
            raise TryAgainError(f"the Dask scheduler {self._address} has no workers; start some: dask worker {self._address}") from err

    def submit(self, task: Read | Write) -> Future[ReadReply | list[StagedPart]]:
        """Have a task done by any worker; should it die, by another."""
        told: Future[ReadReply | list[StagedPart]] = Future()
        told.set_running_or_notify_cancel()
        priority = 0 if isinstance(task, Read) else 10
        asked = self._client.submit(do, __version__, self._job, *pack_task(task), pure=False, retries=2, priority=priority)

        def done(future: Any) -> None:
            try:
                told.set_result(self._reply(task, future))
            except BaseException as err:  # noqa: BLE001 -- it is raised where the result is asked for; a cancelled task is not an Exception
                told.set_exception(err)
            else:
                future.release()

        asked.add_done_callback(done)
        return told

    def end(self) -> None:
        """Leave the cluster as it was."""
        lost, self.closed = self.closed, True
        with contextlib.suppress(OSError, TimeoutError, ValueError, RuntimeError):
            if not lost:
                self._client.run(forget, self._job, on_error="ignore")
            self._client.close(timeout=1.0 if lost else CONNECT_SECONDS)

    def _reply(self, task: Read | Write, future: Any) -> ReadReply | list[StagedPart]:
        try:
            said = future.result()
        except TlsrptError:
            raise
        except ModuleNotFoundError as err:
            raise ConfigError(f"a worker of {self._address} lacks {err.name}; install tlsrpt-analytics {__version__} there") from err
        except (CancelledError, Cancelled) as err:
            self.closed = True  # only the loss of the scheduler cancels what nobody gave up
            raise TryAgainError(self._gone) from err
        except Exception as err:
            raise TryAgainError(f"the cluster {self._address} did not do a task: {type(err).__name__}: {str(err)[:200]}") from err
        if isinstance(said, str):
            raise ConfigError(f"a worker of {self._address} has version {said}, and this is {__version__}; install the same there")
        return reply_of(task, said)
