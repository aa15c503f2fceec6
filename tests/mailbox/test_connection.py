from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.errors import ConfigError, TryAgainError, UnreachableError
from tests.authority import Authority
from tests.dovecot import dovecot
from tests.mailbox.box import mailbox
from tests.mailbox.scripted import scripted
from tests.mailbox.test_odd_servers import Here

pytestmark = pytest.mark.dovecot


def test_starttls_is_verified_and_works(server, user):
    with mailbox(server, user, tls="starttls", port=server.plain_port) as box:
        assert box.open("INBOX").uidnext == 1


def test_starttls_with_a_certificate_of_an_unknown_authority_is_refused(server, user):
    with pytest.raises(UnreachableError, match="does not verify"):
        mailbox(server, user, tls="starttls", port=server.plain_port, ca_file="").__enter__()


def test_no_tls_at_all_works_on_loopback(server, user):
    with mailbox(server, user, tls="none", host="127.0.0.1", port=server.plain_port) as box:
        assert box.open("INBOX").uidnext == 1


def test_a_certificate_of_an_unknown_authority_is_refused(server, user):
    with pytest.raises(UnreachableError, match=r"does not verify: .*; set ca_file") as caught:
        mailbox(server, user, ca_file="").__enter__()
    assert caught.value.exit_code == 69


@pytest.fixture(scope="module")
def late_server():
    with dovecot(days=(-90, -3)) as running:
        yield running


@pytest.mark.parametrize(("tls", "port"), [("implicit", "port"), ("starttls", "plain_port")])
def test_an_expired_certificate_is_said_to_be_that_with_whose_it_is_and_since_when(late_server, user, tls, port):
    with pytest.raises(UnreachableError) as caught:
        mailbox(late_server, user, tls=tls, port=getattr(late_server, port)).__enter__()
    said = str(caught.value)
    assert (caught.value.exit_code, "ca_file" in said) == (69, False)
    ended = datetime.now(UTC) - timedelta(days=3)
    assert f"the certificate of localhost:{getattr(late_server, port)} (for localhost) has expired on {ended:%Y-%m-}" in said
    assert "3 days ago; the operator of that mail server has to renew it" in said


def test_a_certificate_of_another_authority_is_refused(server, user, tmp_path):
    (tmp_path / "other.pem").write_bytes(Authority("another CA").certificate_pem)
    with pytest.raises(UnreachableError, match=r"does not verify: .*; check ca_file"):
        mailbox(server, user, ca_file=str(tmp_path / "other.pem")).__enter__()


def test_a_certificate_for_another_name_is_refused(server, user, monkeypatch):
    found = socket.getaddrinfo
    monkeypatch.setattr("socket.getaddrinfo", lambda _, *more, **rest: found("127.0.0.1", *more, **rest))
    with pytest.raises(UnreachableError, match="does not verify"):
        # The certificate is for localhost and 127.0.0.1.
        mailbox(server, user, host="mail.example.org").__enter__()


def test_a_ca_file_that_is_missing_is_a_mistake_of_the_configuration(server, user, tmp_path):
    with pytest.raises(ConfigError, match=r"ca_file .* cannot be used"):
        mailbox(server, user, ca_file=str(tmp_path / "nowhere.pem")).__enter__()


def test_a_ca_file_that_holds_no_certificate_is_a_mistake_of_the_configuration(server, user, tmp_path):
    (tmp_path / "empty.pem").write_text("no certificate\n")
    with pytest.raises(ConfigError, match=r"ca_file .* cannot be used"):
        mailbox(server, user, ca_file=str(tmp_path / "empty.pem")).__enter__()


def test_an_unknown_host_is_one_sentence(server, user):
    with pytest.raises(UnreachableError, match=r"the host of imap\.nowhere\.invalid:\d+ cannot be found"):
        mailbox(server, user, host="imap.nowhere.invalid").__enter__()


def test_a_port_where_nobody_listens_is_one_sentence(server, user):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(UnreachableError, match="cannot be reached"):
            mailbox(server, user, port=unused.getsockname()[1]).__enter__()


