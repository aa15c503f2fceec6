"""How many posts a second `tlsrpt receive` keeps, beside what the disk can sync by itself in the same run.

64 senders post over loopback, each on one connection, as fast as they are answered: 300 a second and more are wanted, none lost, and memory
that does not grow from the first fifth of the time to the last.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.receive.receivers import Receiver, receiver
from tests.report_mails import document


def bare_syncs(folder: Path, seconds: float = 3.0) -> float:
    """Files of four kilobytes written, synced, renamed, and their folder synced: how many a second."""
    content, count, begun = os.urandom(4096), 0, time.monotonic()
    holder = os.open(folder, os.O_RDONLY)
    while time.monotonic() - begun < seconds:
        path = folder / "bare"
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        path.rename(folder / "bare.done")
        os.fsync(holder)
        count += 1
    os.close(holder)
    return count / (time.monotonic() - begun)


async def send(port: int, sender: int, until: float, took: list[float], answered: list[bytes]) -> None:
    """Post on one connection until the time is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    number = 0
    while time.monotonic() < until:
        body = gzip.compress(json.dumps(document(number, reporter=f"r{sender}.example")).encode(), 1)
        head = f"POST /v1/tlsrpt HTTP/1.1\r\nHost: a\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        begun = time.monotonic()
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        took.append(time.monotonic() - begun)
        assert answer.startswith(b"HTTP/1.1 201 "), answer
        answered.append(body)
        number += 1
    writer.close()


async def load(running: Receiver, seconds: float, senders: int) -> dict[str, float]:
    """Post, and look at the memory meanwhile."""
    took: list[float] = []
    answered: list[bytes] = []
    process, memory = psutil.Process(running.process.pid), []
    until = time.monotonic() + seconds
    sending = [asyncio.create_task(send(running.port, sender, until, took, answered)) for sender in range(senders)]
    for _ in range(5):
        await asyncio.sleep(seconds / 5)
        memory.append(process.memory_info().rss / 1024**2)
    await asyncio.gather(*sending)
    took.sort()
    kept = {content for content in running.contents() if content is not None}
    return {
        "posts_per_second": len(took) / seconds,
        "latency_ms_50": took[len(took) // 2] * 1000,
        "latency_ms_99": took[len(took) * 99 // 100] * 1000,
        "memory_mib_first_fifth": memory[0],
        "memory_mib_last_fifth": memory[-1],
        "posts": len(took),
        "files": len(running.spool.files()),
        "lost": len(set(answered) - kept),
    }


def main(*, full: bool = False) -> list[dict[str, float]]:
    """Measure ten seconds, or a minute."""
    with tempfile.TemporaryDirectory(prefix="receive-", dir="/tmp") as folder:
        place = Path(folder)
        before = bare_syncs(place)
        with receiver(place, tls=False, per_minute=0) as running:
            said = asyncio.run(load(running, 60.0 if full else 10.0, 64))
        said |= {"bare_syncs_before": before, "bare_syncs_after": bare_syncs(place)}
    return [{name: round(value, 1) for name, value in said.items()}]


if __name__ == "__main__":
    print(json.dumps(main(full="--full" in sys.argv), indent=1))
