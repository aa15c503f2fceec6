"""Runs the command line in forks of one process that has everything imported: a hundred runs cost seconds, and may be killed anywhere.

A test process cannot fork itself once pyarrow and deltalake run threads in it; this server never touches a lake.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]


class Ran(NamedTuple):
    """How a run ended: `signal` is 0 where it did not die by one."""

    signal: int
    code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads(self.out)


class Forks:
    """The door to the forking process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def begin(self, *argv: object, **environment: str) -> int:
        """Start a run, and return its process id."""
        return self._ask("begin", [str(word) for word in argv], environment)

    def end(self, pid: int) -> Ran:
        """Wait for a run that was begun."""
        return Ran(*self._ask("end", pid, None))

    def run(self, *argv: object, **environment: str) -> Ran:
        """Run `tlsrpt ARGV` to its end."""
        return self.end(self.begin(*argv, **environment))

    def _ask(self, *request: object) -> Any:
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


@contextmanager
def forks() -> Iterator[Forks]:
    """Start the server, and stop it at the end."""
    process = subprocess.Popen([sys.executable, "-m", "tests.forks"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Forks(process)
    finally:
        process.stdin.close()
        process.wait(timeout=120)
        process.stdout.close()


def _child(argv: list[str], environment: dict[str, str], out: int, err: int) -> int:
    os.environ.update(environment)
    os.dup2(out, 1)
    os.dup2(err, 2)
    if "TLSRPT_TEST_FOLDER" in environment:
        os.chdir(environment["TLSRPT_TEST_FOLDER"])
    from pipeline.cli import main

    if "TLSRPT_TEST_FAILPOINT" in environment:
        from pipeline import failpoint

        failpoint.arm(environment["TLSRPT_TEST_FAILPOINT"])
    if "TLSRPT_TEST_FILE_SIZE" in environment:  # stands in for a full disk: a write beyond it fails
        size = int(environment["TLSRPT_TEST_FILE_SIZE"])
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if (
        "TLSRPT_TEST_CHUNK" in environment
    ):  # files in a chunk of a bulk import, chunks in a batch: small ones, so that a few files make many
        from pipeline.ingest.backfill import batch, listing

        listing.CHUNK_MESSAGES, batch.MESSAGES = map(int, environment["TLSRPT_TEST_CHUNK"].split())
    try:
        return main(argv)
    except BaseException as error:  # noqa: BLE001 -- the parent wants to see it
        print(f"ESCAPED {error!r}", file=sys.stderr)
        return 70
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _serve() -> None:
    import pipeline.commands.sql
    import pipeline.ingest.apply_after
    import pipeline.ingest.backfill.bulk_import
    import pipeline.ingest.watch
    import pipeline.insight.first_weeks
    import pipeline.query.guest_files  # noqa: F401 -- what a child needs, imported once

    told: dict[int, tuple[Any, Any]] = {}
    for line in sys.stdin:
        what, argument, environment = json.loads(line)
        if what == "begin":
            out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 -- closed when the run ends
            pid = os.fork()
            if pid == 0:
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os._exit(_child(argument, environment, out.fileno(), err.fileno()))
            told[pid] = out, err
            print(json.dumps(pid), flush=True)
            continue
        _, status = os.waitpid(argument, 0)
        texts = []
        for file in told.pop(argument):
            file.seek(0)
            texts.append(file.read().decode())
            file.close()
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        print(json.dumps([killed, os.waitstatus_to_exitcode(status) if not killed else -1, *texts]), flush=True)


if __name__ == "__main__":
    _serve()
