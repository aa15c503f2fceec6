"""A reader in a process of its own: opens the lake again and again, and tells every state it saw as a JSON line, until it is stopped."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from pipeline.lake.delta.snapshot import open_snapshot
from tests.lake.content import rows


def state(root: Path) -> list[int]:
    """What one snapshot holds: messages, reports, policies, failures, sessions, batch, floor."""
    for _ in range(3):
        snapshot = open_snapshot(root)
        try:
            seen = {name: rows(root, name, snapshot) for name in ("failures", "policies", "reports", "messages")}
            break
        except FileNotFoundError:
            continue
    else:
        raise AssertionError("files went three times under one reader")
    sessions = sum(row["success_count"] + row["failure_count"] for row in seen["policies"])
    counts = [len(seen[name]) for name in ("messages", "reports", "policies", "failures")]
    return [*counts, sessions, snapshot.batch, snapshot.floor]


def main(root: Path) -> None:
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    while not stop.is_set():
        print(json.dumps(state(root)), flush=True)
        stop.wait(0.03)
    print(json.dumps(state(root)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
