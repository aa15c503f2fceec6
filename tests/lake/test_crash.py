"""Kill -9 at every named point of the commit protocol, run again: the same lake as if nothing had happened."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from shutil import copytree, rmtree

import pytest

from pipeline.lake.delta.snapshot import open_snapshot
from tests.lake.content import content, sums
from tests.lake.scenarios import SCENARIOS

SIGKILL = 9
DONE = (0, 0)


def begin(root, before):
    if root.exists():
        rmtree(root)
    if before is not None:
        copytree(before, root)


def whole(server, scenario, tmp_path, before):
    """Run a scenario that nobody kills; return the lake it gives, and how often it reaches each point."""
    begin(tmp_path / "whole", before)
    ending = server.run(scenario, tmp_path / "whole")
    assert ending[:2] == DONE
    return content(tmp_path / "whole"), ending.points


def kill_in_a_row(server, scenario, tmp_path, *, before=None, points):
    """Kill a scenario at one point after the other, each time going on from what the last death left."""
    expected, reached = whole(server, scenario, tmp_path, before)
    assert set(points) <= reached.keys()
    root = tmp_path / "lake"
    begin(root, before)
    for name in reached:
        if server.run(scenario, root, kill_at=f"{name}:1").signal == SIGKILL:
            continue
        # It came to its end before the point: what is left to do does not lead there any more. Once more from the beginning.
        assert content(root) == expected, name
        begin(root, before)
        assert server.run(scenario, root, kill_at=f"{name}:1").signal == SIGKILL, name
    assert server.run(scenario, root)[:2] == DONE
    assert content(root) == expected


PROTOCOL = (
    "stage-file", "stage-manifest", "staged", "moved-raw", "committed-raw", "moved-failures", "committed-failures", "moved-policies",
    "committed-policies", "moved-reports", "committed-reports", "moved-superseded", "committed-superseded", "moved-messages",
    "committed-messages", "stage-drop", "stage-dropped",
)  # fmt: skip


def test_the_environment_of_a_run_kills_nothing():
    program = "from pipeline.failpoint import reach; reach('staged')"
    assert (
        subprocess.run([sys.executable, "-c", program], env={**os.environ, "TLSRPT_TEST_FAILPOINT": "staged:1"}, check=False).returncode
        == 0
    )


def test_ingest_killed_at_every_point_comes_to_the_same_lake(server, tmp_path):
    kill_in_a_row(server, "ingest", tmp_path, points=PROTOCOL)


def test_a_late_verdict_killed_at_every_point_comes_to_the_same_lake(server, ingested, tmp_path):
    kill_in_a_row(server, "late_verdict", tmp_path, before=ingested, points=("staged", "committed-reports", "committed-messages"))


@pytest.mark.parametrize(
    ("scenario", "points"),
    [
        (
            "rebuild_all",
            ("stage-file", "staged", "committed-superseded", "committed-messages", "generation-switched", "generation-dropped"),
        ),
        ("keep_less", ("staged", "retention-told", "bytes-dropped", "retention-dropped")),
        ("erase", ("staged", "erase-told", "bytes-dropped", "erase-dropped")),
    ],
)
def test_upkeep_killed_at_every_point_comes_to_the_same_lake(server, ingested, scenario, points, tmp_path):
    kill_in_a_row(server, scenario, tmp_path, before=ingested, points=points)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_killed_at_every_time_of_every_point_and_run_again_the_lake_is_the_same(server, ingested, scenario, tmp_path):
    before = None if scenario == "ingest" else ingested
    expected, reached = whole(server, scenario, tmp_path, before)
    assert "committed-messages" in reached
    root = tmp_path / "lake"
    for point in [f"{name}:{nth}" for name, most in reached.items() for nth in range(1, most + 1)]:
        begin(root, before)
        assert server.run(scenario, root, kill_at=point).signal == SIGKILL, point
        assert len(content(root)["messages"]) <= len(expected["messages"]), point
        assert server.run(scenario, root)[:2] == DONE, point
        assert content(root) == expected, point


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killed_at_random_moments_it_comes_to_the_same_lake(server, ingested, tmp_path):
    """A writer that dies at once is not a writer that went far: the moments spread over the time that the work takes."""
    chance = random.Random(8460)
    began = time.monotonic()
    assert server.run("ingest", tmp_path / "timed")[:2] == DONE
    takes = time.monotonic() - began
    for number in range(60):
        root = tmp_path / str(number % 10)
        server.run("ingest", root, kill_after=chance.uniform(0, takes))
        if number >= 50:
            assert server.run("ingest", root)[:2] == DONE
            assert content(root) == content(ingested), number


def test_a_reader_between_death_and_recovery_sees_whole_batches_only(server, tmp_path):
    server.run("ingest", tmp_path / "one", kill_at="committed-messages:1")
    first = sums(tmp_path / "one")
    for point in ("committed-policies", "committed-reports", "moved-messages"):
        assert server.run("ingest", tmp_path / point, kill_at=f"{point}:2").signal == SIGKILL
        assert sums(tmp_path / point) == first, point


def test_two_batches_never_share_a_number(server, tmp_path):
    server.run("ingest", tmp_path, kill_at="committed-reports:2")
    seen = open_snapshot(tmp_path)
    server.run("ingest", tmp_path)
    assert (seen.batch, open_snapshot(tmp_path).batch) == (1, 3)
    assert list((tmp_path / "_staging").iterdir()) == []
