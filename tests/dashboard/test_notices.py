"""The inbox of the page, and muting there: who muted, until when, and that notices mind it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.say import whole_days
from pipeline.lake.storage.locate import locate
from pipeline.lake.storage.notes import open_note
from pipeline.notify import outbox
from pipeline.notify.kept_notes import OUTBOX, mutes_of
from pipeline.notify.notice import Notice
from pipeline.notify.outbox import Memory
from tests.dashboard.browser import Visit, serving
from tests.insight.asking import as_of
from tests.notify.test_news import book

pytestmark = pytest.mark.browser

_SENT = datetime(2026, 5, 28, 6, 15, tzinfo=UTC)
HOSTILE = "<script>window.hacked=1</script> [x](http://evil.invalid/) :red[x]"


def _told(lake) -> None:
    """Two channels were told of a fault and of a verdict; one waits."""
    fault = Notice(
        "fault:mx-certificate-expired:a", "fault", "new", "now", "1", ("example.com",),
        "Certificate of the MX host has expired: mx2.example.com, for example.com", f"427 of 891 sessions failed. {HOSTILE}",
        "Renew the certificate.", "incident?id=abc", "ours",
    )  # fmt: skip
    ready = Notice(
        "readiness:example.net", "readiness", "changed", "later", "1", ("example.net",), "example.net is now ready for enforce",
        "The verdict was not-ready and is ready.", "", "domain?domain=example.net",
    )  # fmt: skip
    box = outbox.queue(outbox.Box(), [fault], Memory((), {}), _SENT)
    sent = outbox.mark_sent(box, box.pending[0].id, _SENT)
    failing = outbox.mark_failed(box, box.pending[0].id, "the server answered 503", _SENT)
    more = outbox.queue(sent, [ready], Memory((), {}), _SENT + timedelta(days=2))
    boxes = {"desk": outbox.mark_sent(more, more.pending[0].id, _SENT + timedelta(days=2)), "pager": failing}
    with open_note(locate(lake), OUTBOX) as note:
        note.write(outbox.to_plain(boxes))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notices")
    lake = book(20).write(folder / "lake")
    _told(lake)
    with serving(lake, cwd=folder, TLSRPT_TEST_TODAY=str(as_of(20))) as address:
        yield lake, address


def test_what_was_told_is_listed_and_a_fault_is_muted_and_unmuted(page, browser):
    lake, address = page
    visit = Visit(browser, address)
    shown = visit.open(f"notices?as_of={as_of(20)}")
    for words in ("example.net is now ready for enforce", "2026-05-28 06:15 UTC, to desk, pager; waits for pager", "503"):
        visit.sees(whole_days(words))
    assert not visit.accessible()
    shown.set_viewport_size({"width": 390, "height": 800})
    visit.idle()
    assert shown.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth <= window.innerWidth"), "a phone scrolls to the side"
    shown.set_viewport_size({"width": 1300, "height": 1000})
    visit.go("Overview")
    visit.follow("Cause, fix and evidence", shown.get_by_label("Why"))
    shown.get_by_label("Why").fill("the relay is being replaced")
    shown.get_by_role("button", name="Mute this fault").click()
    shown.get_by_role("button", name="Unmute").wait_for()
    (mute,) = mutes_of(locate(lake))
    assert (mute.by, mute.reason, mute.until) == ("the page, without sign-in", "the relay is being replaced", None)
    assert mute.as_it_was
    visit.go("Overview")
    visit.sees("Muted: ")
    visit.go("Notices")
    shown.get_by_role("button", name="Unmute").click()
    shown.get_by_text("Nothing. The page of an incident mutes its fault.").wait_for()
    assert mutes_of(locate(lake)) == []
    visit.well()
    visit.close()
