from __future__ import annotations

import os

import pytest

from pipeline.errors import ConfigError, SignInError
from pipeline.mailbox.imap import ImapMailbox
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.settings.mailbox_tables import OAuth2Settings
from tests.mailbox.box import QUICK, fetch_all, mail, mailbox, settings_for

pytestmark = pytest.mark.dovecot


class Tokens:
    """Hands out tokens one after the other; the last one stays."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)
        self.asked = 0
        self.forgotten = 0

    def __call__(self) -> str:
        self.asked += 1
        return self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]

    def forget(self) -> None:
        self.forgotten += 1


def _oauth(mechanism: str) -> OAuth2Settings:
    return OAuth2Settings(provider="command", mechanism=mechanism, token_command=("true",))


@pytest.mark.parametrize("mechanism", ["auto", "plain", "login"])
def test_a_password_signs_in(server, user, mechanism):
    server.deliver(user.name, mail(1))
    with mailbox(server, user, sign_in=mechanism) as box:
        assert fetch_all(box) == {1: mail(1)}


def test_a_password_beyond_ascii_signs_in_with_plain(server):
    user = server.add_user(password="pässwörd – 合言葉")
    with mailbox(server, user) as box:
        assert box.open("INBOX").exists == 0


def test_login_says_that_it_cannot_carry_a_password_beyond_ascii(server):
    user = server.add_user(password="pässwörd")
    with pytest.raises(ConfigError, match='use sign_in = "plain"'):
        mailbox(server, user, sign_in="login").__enter__()


@pytest.mark.parametrize("mechanism", ["plain", "login"])
def test_quotes_and_blanks_in_a_password_are_part_of_it(server, mechanism):
    user = server.add_user(password='a "quoted\\ one" {5}')
    with mailbox(server, user, sign_in=mechanism) as box:
        assert box.open("INBOX").exists == 0


@pytest.mark.parametrize("mechanism", ["plain", "login"])
def test_a_wrong_password_is_one_sentence_and_ends_with_77(server, user, mechanism):
    with pytest.raises(SignInError, match="refuses the sign-in of user") as caught:
        mailbox(server, user, sign_in=mechanism, password="wrong horse").__enter__()
    assert caught.value.exit_code == 77
    assert "wrong horse" not in str(caught.value)
    assert "b'" not in str(caught.value)


def test_a_control_character_in_a_password_is_not_sent(server, user):
    with pytest.raises(ConfigError, match="control character"):
        mailbox(server, user, password="one\r\nA1 LOGOUT").__enter__()


def test_a_password_comes_from_a_file(server, user, tmp_path):
    (tmp_path / "secret").write_text(user.password + "\n")
    with mailbox(server, user, password=None, password_file=str(tmp_path / "secret")) as box:
        assert box.open("INBOX").exists == 0


def test_a_password_file_that_is_missing_is_a_mistake_of_the_configuration(server, user, tmp_path):
    with pytest.raises(ConfigError, match="password_file"):
        mailbox(server, user, password=None, password_file=str(tmp_path / "nowhere")).__enter__()


@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
def test_a_token_signs_in(server, user, mechanism):
    server.deliver(user.name, mail(1))
    tokens = Tokens(server.token(user.name))
    with mailbox(server, user, oauth2=_oauth(mechanism), token=tokens) as box:
        assert fetch_all(box) == {1: mail(1)}
    assert tokens.asked == 1


@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
def test_an_expired_token_is_refused_and_not_shown(server, user, mechanism):
    expired = server.token(user.name, seconds=-60)
    tokens = Tokens(expired)
    with pytest.raises(SignInError, match=r"refuses the sign-in .* token") as caught:
        mailbox(server, user, oauth2=_oauth(mechanism), token=tokens).__enter__()
    assert expired not in str(caught.value)
    assert (tokens.asked, tokens.forgotten) == (2, 1)


@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
def test_a_refused_token_is_dropped_and_a_fresh_one_tried(server, user, mechanism):
    tokens = Tokens(server.token(user.name, seconds=-60), server.token(user.name))
    with mailbox(server, user, oauth2=_oauth(mechanism), token=tokens) as box:
        assert box.open("INBOX").exists == 0
    assert tokens.forgotten == 1


def test_a_token_of_somebody_else_opens_nothing(server, user):
    tokens = Tokens(server.token(server.add_user().name))
    with pytest.raises(SignInError):
        mailbox(server, user, oauth2=_oauth("xoauth2"), token=tokens).__enter__()


def test_a_token_is_asked_for_again_at_every_reconnect(server, user):
    server.deliver_all(user.name, [mail(number) for number in range(30)])
    tokens = Tokens(server.token(user.name))
    with mailbox(server, user, oauth2=_oauth("oauthbearer"), token=tokens) as box:
        box.open("INBOX")
        server.kick(user.name)
        assert len(fetch_all(box)) == 30
    assert tokens.asked == 2


def test_a_token_command_gives_the_token(server, user, tmp_path):
    script = tmp_path / "token"
    script.write_text(f"#!/bin/sh\necho {server.token(user.name)}\n")
    script.chmod(0o700)
    oauth2 = OAuth2Settings(provider="command", token_command=(str(script),))
    with ImapMailbox(settings_for(server, user, oauth2=oauth2, password=None), DEFAULT_LIMITS, pace=QUICK) as box:
        assert box.open("INBOX").exists == 0


def test_a_token_command_that_fails_says_so_without_its_output(server, user):
    oauth2 = OAuth2Settings(provider="command", token_command=("sh", "-c", "echo top-secret >&2; exit 3"))
    with pytest.raises(ConfigError, match="ended with 3") as caught:
        ImapMailbox(settings_for(server, user, oauth2=oauth2), DEFAULT_LIMITS).__enter__()
    assert "top-secret" not in str(caught.value)
    assert "top-secret" not in os.environ
