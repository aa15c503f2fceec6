"""Whatever happens in the middle of a run, the next one ends as if nothing had: every message accounted for once, every sum exact."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from tests.ingest.polling import ledger_keys, sessions, setup
from tests.lake.content import rows
from tests.proxy import cut, drip, proxy, stall
from tests.report_mails import NOT_A_REPORT, mail

pytestmark = pytest.mark.dovecot

REPORTS = 12
FOREIGN = 2
POINTS = [
    "folder-open:1",
    "searched:1",
    "chunk-read:1",
    "stage-file:1",
    "stage-file:4",
    "stage-manifest:1",
    "staged:1",
    *(f"moved-{name}:1" for name in ("raw", "policies", "reports", "messages")),
    *(f"committed-{name}:1" for name in ("raw", "failures", "policies", "reports", "messages")),
    "stage-drop:1",
    "stage-dropped:1",
    "before-treating:1",
    "copied:1",
    "marked-deleted:1",
    "treated:1",
]
ONLY_WITHOUT_MOVE = {"copied:1", "marked-deleted:1"}


def fill(server, user) -> None:
    server.deliver_all(user.name, [mail(number, bad=1) for number in range(REPORTS)])
    server.deliver_all(user.name, [NOT_A_REPORT] * FOREIGN)


def is_complete(box, server, user, *, inbox: int, processed: int | None) -> None:
    assert sessions(box.lake) == sum(range(1, REPORTS + 1))
    assert len(ledger_keys(box.lake)) == len(set(ledger_keys(box.lake))) == REPORTS + FOREIGN
    keys = [row["report_key"] for row in rows(box.lake, "reports")]
    assert len(keys) == len(set(keys)) == REPORTS
    assert len({row["message_sha256"] for row in rows(box.lake, "raw")}) == len(rows(box.lake, "raw")) == REPORTS
    assert len(server.flags(user.name)) == inbox
    if processed is not None:
        assert len(server.flags(user.name, "Processed")) == processed
    assert not list((box.lake / "_staging").glob("*"))


@pytest.mark.parametrize(
    ("capability", "point"),
    [("no-move", point) for point in POINTS] + [("move", point) for point in POINTS if point not in ONLY_WITHOUT_MOVE],
)
def test_a_run_killed_at_any_point_is_finished_by_the_next(tlsrpt, request, tmp_path, capability, point):
    server = request.getfixturevalue("server" if capability == "move" else "server_without_move")
    user = server.add_user()
    fill(server, user)
    box = setup(tmp_path, server, user, after="move")
    killed = tlsrpt.run(*box.argv(), TLSRPT_TEST_FAILPOINT=point)
    assert killed.signal == signal.SIGKILL, (killed, "the point was not reached")
    ran = tlsrpt.run(*box.argv())
    assert ran.code == 0, ran.err
    is_complete(box, server, user, inbox=FOREIGN, processed=REPORTS)
    assert not any(r"\Deleted" in flags for flags in server.flags(user.name, "Processed").values())
    assert tlsrpt.run(*box.argv()).summary["messages"] == 0


@pytest.mark.parametrize("fault", [cut, stall, drip], ids=["cut", "stall", "drip"])
@pytest.mark.parametrize("after_bytes", [1_500, 4_500, 9_000])
def test_a_connection_that_is_cut_stalled_or_drips_loses_nothing(tlsrpt, server, tmp_path, fault, after_bytes):
    user = server.add_user()
    fill(server, user)
    with proxy(server.port, always=fault(after_bytes)) as spoiled:
        box = setup(tmp_path, server, user, port=spoiled.port, read_timeout=0.5, connect_timeout=2.0, deadline=3.0)
        begun = time.monotonic()
        ran = tlsrpt.run(*box.argv())
        assert time.monotonic() - begun < 20
        assert ran.code in {0, 75}, ran.err
        assert "Traceback" not in ran.err
    box = setup(tmp_path, server, user)
    assert tlsrpt.run(*box.argv()).code == 0
    is_complete(box, server, user, inbox=REPORTS + FOREIGN, processed=None)


def test_a_cut_in_the_middle_is_mended_within_the_run(tlsrpt, server, tmp_path):
    user = server.add_user()
    fill(server, user)
    with proxy(server.port, [cut(6_000)]) as spoiled:
        box = setup(tmp_path, server, user, port=spoiled.port)
        ran = tlsrpt.run(*box.argv())
    assert (ran.code, ran.summary["messages"]) == (0, REPORTS + FOREIGN), ran.err
    is_complete(box, server, user, inbox=REPORTS + FOREIGN, processed=None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_asked_to_stop_commits_what_it_has_and_says_so(tlsrpt, server, tmp_path, number):
    user = server.add_user()
    fill(server, user)
    with proxy(server.port, always=drip(14_000, 0.001)) as slow:
        box = setup(tmp_path, server, user, port=slow.port, after="move")
        pid = tlsrpt.begin(*box.argv())
        time.sleep(1.0)
        os.kill(pid, number)
        ran = tlsrpt.end(pid)
    assert ran.signal == 0
    assert ran.code == 75, ran.err
    assert "stopping" in ran.err
    box = setup(tmp_path, server, user, after="move")
    assert tlsrpt.run(*box.argv()).code == 0
    is_complete(box, server, user, inbox=FOREIGN, processed=REPORTS)


def random_kills(tlsrpt, server, tmp_path, *, rounds: int, seed: int) -> int:
    """Kill runs at random moments until one ends by itself, many times over; return how many were killed."""
    chance = random.Random(seed)
    kills = 0
    for each in range(rounds):
        user = server.add_user()
        fill(server, user)
        folder = tmp_path / str(each)
        folder.mkdir()
        box = setup(folder, server, user, after="move")
        patience = 0.35
        while True:
            pid = tlsrpt.begin(*box.argv())
            time.sleep(chance.uniform(0.0, patience))
            patience *= 1.3  # on a busy machine a run takes its time, and one has to end by itself
            os.kill(pid, signal.SIGKILL)
            if tlsrpt.end(pid).signal == 0:
                break
            kills += 1
        assert tlsrpt.run(*box.argv()).code == 0
        is_complete(box, server, user, inbox=FOREIGN, processed=REPORTS)
    return kills


@pytest.mark.parametrize("capability", ["move", "no-move"])
def test_runs_killed_at_random_moments_end_like_one_that_nobody_killed(tlsrpt, request, tmp_path, capability):
    server = request.getfixturevalue("server" if capability == "move" else "server_without_move")
    assert random_kills(tlsrpt, server, tmp_path, rounds=4, seed=1) >= 3


@pytest.mark.soak
def test_a_thousand_random_kills_end_like_none(tlsrpt, server, tmp_path):
    kills = 0
    for seed in range(100, 1000):
        folder = tmp_path / str(seed)
        folder.mkdir()
        kills += random_kills(tlsrpt, server, folder, rounds=5, seed=seed)
        if kills >= 1000:
            break
    print(f"{kills} kills")
