"""What is written before it is sent, claimed while it is sent, and kept after it was sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline.notify.notice import Notice
from pipeline.notify.outbox import CLAIM, Box, Memory, claim, from_plain, mark_failed, mark_sent, queue, to_plain, without_domain

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOTHING = Memory((), {})


def event(lineage: str = "fault:mx-certificate-expired:mx1.example.org", *, revision: str = "1", domains=("example.org",)) -> Notice:
    return Notice(lineage, "fault", "new", "now", revision, domains, "title", "what", "step")


def test_an_entry_is_due_once_and_again_when_its_claim_has_run_out():
    box, due = claim(queue(Box(), [event()], NOTHING, NOW), NOW)
    assert [entry.events for entry in due] == [(event(),)]
    assert claim(box, NOW + timedelta(seconds=1))[1] == []
    again = claim(box, NOW + CLAIM)[1]
    assert [entry.id for entry in again] == [due[0].id], "the repetition carries the same key"


def test_what_is_pending_or_was_sent_is_not_queued_again():
    box = queue(Box(), [event()], NOTHING, NOW)
    assert queue(box, [event()], NOTHING, NOW).pending == box.pending
    sent = mark_sent(box, box.pending[0].id, NOW)
    assert sent.pending == ()
    assert queue(sent, [event()], NOTHING, NOW).pending == ()
    assert len(queue(sent, [event(revision="2")], NOTHING, NOW).pending) == 1


def test_a_failure_is_tried_again_later_and_later_and_never_given_up():
    box = queue(Box(), [event()], NOTHING, NOW)
    now, pauses = NOW, []
    for _ in range(12):
        box, due = claim(box, now)
        assert len(due) == 1
        box = mark_failed(box, due[0].id, "the server answered 503", now)
        pauses.append(box.pending[0].next_try - now)
        assert claim(box, box.pending[0].next_try - timedelta(seconds=1))[1] == []
        now = box.pending[0].next_try
    assert pauses[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert pauses[-1] == timedelta(hours=6)
    assert box.failing_since == NOW


def test_it_survives_being_written_down():
    box, _ = claim(queue(Box(), [event()], Memory((), {"ingest:rua": "failing since 2026-02-27"}), NOW), NOW)
    boxes = {"ops": mark_failed(box, box.pending[0].id, "no connection", NOW), "team": Box()}
    assert from_plain(to_plain(boxes)) == boxes


def test_erasing_a_domain_reaches_what_waits_what_was_sent_and_what_is_remembered():
    both, other = event(domains=("example.org", "example.net")), event("fault:x:mx9", domains=("example.net",))
    box = queue(Box(), [both, other], Memory((), {"readiness:example.org": "ready", "readiness:example.net": "ready"}), NOW)
    box = without_domain(mark_sent(box, box.pending[0].id, NOW), "example.org")
    assert [one.events for one in box.sent] == [(other,)]
    assert dict(box.memory.states) == {"readiness:example.net": "ready"}


def test_a_notice_that_names_a_host_of_an_erased_domain_goes_too():
    named = event("fault:x:mx1.example.org", domains=("example.net",))
    box = queue(Box(), [named], NOTHING, NOW)
    assert without_domain(box, "example.org").pending == ()
    assert without_domain(box, "ample.org").pending == box.pending
