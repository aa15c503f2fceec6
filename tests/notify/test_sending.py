"""Sending, against real receivers: HTTP servers that fail, hang up and redirect, an SMTP server, a file."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller

from pipeline.errors import ConfigError
from pipeline.lake.storage.locate import locate
from pipeline.lake.storage.location import Location
from pipeline.notify.channel_message import message_of
from pipeline.notify.channels import CHANNEL_THREAD, SendError, channel_of
from pipeline.notify.kept_notes import boxes_of
from pipeline.notify.notice import Notice
from pipeline.notify.notifier import notify, would_send
from pipeline.settings.notice_tables import ChannelSettings, NotifySettings
from tests.insight.book import MX1
from tests.notify.receivers import receiver
from tests.notify.test_news import book, observed
from tests.ports import free_ports

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
HOSTILE = "x]</b><!channel> @everyone [a](https://evil.example) `rm` \x1b[31m\u202e*z*"


@pytest.fixture
def location(tmp_path) -> Location:
    book(4).write(tmp_path / "lake")
    return locate(str(tmp_path / "lake"))


def webhook(url: str, name: str = "hook") -> ChannelSettings:
    return ChannelSettings(name=name, kind="webhook", url=url, tags=())


def test_each_event_is_posted_once_with_its_key(location):
    with receiver() as server:
        settings = NotifySettings(channel=(webhook(server.url),), link="https://tls.example.org/")
        for last in (4, 8, 8, 9):
            notify(location, settings, observed(book(last), last), now=NOW)
    bodies = server.bodies
    assert [[event["kind"] for event in body["events"]] for body in bodies] == [["summary"], ["new"]]
    assert bodies[1]["events"][0]["link"].startswith("https://tls.example.org/incident?id=")
    assert [headers["Idempotency-Key"] for _, headers, _ in server.requests] == [body["key"] for body in bodies]


def test_a_server_that_never_answers_is_given_up_and_what_it_was_to_hear_is_kept(location, monkeypatch):
    monkeypatch.setattr("pipeline.notify.channels.TIMEOUT", 0.3)
    with receiver(-1, 200) as server:
        settings = NotifySettings(channel=(webhook(server.url),))
        (sent,) = notify(location, settings, observed(book(4), 4), now=NOW)
        assert (sent.events, sent.waiting, bool(sent.error)) == (0, 1, True)
        (sent,) = notify(location, settings, observed(book(4), 4), now=NOW + timedelta(minutes=2))
        assert (sent.events, sent.waiting) == (1, 0)
        first, again = (headers["Idempotency-Key"] for _, headers, _ in server.requests)
        assert first == again, "it may have been heard: the key says so"


@pytest.mark.parametrize("kind", ["webhook", "apprise", "alertmanager"])
def test_a_server_that_trickles_bytes_is_given_up(location, monkeypatch, kind):
    monkeypatch.setattr("pipeline.notify.channels.LONGEST", 0.5)
    with receiver(-2) as server:
        url = server.url.replace("http", "json") if kind == "apprise" else server.url
        settings = NotifySettings(channel=(ChannelSettings(name="hook", kind=kind, url=url, tags=()),))
        (sent,) = notify(location, settings, observed(book(4), 4), now=NOW)
    for left in [thread for thread in threading.enumerate() if thread.name == CHANNEL_THREAD]:
        left.join(120)  # it ends with the server
    assert (sent.events, sent.error) == (0, "it was not done within 0.5 seconds")


def test_a_channel_that_fails_is_tried_again_with_the_same_key_and_does_not_stop_another(location):
    with receiver(503, 0, 200) as bad, receiver() as good:
        settings = NotifySettings(channel=(webhook(bad.url, "bad"), webhook(good.url, "good")))
        seen = observed(book(4), 4)
        first = notify(location, settings, seen, now=NOW)
        assert [(one.channel, one.waiting, bool(one.error)) for one in first] == [("bad", 1, True), ("good", 0, False)]
        assert boxes_of(location)["bad"].failing_since == NOW
        assert notify(location, settings, seen, now=NOW + timedelta(seconds=30))[0].events == 0, "too early"
        notify(location, settings, seen, now=NOW + timedelta(minutes=2))
        assert notify(location, settings, seen, now=NOW + timedelta(minutes=10))[0].events == 1
    assert len({body["key"] for body in bad.bodies}) == 1
    assert len(bad.requests) == 3
    assert len(good.requests) == 1
    assert boxes_of(location)["bad"].failing_since is None


def test_a_redirect_is_not_followed(location):
    with receiver(302) as server:
        (sent,) = notify(location, NotifySettings(channel=(webhook(server.url),)), observed(book(4), 4), now=NOW)
    assert "302" in sent.error
    assert [path for path, _, _ in server.requests] == ["/hook"]


def test_an_error_never_shows_the_address_of_a_channel(location):
    secret = "http://127.0.0.1:9/s3cret-token"  # the discard port: nobody listens
    (sent,) = notify(location, NotifySettings(channel=(webhook(secret),)), observed(book(4), 4), now=NOW)
    assert sent.error
    assert "s3cret" not in sent.error
    with pytest.raises(ConfigError) as err:
        channel_of(ChannelSettings(name="x", url="nosuch://s3cret-token"), "").send(message(), NOW)
    assert "s3cret" not in str(err.value)


def test_most_are_told_and_the_others_counted(location):
    domains = [f"d{number}.example" for number in range(6)]
    with receiver() as server:
        settings = NotifySettings(channel=(webhook(server.url),), most=2)
        notify(location, settings, observed(book(4), 4), now=NOW)
        many = observed(book(8, domains=tuple(domains)), 8)
        apart = tuple(replace(incident, mx_hosts=(f"mx.{incident.domain}",), fault_id="") for incident in many.incidents)
        spread = replace(many, incidents=apart)
        notify(location, settings, spread, now=NOW)
    assert (len(server.bodies[1]["events"]), server.bodies[1]["left_out"]) == (2, 4)


def test_a_dry_run_sends_and_remembers_nothing(location):
    with receiver() as server:
        settings = NotifySettings(channel=(webhook(server.url),))
        for _ in range(2):
            assert [event.kind for event in would_send(location, settings, observed(book(4), 4))["hook"]] == ["summary"]
        assert server.requests == []


def test_tags_choose_what_a_channel_gets(location):
    with receiver() as server:
        urgent = webhook(server.url).model_copy(update={"tags": ("now",)})
        settings = NotifySettings(channel=(urgent,))
        notify(location, settings, observed(book(4), 4), now=NOW)
        notify(location, settings, observed(book(8), 8), now=NOW)
    assert len(server.requests) == 1, "a fault of a policy in testing can wait"


def test_lines_for_a_siem_are_one_json_object_each(location, tmp_path):
    lines = ChannelSettings(name="siem", kind="lines", path=str(tmp_path / "events.jsonl"), tags=())
    for last in (4, 8):
        notify(location, NotifySettings(channel=(lines,)), observed(book(last), last), now=NOW)
    written = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["kind"] for line in written] == ["summary", "new"]
    assert written[1]["domains"] == ["example.org"]
    assert (tmp_path / "events.jsonl").stat().st_mode & 0o007 == 0


# -- mail --------------------------------------------------------------------------------------------------------------


class Inbox:
    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, _server, _session, envelope) -> str:  # noqa: N802 -- aiosmtpd's name
        self.mails.append(envelope.content)
        return "250 OK"


@contextmanager
def mail_server():
    inbox = Inbox()
    (port,) = free_ports(1)
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield inbox, port
    finally:
        controller.stop()


def message(title: str = "title"):
    return message_of([Notice("fault:x", "fault", "new", "now", "1", (), title, title, title)], most=5, link="")


def test_a_notice_goes_out_as_mail():
    with mail_server() as (inbox, port):
        url = f"mailto://127.0.0.1:{port}?from=tls@example.org&to=ops@example.org&mode=insecure&smtp=127.0.0.1&name=tls"
        channel_of(ChannelSettings(name="mail", url=url), "").send(message(), NOW)
    (raw,) = inbox.mails
    mail = message_from_bytes(raw, policy=policy.default)
    assert mail["Subject"] == "TLS reports: title"
    body = mail.get_body(("plain",)).get_content()
    assert "NEW: title" in body
    assert "(notice " in body, "the key is in the message"


def test_nothing_of_a_hostile_name_is_obeyed_by_any_format():
    sent = message(HOSTILE)
    for text in (sent.subject, sent.text):
        assert not set("<>`*|[]@#~\x1b\u202e") & set(text)
    with mail_server() as (inbox, port):
        url = f"mailto://127.0.0.1:{port}?from=tls@example.org&to=ops@example.org&mode=insecure&smtp=127.0.0.1&format=html"
        channel_of(ChannelSettings(name="mail", url=url), "").send(sent, NOW)
    html = message_from_bytes(inbox.mails[0], policy=policy.default).get_body(("html",)).get_content()
    assert "</b>" not in html
    assert "href" not in html


def test_a_mail_server_that_is_not_there_is_a_failure_and_no_traceback():
    with pytest.raises(SendError):
        channel_of(ChannelSettings(name="mail", url="mailto://127.0.0.1:9?from=a@example.org&to=b@example.org&mode=insecure"), "").send(
            message(), NOW
        )


def test_the_host_that_fails_is_named(location):
    with receiver() as server:
        settings = NotifySettings(channel=(webhook(server.url),))
        for last in (4, 8):
            notify(location, settings, observed(book(last), last), now=NOW)
    assert MX1 in server.bodies[1]["events"][0]["title"]
