"""Microsoft Graph, at a server of our own that speaks it as documented: throttled, with tokens that expire, while mails move."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest

from pipeline.errors import ConfigError, SignInError, TryAgainError, UnreachableError
from pipeline.ingest.graph_source import GraphSource
from pipeline.mailbox import graph
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.settings.mailbox_tables import MailboxSettings
from tests.ingest.graph_server import USER, graph_server
from tests.report_mails import NOT_A_REPORT, mail

OPEN = []


@pytest.fixture
def box():
    with graph_server() as running:
        yield running
        while OPEN:
            OPEN.pop().close()


def source(box, limits=DEFAULT_LIMITS, **settings):
    port = int(box.url.rpartition(":")[2])
    oauth2 = {"provider": "command", "token_command": ("true",)}
    given = {"name": "m365", "kind": "graph", "host": "127.0.0.1", "port": port, "tls": "none", "user": USER, "oauth2": oauth2, **settings}
    one = GraphSource(MailboxSettings(**given), limits)
    one._graph._tokens = Tokens(box)
    OPEN.append(one)
    return one


class Tokens:
    """The server's own, as it was when one was last asked for."""

    def __init__(self, box):
        self.box, self.held = box, box.token

    def __call__(self):
        return self.held

    def forget(self):
        self.held = self.box.token
        self.box.tokens_asked += 1


def test_mails_come_as_they_are_over_pages_oldest_first(box):
    names = [box.deliver(mail(number)) for number in range(8)]
    one = source(box)
    assert one.names() == names
    fetched = list(one.fetch(names))
    assert [each.content for each in fetched] == [mail(number) for number in range(8)]
    assert {(each.ref.account, each.ref.folder, each.bare) for each in fetched} == {("m365", "INBOX", False)}
    assert fetched[0].received_at < fetched[1].received_at < datetime(2026, 5, 1, tzinfo=UTC)
    assert [each.ref.item for each in fetched] == names


def test_throttling_and_tokens_that_expire_cost_patience_and_nothing_else(box):
    names = [box.deliver(mail(number)) for number in range(12)]
    box.throttle_every, box.expire_every = 3, 7
    one = source(box, after="delete")
    assert one.names() == names
    assert len(list(one.fetch(names))) == 12
    one.treat((name, "stored") for name in names)
    assert box.messages == {}
    assert box.tokens_asked > 1


def test_a_long_wait_ends_the_run_and_says_until_when(box):
    box.deliver(mail(1))
    box.throttle_every, box.retry_after = 1, "600"
    with pytest.raises(TryAgainError, match="busy") as busy:
        source(box).names()
    assert (busy.value.not_before - datetime.now(UTC)).total_seconds() > 400


def test_a_server_that_stays_busy_is_left_to_the_next_run(box, monkeypatch):
    monkeypatch.setattr(graph.time, "sleep", lambda _seconds: None)
    box.deliver(mail(1))
    box.throttle_every, box.retry_after = 1, "junk"
    with pytest.raises(TryAgainError, match="429"):
        source(box).names()
    assert len(box.asked) == 4


def test_what_is_moved_or_deleted_meanwhile_is_left_out(box):
    first, second, third = (box.deliver(mail(number)) for number in range(3))
    one = source(box, after="move", move_to={"processed": "Erledigt"})
    names = one.names()
    del box.messages[second]
    box.messages[third] = ("id/done=", mail(2), 1)
    assert [each.ref.item for each in one.fetch(names)] == [first, third], "an immutable id outlives a move"
    one.treat((name, "stored") for name in names)
    assert {each[0] for each in box.messages.values()} == {"id/done="}


@pytest.mark.parametrize("after", ["seen", "delete", "move"])
def test_only_what_was_read_and_is_a_report_is_touched(box, after):
    report, other, waiting = box.deliver(mail(1)), box.deliver(NOT_A_REPORT), box.deliver(mail(2))
    one = source(box, after=after, move_to={"processed": "Erledigt"})
    one.names()
    for _ in range(2):
        one.treat([(report, "stored"), (other, "not_tlsrpt"), (waiting, "pending")])
    touched = {
        "seen": box.read,
        "delete": {report} - set(box.messages),
        "move": {name for name, each in box.messages.items() if each[0] == "id/done="},
    }[after]
    assert touched == {report}
    assert {other, waiting} <= set(box.messages)


def test_a_mail_that_is_too_large_is_not_held(box):
    box.deliver(b"x" * 500_000)
    one = source(box, DEFAULT_LIMITS._replace(message_bytes=1000))
    (fetched,) = one.fetch(one.names())
    assert fetched.content is None
    assert fetched.size_bytes > 1000


def test_a_mail_that_is_cut_is_read_again_by_the_next_run(box):
    name = box.deliver(mail(1))
    box.cut_value = True
    one = source(box)
    names = one.names()
    with pytest.raises(TryAgainError, match="does not answer"):
        list(one.fetch(names))
    box.cut_value = False
    assert [each.content for each in source_again(one, [name])] == [mail(1)]


def source_again(one, names):
    one.names()
    return one.fetch(names)


@pytest.mark.parametrize(("method", "permission"), [("GET", "Mail.Read "), ("DELETE", "Mail.ReadWrite ")])
def test_a_missing_permission_is_named_and_no_words_of_the_server_are_repeated(box, method, permission):
    name = box.deliver(mail(1))
    box.refuse[method] = "ErrorAccessDenied"
    one = source(box, after="delete")

    def go():
        one.names()
        one.treat([(name, "stored")])

    with pytest.raises(SignInError, match=f"403 ErrorAccessDenied.*{permission}") as refused:
        go()
    assert "words" not in str(refused.value)


def test_what_is_not_there_is_said(box):
    with pytest.raises(ConfigError, match="no mailbox"):
        source(box, user="nobody@example.org").names()
    with pytest.raises(ConfigError, match="no folder Berichte"):
        source(box, folder="Berichte").names()
    box.deliver(mail(1))
    assert source(box, folders=("Erledigt",)).count() == "1 messages in INBOX, 0 messages in Erledigt"
    box.token = "another"
    one = source(box)
    one._graph._tokens.forget = lambda: None
    box.token = "a third"
    with pytest.raises(SignInError, match="401"):
        one.names()
    with pytest.raises(UnreachableError):
        source(box, port=9).names()


def test_a_next_page_elsewhere_gets_no_token(box):
    for number in range(8):
        box.deliver(mail(number))
    box.url = "http://192.0.2.1"
    one = source_at(box)
    with pytest.raises(UnreachableError, match="another server"):
        one.names()


def source_at(box):
    """A source at where the server is, whatever it says of itself."""
    said, box.url = box.url, box.here
    try:
        return source(box)
    finally:
        box.url = said


@pytest.mark.parametrize("settings", [{"kind": "graph"}, {"kind": "imap"}])
def test_each_kind_needs_its_settings(settings):
    with pytest.raises(ValueError, match=r"oauth2|host"):
        MailboxSettings(name="a", user="u", **settings)


def test_without_its_extra_it_is_one_sentence(box, monkeypatch):
    one = source(box)
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(ConfigError, match=r"mailbox m365 needs the extra `microsoft`: httpx is not installed"):
        one.names()
