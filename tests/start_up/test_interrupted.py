"""Ctrl-C ends a command with one sentence, whatever it is doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

BUSY = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from pipeline import cli
from pipeline.commands import status

def run(*_):
    import duckdb
    print("busy", flush=True)
    duckdb.sql("select sum(a.range * b.range) from range(1000000) a, range(1000000) b").fetchall()

status.run = run
sys.exit(cli.main(["status"]))
"""


def test_while_duckdb_works():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", BUSY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "busy\n"
    time.sleep(0.5)  # by then DuckDB works, and Python waits
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "tlsrpt: interrupted; what was committed stays, the next run goes on from there\n")
