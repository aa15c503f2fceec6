"""The digest: what it says of a good week, a bad one, one without reports, and how it looks."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

from pipeline.cli import main
from pipeline.insight.ground import Ground
from pipeline.insight.told_incidents import remembered
from pipeline.lake.storage.locate import locate
from pipeline.notify.channel_message import message_of
from pipeline.notify.digest import DigestDays, NotCounted, Totals, digest_of
from pipeline.notify.digest_page import as_html, as_text
from pipeline.notify.kept_notes import boxes_of
from pipeline.notify.mutes import Mute
from pipeline.notify.notice import lineage_of
from pipeline.notify.observed import Certificate, MailboxState
from pipeline.notify.told_and_muted import told_of
from tests.insight.asking import as_of
from tests.insight.book import DOMAIN, MX1
from tests.notify.test_news import book, line, observed
from tests.notify.test_sending import HOSTILE, mail_server

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)


_SOME = Totals(1_000, 900, 80, 20, 0.9)


def days(seen, *, totals=_SOME, **more) -> DigestDays:
    until = seen.as_of - timedelta(days=2)
    given = {"left_out": (), "verdicts_before": (), "mutes": ()} | more
    return DigestDays(since=until - timedelta(days=6), until=until, observed=seen, totals=totals, **given)


def headings(text: str) -> list[str]:
    return re.findall(r"(?m)^(\w[\w -]*)\n  - ", text)


def test_a_week_with_everything_in_it():
    seen = observed(
        book(8, domains=(DOMAIN, "example.net")),
        8,
        coverage=(line("google.com", "reporting"), line("mail.ru", "silent")),
        certificates=(Certificate(DOMAIN, MX1, as_of(8) + timedelta(days=20)),),
        mailboxes=(MailboxState("rua", NOW, None, "The server refused the sign-in."),),
        verdicts=((DOMAIN, "not-ready"),),
    )
    text = as_text(
        digest_of(days(seen, left_out=(NotCounted("their sender was not authenticated", 300),), verdicts_before=((DOMAIN, "ready"),)))
    )
    assert headings(text) == [
        "Reading the mailboxes",
        "Began",
        "Verdicts that changed",
        "Senders",
        "Certificates and roll-overs",
        "Not counted",
    ]
    assert " ".join(text.split()).startswith(
        "Of 1,000 sessions reported by 2 senders, 90.0% were authenticated and 80 failed; 20 found no policy. 1 open fault"
    )
    assert text.count(MX1) >= 2
    assert "300 reports: their sender was not authenticated" in text


def test_what_goes_on_and_what_ended_are_told_apart():
    assert headings(as_text(digest_of(days(observed(book(20), 20))))) == ["Continues"]
    assert headings(as_text(digest_of(days(observed(book(24, until=20), 24))))) == ["Ended"]


def test_a_quiet_week_still_says_how_things_are():
    text = as_text(digest_of(days(observed(book(4), 4))))
    assert headings(text) == []
    assert "No open fault on your side." in text


def test_a_quiet_week_that_ends_in_days_without_counted_reports_says_up_to_when_it_is_known():
    seen = observed(book(4), 4)
    last = seen.as_of - timedelta(days=5)
    known = Ground(
        last - timedelta(days=20), seen.as_of, 100, 5, 2, 5, (), 5, (), (), last_day=last, complete_until=seen.as_of - timedelta(days=2)
    )
    digest = digest_of(days(replace(seen, ground=known)))
    assert f"No open fault on your side up to {last}; nothing is known of the days since." in " ".join(as_text(digest).split())
    assert f"no open fault up to {last}" in digest.subject


def test_a_week_without_counted_reports_never_says_that_nothing_failed():
    digest = digest_of(days(observed(book(4), 4), totals=Totals(0, 0, 0, 0, None)))
    assert "nothing is known" in digest.subject
    assert "not the same as nothing failing" in digest.opening


def test_a_muted_fault_is_listed_as_such_with_reason_and_end():
    seen = observed(book(8), 8)
    mute = Mute(
        lineage_of(seen.incidents[0]), "the old relay", None, "being replaced", "ops", as_of(8), tuple(map(remembered, seen.incidents))
    )
    text = as_text(digest_of(days(seen, mutes=(mute,))))
    assert headings(text) == ["Muted"]
    assert "the old relay, until it is over or until it gets worse; by ops" in text


def test_nothing_hostile_reaches_the_page():
    seen = observed(book(8), 8)
    hostile = replace(seen, incidents=tuple(replace(one, mx_hosts=(HOSTILE,), reporters=(HOSTILE,)) for one in seen.incidents))
    page = as_html(digest_of(days(hostile)))
    assert "</b>" not in page
    assert "<!channel>" not in page
    assert not re.search(r"(?i)(src|href|url\()", page), "nothing from outside"


def test_the_command_prints_both_and_mails_one(tmp_path, capsys):
    lake = book(8).write(tmp_path / "lake")
    with mail_server() as (inbox, port):
        config = tmp_path / "tlsrpt.toml"
        url = f"mailto://127.0.0.1:{port}?from=tls@example.org&to=ops@example.org&mode=insecure&smtp=127.0.0.1"
        config.write_text(
            f'[lake]\npath = "{lake}"\n[trust]\nreporters = ["google.com", "microsoft.com"]\n'
            f'[[notify.channel]]\nname = "weekly"\nurl = "{url}"\ntags = ["digest"]\n',
            encoding="utf-8",
        )
        words = ["--config", str(config), "digest", "--as-of", str(as_of(8))]
        assert main(words) == 0
        assert "Began" in capsys.readouterr().out
        assert main([*words, "--format", "html"]) == 0
        assert capsys.readouterr().out.startswith("<!doctype html>")
        assert main([*words, "--send"]) == 0
    (told,) = told_of(boxes_of(locate(lake)))
    assert main(["--config", str(config), "digest", "--as-of", str(as_of(8)), "--send"]) == 75, "the server is gone"
    assert "it is kept" in capsys.readouterr().err
    (waiting,) = boxes_of(locate(lake))["weekly"].pending
    message = message_of(waiting.events, most=10, link="")
    assert (message.subject, message.text) == (told.notice.title, waiting.events[0].what)
    assert message.text.startswith("Of ")
    assert (told.channels, told.notice.topic, told.notice.title[:11]) == (("weekly",), "digest", "TLS reports")
    mail = message_from_bytes(inbox.mails[0], policy=policy.default)
    assert mail["Subject"].startswith("TLS reports, 2026-")
    assert "Began" in mail.get_body(("html",)).get_content()