def test_a_port_that_speaks_no_tls_is_one_sentence(server, user):
    with pytest.raises(UnreachableError, match=r'does not speak TLS here .* "implicit" or "starttls"'):
        mailbox(server, user, port=server.plain_port).__enter__()


@pytest.mark.parametrize("tls", ["none", "starttls"])
def test_a_port_for_tls_from_the_first_byte_is_named_soon(server, user, tls):
    """The server waits for us, and we would wait for its greeting for as long as for any answer."""
    begun = time.monotonic()
    with pytest.raises(UnreachableError, match=r'expects TLS from the first byte; set tls = "implicit"') as caught:
        mailbox(server, user, tls=tls, connect_timeout=0.5, read_timeout=60.0).__enter__()
    assert time.monotonic() - begun < 40
    assert caught.value.exit_code == 69


def test_a_slow_greeting_is_waited_for(user):
    with (
        scripted(capability=b"IMAP4rev1", answers={b"LOGIN": b"TAG OK done\r\n"}, patience=0.5) as slow,
        mailbox(Here(slow), user, tls="none", connect_timeout=0.2, read_timeout=10.0) as box,
    ):
        assert "IMAP4REV1" in box.capabilities()


@pytest.mark.parametrize("alert", [40, 70, 71], ids=["handshake_failure", "protocol_version", "insufficient_security"])
def test_a_handshake_that_fails_is_not_a_port_without_tls(server, user, alert):
    with (
        scripted(b"\x15\x03\x03\x00\x02\x02" + bytes([alert])) as fake,
        pytest.raises(UnreachableError, match=r"handshake .* failed") as caught,
    ):
        mailbox(server, user, port=fake.port).__enter__()
    assert "does not speak TLS" not in str(caught.value)


def test_a_server_that_says_nothing_ends_with_try_again(server, user):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        with pytest.raises(TryAgainError, match="does not answer"):
            mailbox(server, user, port=silent.getsockname()[1], connect_timeout=0.3, read_timeout=0.3).__enter__()
        assert time.monotonic() - begun < 30


def test_a_server_that_offers_no_starttls_is_not_given_the_password(server, user):
    with scripted(b"* OK hello\r\n", capability=b"IMAP4rev1 AUTH=PLAIN") as fake:
        with pytest.raises(UnreachableError, match="offers no STARTTLS"):
            mailbox(server, user, tls="starttls", port=fake.port).__enter__()
        assert not any(b"LOGIN" in line or b"AUTHENTICATE" in line for line in fake.lines)


def test_a_server_that_is_already_signed_in_before_starttls_is_not_believed(server, user):
    """RFC 9051 §11.1: PREAUTH would leave the session in the clear."""
    with (
        scripted(b"* PREAUTH welcome back\r\n", capability=b"IMAP4rev1 STARTTLS") as fake,
        pytest.raises((UnreachableError, TryAgainError)),
    ):
        mailbox(server, user, tls="starttls", port=fake.port).__enter__()


def test_a_folder_that_is_missing_is_answered_with_those_that_exist(server, user):
    server.deliver(user.name, mail_in_reports := b"From: a@example.org\r\n\r\n", folder="Reports/2026")
    assert mail_in_reports
    with mailbox(server, user) as box, pytest.raises(ConfigError, match=r"there is no folder Report; the folders are: .*INBOX.*") as caught:
        box.open("Report")
    assert "Reports/2026" in str(caught.value)


def test_a_folder_with_a_name_beyond_ascii_is_found(server, user):
    server.doveadm("mailbox", "create", "-u", user.name, "Berichte für & über")
    with mailbox(server, user) as box:
        assert box.open("Berichte für & über").exists == 0


def test_leaving_and_entering_twice_leaves_no_connection_behind(server, user):
    for _ in range(3):
        with mailbox(server, user) as box:
            box.open("INBOX")
    assert user.name not in server.doveadm("who", user.name)


def test_a_server_says_what_it_can_do(server, server_without_move, user):
    with mailbox(server, user) as box:
        assert {"IMAP4REV1", "MOVE", "UIDPLUS", "IDLE"} <= box.capabilities()
    with mailbox(server_without_move, server_without_move.add_user()) as box:
        assert "MOVE" not in box.capabilities()
