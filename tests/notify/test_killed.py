"""Killed at every step of the outbox: each event is delivered at least once, none is lost, and a repetition carries the same key."""

from __future__ import annotations

import signal
from datetime import timedelta

import pytest

from pipeline.notify import outbox
from tests.forks import forks
from tests.insight.asking import as_of
from tests.notify.receivers import receiver
from tests.notify.test_news import book

POINTS = ("outbox-before-write", "outbox-written", "outbox-sent", "outbox-marked")


@pytest.fixture(scope="module")
def forked():
    with forks() as running:
        yield running


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("run", [1, 2])
def test_an_event_survives_a_kill_and_is_told_with_one_key(forked, tmp_path, point, run):
    lake = book(12).write(tmp_path / "lake")
    with receiver() as server:
        config = tmp_path / "tlsrpt.toml"
        config.write_text(
            f'[lake]\npath = "{lake}"\n[trust]\nreporters = ["google.com", "microsoft.com"]\n'
            f'[[notify.channel]]\nname = "hook"\nkind = "webhook"\nurl = "{server.url}"\ntags = []\n',
            encoding="utf-8",
        )

        def notify(last: int, **environment: str):
            return forked.run("--config", config, "notify", "--as-of", as_of(last), **environment)

        for number, last in enumerate((4, 12), start=1):
            killed = number == run
            ran = notify(last, **({"TLSRPT_TEST_FAILPOINT": f"{point}:1"} if killed else {}))
            assert ran.signal == (signal.SIGKILL if killed else 0), ran.err
            _let_claims_run_out(lake)
            assert notify(last).code == 0
        keys = [body["key"] for body in server.bodies]
        assert [event["kind"] for key in dict.fromkeys(keys) for event in next(b for b in server.bodies if b["key"] == key)["events"]] == [
            "summary",
            "new",
        ]
        assert len(keys) - len(set(keys)) == (1 if point == "outbox-sent" else 0), "only what was sent and not marked is repeated"


def _let_claims_run_out(lake) -> None:
    """Make the claim of a killed process as old as it would be at the next run of cron."""
    import json

    note = lake / "_notes" / "outbox.json"
    if not note.exists():
        return
    boxes = outbox.from_plain(json.loads(note.read_text(encoding="utf-8")))
    aged = {
        name: box._replace(
            pending=tuple(
                entry._replace(claimed_until=entry.claimed_until and entry.claimed_until - outbox.CLAIM - timedelta(seconds=1))
                for entry in box.pending
            )
        )
        for name, box in boxes.items()
    }
    note.write_text(json.dumps(outbox.to_plain(aged)), encoding="utf-8")
