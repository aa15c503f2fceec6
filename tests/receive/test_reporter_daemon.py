"""All of tlsrpt-reporter of sys4: collector, fetcher and reporter, each with its database, over HTTPS and by mail."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.ingest.conftest import tlsrpt  # noqa: F401
from tests.lake.content import counted, rows
from tests.receive.receivers import PATIENCE, receiver

pytestmark = pytest.mark.servers

DOMAIN = "example.org"
SENT, FAILED = 7, 3
MISMATCH = {"c": 202, "s": "192.0.2.1", "n": "mx.example.org", "r": "198.51.100.7"}
CONFIGURATION = """
[tlsrpt_collectd]
storage = sqlite://{folder}/collectd.sqlite
socketname = {folder}/socket
sockettimeout = 1
[tlsrpt_fetcher]
storage = sqlite://{folder}/collectd.sqlite
[tlsrpt_reportd]
organization_name = Reporter Inc.
contact_info = tls@reporter.example
sender_address = tls@reporter.example
dbname = {folder}/reportd.sqlite
fetchers = {programs}/tlsrpt-fetcher --config_file {folder}/reporter.cfg
http_script = curl --silent --header 'Content-Type: application/tlsrpt+gzip' --data-binary @- --cacert {authority}
http_timeout = 100
sendmail_script = {sendmail}
sendmail_timeout = 100
spread_out_delivery = 1
interval_main_loop = 1
max_wait_domainlist = 1
min_wait_domainlist = 0
max_wait_domaindetails = 1
min_wait_domaindetails = 0
"""


@contextmanager
def daemon(name: str, folder: Path):
    """Run one of its programs until the block ends."""
    with (folder / f"{name}.said").open("wb") as said:
        program = Path(sys.executable).with_name(name)
        process = subprocess.Popen([program, "--config_file", folder / "reporter.cfg"], stdout=said, stderr=said)
        try:
            yield process
            process.terminate()
            assert process.wait(PATIENCE) == 0, (folder / f"{name}.said").read_text()
        finally:
            process.kill()


def wait_for(what, folder: Path):
    """Poll until something is true; what the programs said, where it never is."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if found := what():
            return found
        time.sleep(0.1)
    raise AssertionError("\n".join(file.read_text() for file in folder.glob("*.said")))


def collected(database: Path) -> int:
    """How many sessions a database of the collector has."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as there:
            return there.execute("select coalesce(sum(cntrtotal), 0) from finalresults").fetchone()[0]
    except sqlite3.OperationalError:  # not made yet, or being replaced
        return 0


def sessions(record: str) -> list[bytes]:
    """What an MTA tells the collector of each session (libtlsrpt)."""
    policy = {
        "policy-type": 2,
        "policy-domain": DOMAIN,
        "policy-string": ["version: STSv1", "mode: enforce"],
        "mx-host": ["mx.example.org"],
    }
    failed = {**policy, "f": 1, "t": 1, "failure-details": [MISMATCH]}
    policies = [failed] * FAILED + [{**policy, "f": 0, "t": 0}] * (SENT - FAILED)
    return [json.dumps({"dpv": "1", "d": DOMAIN, "pr": record, "policies": [each]}).encode() for each in policies]


def test_sessions_told_to_its_collector_are_reported_by_both_ways_and_counted_once(tlsrpt, tmp_path):  # noqa: F811
    with receiver(tmp_path, per_minute=0) as running:
        pipe = f"raise SystemExit(main(['pipe', '--spool', {running.spool.folder!r}]))"
        any_disk = f"from pipeline import spool; spool.FULL_PERCENT = 100; from pipeline.cli import main; {pipe}"
        sendmail = tmp_path / "sendmail"
        sendmail.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(any_disk)}\n")
        sendmail.chmod(0o755)
        settings = {"folder": tmp_path, "programs": Path(sys.executable).parent, "authority": tmp_path / "ca.pem", "sendmail": sendmail}
        (tmp_path / "reporter.cfg").write_text(CONFIGURATION.format(**settings))
        record = f"v=TLSRPTv1; rua=https://127.0.0.1:{running.port}/v1/tlsrpt,mailto:tls-reports@{DOMAIN}"
        with daemon("tlsrpt-collectd", tmp_path) as collector:
            wait_for((tmp_path / "socket").exists, tmp_path)
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mta:
                for datagram in sessions(record):
                    mta.sendto(datagram, str(tmp_path / "socket"))
            wait_for(lambda: collected(tmp_path / "collectd.sqlite") == SENT, tmp_path)
            os.kill(collector.pid, signal.SIGUSR2)  # its own way to end the day now
            wait_for(lambda: any(collected(file) for file in tmp_path.glob("*yesterday*")), tmp_path)
        with daemon("tlsrpt-reportd", tmp_path):
            wait_for(lambda: len(running.contents()) == 2, tmp_path)
        (tmp_path / "tlsrpt.toml").write_text(
            f'[receive]\nspool = "{running.spool.folder}"\n[trust]\ncount = ["posted", "unverified"]\nunknown_submitter_per_day = 0\n'
            'resolver = "127.0.0.1:9"\ndns_timeout = 0.2\n'
        )
        ran = tlsrpt.run("--config", tmp_path / "tlsrpt.toml", "--lake", tmp_path / "lake", "ingest", "--format", "json", "--workers", "1")
    assert ran.code == 0, ran.err
    tiers = {row["trust_tier"]: row["report_key"] for row in rows(tmp_path / "lake", "reports")}
    assert set(tiers) == {"posted", "unverified"}
    assert counted(tmp_path / "lake") == {tiers["unverified"]}
    found = [(row["success_count"], row["failure_count"]) for row in rows(tmp_path / "lake", "policies")]
    assert found == [(SENT - FAILED, FAILED)] * 2
    failures = {(row["result_type"], row["failed_session_count"]) for row in rows(tmp_path / "lake", "failures")}
    assert failures == {("certificate-host-mismatch", FAILED)}
