"""From a Dovecot mailbox to committed rows: messages a second, CPU seconds and peak memory, beside fetch-and-discard in the same run.

Every line is a process of its own, so that the peak memory is its own; CPU seconds include the worker processes. The mails are those of
random worlds, signed; with verification the keys come from a DNS server on loopback. 2,000 mails by default; 1,000 and 10,000
with --full, where memory should stay flat.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from pipeline.demo.dns import serve_keys
from pipeline.demo.world import World
from tests.dovecot import dovecot

ROOT = Path(__file__).resolve().parents[2]


def main(*, full: bool = False) -> list[dict]:
    """Measure, and return a line for each way."""
    rows = []
    for count in (1_000, 10_000) if full else (2_000,):
        with ExitStack() as held:
            folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
            mails, zone = _mails(count)
            server = held.enter_context(dovecot())
            user = server.add_user()
            server.deliver_all(user.name, [mail.content for mail in mails])
            dns = held.enter_context(serve_keys(zone))
            config = _config(folder, server, user)
            floor = _measure("fetch", "fetch and discard", count, config, folder)
            rows.append(floor)
            for name, trust, workers in (
                ("ingest, dkim off, in process", "off", "0"),
                ("ingest, dkim off, 2 workers", "off", "2"),
                ("ingest, dkim verified, in process", "verify", "0"),
                ("ingest, dkim verified, 2 workers", "verify", "2"),
            ):
                row = _measure(
                    "ingest", name, count, config, folder, TLSRPT_TRUST__DKIM=trust, TLSRPT_TRUST__RESOLVER=dns.address, workers=workers
                )
                row["wall ÷ floor"] = row["wall s"] / floor["wall s"]
                rows.append(row)
    return rows


def _mails(count: int) -> tuple[list, dict]:
    """Signed mails of as many random worlds as it takes, and the zone with their keys."""
    mails: list = []
    zone: dict = {}
    for seed in range(1, 100):
        world = World.random(seed)
        mails += islice(world.mails(world.spec.first_day, world.spec.last_day), count - len(mails))
        zone |= world.keys
        if len(mails) == count:
            return mails, zone
    raise RuntimeError(f"the worlds have fewer than {count} mails")


def _config(folder: Path, server, user) -> Path:
    (folder / "password").write_text(user.password, encoding="utf-8")
    config = folder / "tlsrpt.toml"
    config.write_text(
        f"""[[mailbox]]
name = "bench"
host = "localhost"
port = {server.port}
ca_file = "{server.ca_file}"
user = "{user.name}"
password_file = "{folder}/password"
[trust]
unknown_submitter_per_day = 0
""",
        encoding="utf-8",
    )
    return config


def _measure(what: str, name: str, count: int, config: Path, folder: Path, *, workers: str = "0", **environment: str) -> dict:
    lake = folder / f"lake-{name.replace(' ', '-')}-{count}"
    command = [sys.executable, "-m", "tests.bench.ingest", what, str(config), str(lake), workers]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - began
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["messages"] == count, (told, done.stderr)
    return {
        "way": name,
        "mails": count,
        "mails/s": count / told["work_s"],
        "CPU s / 1000": told["cpu_s"] / count * 1000,
        "peak MB": told["peak_mb"],
        "wall s": told["work_s"],
        "process wall s": wall,
    }


def _child(what: str, config: str, lake: str, workers: str) -> None:
    from pipeline.config import load_settings

    settings = load_settings(config, lake=lake)
    began = time.perf_counter()
    messages = _fetch(settings) if what == "fetch" else _ingest(settings, int(workers))
    work = time.perf_counter() - began
    mine, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    told = {
        "messages": messages,
        "work_s": work,
        "cpu_s": mine.ru_utime + mine.ru_stime + others.ru_utime + others.ru_stime,
        "peak_mb": round(mine.ru_maxrss / 1024, 1),
    }
    print(json.dumps(told))


def _fetch(settings) -> int:
    from pipeline.mailbox.imap import ImapMailbox

    class Nothing:
        def missing(self, uids):
            return list(uids)

    with ImapMailbox(settings.mailbox[0], settings.report_limits) as box:
        box.open("INBOX")
        return sum(len(chunk) for chunk in box.fetch(box.new_uids(Nothing())))


def _ingest(settings, workers: int) -> int:
    from pipeline.run.ingest import ingest
    from pipeline.run.options import RunOptions

    return ingest(settings, RunOptions(workers=workers)).tally.messages


if __name__ == "__main__":
    _child(*sys.argv[1:])
