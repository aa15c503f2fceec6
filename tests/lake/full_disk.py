"""Writes to a lake until the disk is full, makes room, and goes on; tells what happened as JSON.

`python -m tests.lake.full_disk FOLDER disk` is run with a small tmpfs on FOLDER; `… limit` bounds the size of files instead, where the
machine lets nobody mount.
"""

from __future__ import annotations

import json
import random
import resource
import signal
import sys
from pathlib import Path

from pipeline.errors import LakeError
from pipeline.lake.writer import LakeWriter
from tests.lake.build import message, report
from tests.lake.content import content, sums

_BALLAST = 600_000


def batch(number: int, size: int) -> list:
    noise = random.Random(number)
    return [message(f"m{number * 10 + n}", report(f"r{number * 10 + n}"), content=noise.randbytes(size)) for n in range(5)]


def fill(root: Path, size: int) -> tuple[int, LakeError]:
    number = 0
    try:
        with LakeWriter(root, run_id="run") as writer:
            while True:
                writer.commit(batch(number, size))
                number += 1
    except LakeError as err:
        return number, err


def main(folder: Path, mode: str) -> None:
    ballast = folder / "ballast"
    root = folder / "lake"
    ballast.write_bytes(b"\0" * _BALLAST)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if mode == "limit":
        with LakeWriter(root, run_id="run") as writer:
            for number in range(3):
                writer.commit(batch(number, 100))
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        number, err = 3, fill(root, 20_000)[1]
    else:
        number, err = fill(root, 20_000)
    between = sums(root)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    ballast.unlink()
    with LakeWriter(root, run_id="run") as writer:
        missing = set(writer.ledger.uids("rua", "INBOX", 1).missing(range(number * 10, number * 10 + 5)))
        new = [rows for rows in batch(number, 100) if rows.message.uid in missing]
        outcomes = writer.commit(new).outcomes
    told = {"batches": number, "sentence": str(err), "code": err.exit_code, "between": between, "outcomes": outcomes, "after": sums(root)}
    print(json.dumps({**told, "messages": len(content(root)["messages"])}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
