"""Kill -9 at every named point of the commit protocol, run again: the same lake as if nothing had happened."""

from __future__ import annotations

from shutil import copytree

import pytest

from pipeline.lake.snapshot import open_snapshot
from tests.lake.content import content, sums
from tests.lake.crashes import crash_server

SIGKILL = 9


@pytest.fixture(scope="module")
def server():
    with crash_server() as server:
        yield server


def kill_everywhere(server, scenario, tmp_path, times, *, points=16, after=None):
    """Run a scenario whole, and once for every point it reaches, killed there and run again.

    `times` picks which times of each point; `after` is a lake that each run begins with a copy of.
    """
    if after is not None:
        copytree(after, tmp_path / "whole")
    ending = server.run(scenario, tmp_path / "whole")
    assert (ending.signal, ending.code) == (0, 0)
    expected = content(tmp_path / "whole")
    assert len(ending.points) >= points
    for point in [f"{name}:{nth}" for name, most in ending.points.items() for nth in times(most)]:
        root = tmp_path / point.replace(":", "-")
        if after is not None:
            copytree(after, root)
        assert server.run(scenario, root, kill_at=point).signal == SIGKILL, point
        between = content(root)
        assert server.run(scenario, root)[:2] == (0, 0), point
        assert content(root) == expected, point
        assert len(between["messages"]) <= len(expected["messages"]), point


def test_ingest_killed_at_any_point_and_run_again_gives_the_same_lake(server, tmp_path):
    kill_everywhere(server, "ingest", tmp_path, lambda most: {most // 2 + 1})


def test_a_late_verdict_killed_at_any_point_and_run_again_gives_the_same_lake(server, tmp_path):
    server.run("ingest", tmp_path / "before")
    kill_everywhere(server, "late_verdict", tmp_path, lambda most: {most}, points=13, after=tmp_path / "before")


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("scenario", ["ingest", "late_verdict"])
def test_killed_at_every_time_of_every_point(server, scenario, tmp_path):
    kill_everywhere(server, scenario, tmp_path, lambda most: range(1, most + 1))


def test_a_reader_between_death_and_recovery_sees_whole_batches_only(server, tmp_path):
    server.run("ingest", tmp_path / "one", kill_at="committed-messages:1")
    whole = sums(tmp_path / "one")
    for point in ("moved-raw", "committed-failures", "committed-policies", "committed-reports", "moved-messages"):
        assert server.run("ingest", tmp_path / point, kill_at=f"{point}:2").signal == SIGKILL
        assert sums(tmp_path / point) == whole, point


def test_killed_again_and_again_it_still_comes_to_the_same_lake(server, tmp_path):
    server.run("ingest", tmp_path / "whole")
    for point in ("stage-manifest:1", "staged:1", "moved-policies:1", "committed-reports:1", "stage-drop:1", "stage-file:2", "staged:1"):
        server.run("ingest", tmp_path / "lake", kill_at=point)
    assert server.run("ingest", tmp_path / "lake").code == 0
    assert content(tmp_path / "lake") == content(tmp_path / "whole")
    assert list((tmp_path / "lake" / "_staging").iterdir()) == []


def test_two_batches_never_share_a_number(server, tmp_path):
    server.run("ingest", tmp_path, kill_at="committed-reports:2")
    seen = open_snapshot(tmp_path)
    server.run("ingest", tmp_path)
    assert (seen.batch, open_snapshot(tmp_path).batch) == (1, 3)
