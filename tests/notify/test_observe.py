"""What the notifier sees of a real lake: checks, looks, and its own outbox, in the words of `status`, `doctor` and `metrics`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.cli import main
from pipeline.lake import mailbox_looks
from pipeline.lake.mailbox_looks import Look
from pipeline.lake.storage.locate import locate
from pipeline.lake.writer import LakeWriter
from pipeline.notify.news import news_for
from pipeline.notify.notifier import notify
from pipeline.notify.observe import observe
from pipeline.query import open_lake
from pipeline.settings.notice_tables import ChannelSettings, NotifySettings
from pipeline.tables.row_types import CheckRow
from tests.insight.asking import as_of
from tests.insight.book import DOMAIN
from tests.notify.test_metrics import values
from tests.notify.test_news import book, observed

DAY = as_of(8)
SEEN = datetime.combine(DAY, datetime.min.time(), UTC) - timedelta(hours=2)
ENDS = SEEN + timedelta(days=20)


def finding(place: str, code: str, domain: str, ends: datetime | None) -> CheckRow:
    ends_on = "the certificate ends soon" if ends else "nothing"
    return CheckRow(
        f"{SEEN:%Y-%m}",
        SEEN,
        domain,
        0,
        "smtp",
        code,
        "warn",
        place,
        ends_on,
        "why",
        "publish the new record",
        "",
        "",
        "",
        (),
        (),
        (),
        ends,
    )


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    folder = book(8).write(tmp_path_factory.mktemp("observed") / "lake")
    rows = [
        finding("mx1.example.org [192.0.2.1]", "certificate-expires-21", DOMAIN, ENDS),
        finding("mx1.example.org [192.0.2.2]", "certificate-expires-21", DOMAIN, ENDS),
        finding("mx2.example.org [192.0.2.3]", "smtp-ok", DOMAIN, ENDS),
        finding("_25._tcp.mx2.example.org", "dane-roll-over", DOMAIN, ENDS),
        finding("_25._tcp.mx2.example.org", "dane-roll-over", "example.net", ENDS),
    ]
    with LakeWriter(locate(folder), run_id="check") as writer:
        writer.store_checks(rows)
    mailbox_looks.end(locate(folder), [Look("rua", "one", SEEN, SEEN, 0)])
    return folder


def test_a_check_tells_of_certificates_by_host_and_of_roll_overs_once_for_all_their_domains(lake):
    with open_lake(lake) as opened:
        seen = observe(opened, as_of=DAY, own=(DOMAIN,))
        earlier = observe(opened, as_of=DAY - timedelta(days=2), own=(DOMAIN,))
        stale = observe(opened, as_of=DAY + timedelta(days=9), own=(DOMAIN,))
    assert {one.place for one in seen.certificates} == {"mx1.example.org"}, "of mx2 the roll-over speaks"
    assert not earlier.roll_overs, "a later check is not known yet"
    quiet = observed(book(8), 8)
    events, memory = news_for(seen, news_for(quiet, None).memory)
    assert [(event.topic, event.urgency, event.domains) for event in events] == [
        ("certificate", "later", (DOMAIN,)),
        ("rollover", "now", ("example.net", DOMAIN)),
    ]
    assert "publish the new record" in events[1].step
    assert not stale.certificates
    again = news_for(seen, news_for(stale, memory).memory).events
    assert not [event for event in again if event.topic in {"certificate", "rollover"}], "a check that paused tells nothing anew"


def test_the_last_successful_look_is_a_metric(lake, capsys):
    assert main(["--lake", str(lake), "metrics", "--as-of", str(DAY)]) == 0
    found = values(capsys.readouterr().out)
    assert found["tlsrpt_last_successful_look_seconds", "mailbox=rua"] == SEEN.timestamp()
    assert "tlsrpt_last_ingest_seconds" in {name for name, *_ in found}


def test_status_and_doctor_name_the_channel_that_fails_and_what_waits(lake, tmp_path, capsys):
    hook = ChannelSettings(name="hook", kind="webhook", url="http://127.0.0.1:9/x", tags=())
    (sent,) = notify(locate(lake), NotifySettings(channel=(hook,)), observed(book(4), 4), now=SEEN)
    assert sent.waiting == 1
    config = tmp_path / "tlsrpt.toml"
    config.write_text('[[notify.channel]]\nname = "hook"\nkind = "webhook"\nurl = "http://127.0.0.1:9/x"\n[trust]\ndkim = "off"\n')
    config.chmod(0o600)
    assert main(["--config", str(config), "--lake", str(lake), "status", "--format", "json"]) == 0
    (channel,) = json.loads(capsys.readouterr().out)["channels"]
    assert (channel["channel"], channel["waiting"], channel["failing_since"], channel["last_sent"]) == ("hook", 1, SEEN.isoformat(), None)
    assert main(["--config", str(config), "--lake", str(lake), "status"]) == 0
    told = capsys.readouterr()
    assert "Channel hook is failing since" in told.err
    assert "1 message waiting" in told.out
    assert main(["--config", str(config), "--lake", str(lake), "doctor"]) == 1
    assert "fail  channel hook: failing since" in capsys.readouterr().out
