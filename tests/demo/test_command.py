"""`tlsrpt demo` as a program: ingests over IMAP, goes on the second time, ends with what it started."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from pipeline.demo.children import free_port
from tests import ports


@pytest.fixture
def demo():
    """Start the demo; what a failed test leaves running is killed."""
    started = []

    def start(folder, *arguments, env=None):
        command = [sys.executable, "-m", "pipeline.cli", "demo", "--dir", str(folder), *arguments]
        environment = {**os.environ, **(env or {})}
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.wait(30)
        process.stdout.close()


def finished(process, seconds=120):
    output, _ = process.communicate(timeout=seconds)
    return process.returncode, output


def asked(folder, query):
    command = [sys.executable, "-m", "pipeline.cli", "--config", str(folder / "tlsrpt.toml"), "sql", "--format", "json", query]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def still_running(folder):
    """Command lines of processes that have to do with the folder, ours excepted."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, check=True, text=True).stdout
    return [line for line in listed.splitlines() if str(folder) in line and "ps -eo" not in line and "pytest" not in line]


def line_with(process, text):
    """Read its output up to a line with that text."""
    seen = []
    for line in process.stdout:
        seen.append(line)
        if text in line:
            return line
    pytest.fail("".join(seen))


def test_it_ingests_everything_and_the_second_time_nothing(demo, tmp_path):
    folder = tmp_path / "demo"
    code, output = finished(demo(folder, "--days", "3", "--no-dashboard", env={"TLSRPT_LAKE__PATH": str(tmp_path / "mine")}))
    assert code == 0, output
    assert "Mailbox: " in output
    outcomes = {row["outcome"]: row["n"] for row in asked(folder, "select outcome, count(*) as n from messages group by all")}
    tiers = {row["trust_tier"] for row in asked(folder, "select distinct trust_tier from reports")}
    assert outcomes["stored"] > 50
    assert tiers == {"verified"}
    assert not (tmp_path / "mine").exists()
    code, output = finished(demo(folder, "--no-dashboard"))
    assert code == 0, output
    assert "nothing new" in output
    assert {row["outcome"]: row["n"] for row in asked(folder, "select outcome, count(*) as n from messages group by all")} == outcomes
    assert still_running(folder) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_it_ingests_it_ends_and_leaves_nothing(demo, tmp_path, number):
    folder = tmp_path / "demo"
    process = demo(folder, "--days", "20", "--no-dashboard")
    line_with(process, "Mailbox: ")
    time.sleep(0.7)
    process.send_signal(number)
    code, output = finished(process, 30)
    assert code == 130, output
    assert "Traceback" not in output
    assert still_running(folder) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_the_page_comes_up_with_what_was_ingested_and_ends_on_a_signal(demo, tmp_path, number):
    folder = tmp_path / "demo"
    process = demo(folder, "--days", "3", "--port", str(ports.free_port()))
    address = line_with(process, "The dashboard is at ").split()[4]
    with urllib.request.urlopen(address, timeout=60) as response:
        assert response.status == 200
    process.send_signal(number)
    code, output = finished(process, 30)
    assert code == 0, output
    assert "Traceback" not in output
    assert still_running(folder) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--days", "0"), "--days is a number from 1 to 1000"),
        (("--world", "/nowhere/world.toml"), "world file /nowhere/world.toml cannot be read"),
    ],
)
def test_a_mistake_is_one_sentence(demo, tmp_path, arguments, sentence):
    code, output = finished(demo(tmp_path / "demo", *arguments))
    assert code in (2, 66)
    assert sentence in output
    assert output.count("\n") == 1


def test_it_has_no_use_for_a_configuration(tmp_path):
    command = [sys.executable, "-m", "pipeline.cli", "--lake", str(tmp_path), "demo", "--no-dashboard"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "leave out --config and --lake" in done.stderr


def test_a_port_that_is_taken_is_left_to_who_has_it():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) not in (0, port)
