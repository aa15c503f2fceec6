from __future__ import annotations

import time

import pytest

from pipeline.errors import ConfigError, TryAgainError, UnreachableError
from tests.dovecot import dovecot
from tests.mailbox.box import QUICK, Known, fetch_all, mail, mailbox
from tests.proxy import cut, drip, proxy, stall

pytestmark = pytest.mark.dovecot

MANY = [mail(number, size=3000) for number in range(1, 61)]
CONTENTS = dict(enumerate(MANY, start=1))


@pytest.fixture
def stocked(server, user):
    server.deliver_all(user.name, MANY)
    return user


# A TLS handshake and sign-in take up to 4,500 bytes with recent key exchanges: these cuts come later.
@pytest.mark.parametrize("after", [5_000, 6_000, 7_000, 30_000, 100_000, 180_000])
def test_a_cut_connection_is_made_again_and_nothing_is_lost(server, stocked, after):
    with proxy(server.port, [cut(after)]) as wire, mailbox(server, stocked, port=wire.port) as box:
        assert fetch_all(box) == CONTENTS
        assert wire.connections == 2
        assert box.reconnects == 1


def test_a_cut_during_the_tls_handshake_or_sign_in_is_try_again(server, stocked):
    with proxy(server.port, always=cut(500)) as wire, pytest.raises(TryAgainError) as caught:
        mailbox(server, stocked, port=wire.port).__enter__()
    assert caught.value.exit_code == 75


def test_a_connection_that_is_cut_again_and_again_still_gets_through(server, stocked):
    """The chunk is too large for what a connection lives: it is halved until it fits."""
    with proxy(server.port, always=cut(60_000)) as wire, mailbox(server, stocked, port=wire.port) as box:
        assert fetch_all(box) == CONTENTS
        assert box.unanswered == []
        assert box.reconnects > 3


def test_a_connection_that_never_gets_anywhere_ends_with_try_again(server, stocked):
    # Enough to sign in and to select the folder, and never enough for one message.
    faults = [cut(20_000)]
    with (
        proxy(server.port, faults, always=cut(3_200)) as wire,
        mailbox(server, stocked, port=wire.port, pace=QUICK._replace(losses=5)) as box,
        pytest.raises(TryAgainError, match="mailbox rua: "),
    ):
        fetch_all(box)


def test_a_stalled_connection_is_given_up_after_the_read_timeout_and_made_again(server, stocked):
    with proxy(server.port, [stall(50_000)]) as wire, mailbox(server, stocked, port=wire.port, read_timeout=0.4) as box:
        begun = time.monotonic()
        assert fetch_all(box) == CONTENTS
        assert time.monotonic() - begun < 30


def test_a_server_that_drips_is_ended_by_the_deadline(server, stocked):
    """Every byte comes well within the read timeout: only the deadline ends it."""
    with (
        proxy(server.port, always=drip(20_000, pause=0.02)) as wire,
        mailbox(server, stocked, port=wire.port, deadline=1.5, read_timeout=1.0) as box,
    ):
        begun = time.monotonic()
        with pytest.raises(TryAgainError, match=r"1\.5 seconds for one run \(deadline\) are used up"):
            fetch_all(box)
        assert time.monotonic() - begun < 30


def test_a_server_that_drips_from_its_first_byte_is_ended_as_well(server, stocked):
    with proxy(server.port, always=drip(0, pause=0.02)) as wire:
        begun = time.monotonic()
        with pytest.raises(TryAgainError):
            mailbox(server, stocked, port=wire.port, deadline=1.0, connect_timeout=0.7).__enter__()
        assert time.monotonic() - begun < 30


def test_chunks_before_the_deadline_stand(server, stocked):
    with (
        proxy(server.port, always=drip(60_000, pause=0.02)) as wire,
        mailbox(server, stocked, port=wire.port, deadline=1.5, read_timeout=1.0, pace=QUICK._replace(chunk_messages=10)) as box,
    ):
        box.open("INBOX")
        uids = box.new_uids(Known().missing)
        got = []

        def fetch() -> None:
            for chunk in box.fetch(uids):
                got.extend(fetched.content for fetched in chunk)

        with pytest.raises(TryAgainError):
            fetch()
    assert len(got) >= 10
    assert got == MANY[: len(got)]


def test_a_kick_in_the_middle_of_a_run_is_survived(server, stocked):
    with mailbox(server, stocked, pace=QUICK._replace(chunk_messages=10)) as box:
        box.open("INBOX")
        contents = {}
        for number, chunk in enumerate(box.fetch(box.new_uids(Known().missing))):
            if number in (1, 3):
                server.kick(stocked.name)
            contents |= {fetched.ref.uid: fetched.content for fetched in chunk}
        assert contents == CONTENTS
        assert box.reconnects == 2


def test_a_reconnect_selects_the_configured_folder_again(server, user):
    server.deliver_all(user.name, [mail(number) for number in range(100, 130)])
    server.deliver_all(user.name, [mail(number) for number in range(30)], folder="Reports")
    with mailbox(server, user, pace=QUICK._replace(chunk_messages=10)) as box:
        box.open("Reports")
        contents = []
        for chunk in box.fetch(box.new_uids(Known().missing)):
            contents += [fetched.content for fetched in chunk]
            server.kick(user.name)
    assert contents == [mail(number) for number in range(30)]


def test_another_uidvalidity_after_a_reconnect_ends_the_run(server, stocked):
    with mailbox(server, stocked, pace=QUICK._replace(chunk_messages=10)) as box:
        box.open("INBOX")
        chunks = box.fetch(box.new_uids(Known().missing))
        next(chunks)
        server.kick(stocked.name)
        server.set_uidvalidity(stocked.name, 4242)
        with pytest.raises(TryAgainError, match=r"was recreated while it was being read .*now 4242"):
            list(chunks)
    with mailbox(server, stocked) as box:
        assert box.open("INBOX").uidvalidity == 4242
        assert len(fetch_all(box)) == len(MANY)


def test_another_uidvalidity_in_an_open_session_ends_the_run(server, stocked):
    """Dovecot says that the session is inconsistent and hangs up."""
    with mailbox(server, stocked, pace=QUICK._replace(chunk_messages=10)) as box:
        box.open("INBOX")
        chunks = box.fetch(box.new_uids(Known().missing))
        next(chunks)
        server.set_uidvalidity(stocked.name, 777)
        with pytest.raises(TryAgainError, match="was recreated"):
            list(chunks)


def test_a_folder_that_is_deleted_during_a_run_is_said_to_be_missing(server, user):
    server.deliver_all(user.name, [mail(number) for number in range(30)], folder="Reports")
    with mailbox(server, user, pace=QUICK._replace(chunk_messages=10)) as box:
        box.open("Reports")
        chunks = box.fetch(box.new_uids(Known().missing))
        next(chunks)
        server.doveadm("mailbox", "delete", "-u", user.name, "Reports")
        server.kick(user.name)
        with pytest.raises(ConfigError, match="there is no folder Reports"):
            list(chunks)


def test_a_server_that_goes_away_for_good_ends_with_try_again():
    with dovecot() as own:
        user = own.add_user()
        own.deliver_all(user.name, MANY)
        with mailbox(own, user, pace=QUICK._replace(chunk_messages=10)) as box:
            box.open("INBOX")
            chunks = box.fetch(box.new_uids(Known().missing))
            next(chunks)
            own.stop()
            with pytest.raises(TryAgainError, match="mailbox rua"):
                list(chunks)
        with pytest.raises(UnreachableError):
            mailbox(own, user).__enter__()
