from __future__ import annotations

import builtins
import importlib
import json
import stat
import subprocess
import sys
import threading
import urllib.request

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from pipeline import extras
from pipeline.errors import ConfigError, SignInError, TryAgainError, UnreachableError
from pipeline.mailbox.oauth import sign_in_interactively, token_source
from pipeline.mailbox.oauth_files import write_private
from pipeline.settings.mailbox_tables import MailboxSettings, OAuth2Settings
from tests.mailbox.token_server import token_server


@pytest.fixture
def tokens(tmp_path, monkeypatch):
    with token_server(tmp_path) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        yield server


@pytest.fixture(scope="module")
def rsa_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def box(**oauth2) -> MailboxSettings:
    return MailboxSettings(name="rua", host="localhost", user="rua@example.org", oauth2=OAuth2Settings(**oauth2))


def microsoft(tokens, tmp_path, **changes) -> MailboxSettings:
    (tmp_path / "secret").write_text("the-secret\n")
    given = {"provider": "microsoft", "client_id": "client-1", "authority": f"{tokens.url}/tenant", "tenant": "tenant"}
    return box(**(given | ({"client_secret_file": str(tmp_path / "secret")} if not changes else {}) | changes))


class TestMicrosoftClientCredentials:
    def test_a_secret_gives_a_token(self, tokens, tmp_path):
        source = token_source(microsoft(tokens, tmp_path))
        assert source() == "token-1"
        (asked,) = tokens.asked
        assert asked["grant_type"] == "client_credentials"
        assert asked["client_secret"] == "the-secret"
        assert asked["scope"] == "https://outlook.office365.com/.default"

    def test_a_token_that_is_still_valid_is_not_asked_for_again(self, tokens, tmp_path):
        source = token_source(microsoft(tokens, tmp_path))
        assert [source(), source()] == ["token-1", "token-1"]
        assert len(tokens.asked) == 1

    def test_a_token_that_is_about_to_expire_is_replaced(self, tokens, tmp_path):
        tokens.answers = [(200, {"expires_in": 60}), (200, {})]
        source = token_source(microsoft(tokens, tmp_path))
        assert [source(), source()] == ["token-1", "token-2"]

    def test_a_token_that_was_refused_is_replaced(self, tokens, tmp_path):
        source = token_source(microsoft(tokens, tmp_path))
        source()
        source.forget()
        assert source() == "token-2"

    def test_a_certificate_signs_the_request(self, tokens, tmp_path, rsa_key):
        certificate = subprocess.run(
            ["openssl", "req", "-x509", "-key", "/dev/stdin", "-subj", "/CN=tlsrpt", "-days", "2"],
            input=rsa_key.encode(),
            capture_output=True,
            check=True,
        ).stdout.decode()
        (tmp_path / "client.pem").write_text(certificate + rsa_key)
        source = token_source(microsoft(tokens, tmp_path, client_certificate_file=str(tmp_path / "client.pem")))
        assert source() == "token-1"
        (asked,) = tokens.asked
        assert asked["client_assertion"].count(".") == 2
        assert "client_secret" not in asked

    def test_a_certificate_file_without_a_key_is_one_sentence(self, tokens, tmp_path, rsa_key):
        (tmp_path / "client.pem").write_text(rsa_key)
        with pytest.raises(ConfigError, match="must contain both key and certificate"):
            token_source(microsoft(tokens, tmp_path, client_certificate_file=str(tmp_path / "client.pem")))()

    def test_a_refusal_is_one_sentence_without_the_secret(self, tokens, tmp_path):
        tokens.answers = [(401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret.\r\nTrace ID: 1"})]
        with pytest.raises(SignInError, match=r"invalid_client: AADSTS7000215: Invalid client secret\.") as caught:
            token_source(microsoft(tokens, tmp_path))()
        assert "the-secret" not in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_a_passing_trouble_is_try_again(self, tokens, tmp_path):
        tokens.answers = [(503, {"error": "temporarily_unavailable", "error_description": "AADSTS90033: A transient error"})]
        with pytest.raises(TryAgainError):
            token_source(microsoft(tokens, tmp_path))()

    def test_a_token_server_that_is_not_there_is_try_again(self, tokens, tmp_path):
        settings = microsoft(tokens, tmp_path)
        tokens.shutdown()
        tokens.server_close()
        with pytest.raises(TryAgainError, match="does not answer"):
            token_source(settings)()

    def test_a_token_server_whose_certificate_does_not_verify_is_refused(self, tokens, tmp_path, monkeypatch):
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        with pytest.raises(UnreachableError, match="does not verify"):
            token_source(microsoft(tokens, tmp_path))()
        assert tokens.asked == []

    def test_a_cache_file_is_private_and_spares_a_request(self, tokens, tmp_path):
        cache = tmp_path / "deep" / "cache.json"
        settings = microsoft(tokens, tmp_path, client_secret_file=str(tmp_path / "secret"), cache_file=str(cache))
        assert token_source(settings)() == "token-1"
        assert stat.S_IMODE(cache.stat().st_mode) == 0o600
        assert token_source(settings)() == "token-1"
        assert len(tokens.asked) == 1

    def test_a_cache_file_that_is_none_is_one_sentence(self, tokens, tmp_path):
        (tmp_path / "cache.json").write_text("{ broken")
        settings = microsoft(tokens, tmp_path, client_secret_file=str(tmp_path / "secret"), cache_file=str(tmp_path / "cache.json"))
        with pytest.raises(ConfigError, match="is not a token cache"):
            token_source(settings)()


class TestMicrosoftDeviceCode:
    def settings(self, tokens, tmp_path):
        return microsoft(tokens, tmp_path, flow="device_code", cache_file=str(tmp_path / "cache.json"))

    def test_a_person_signs_in_once_and_the_mailbox_goes_on_without_them(self, tokens, tmp_path):
        settings = self.settings(tokens, tmp_path)
        said = []
        tokens.answers = [(400, {"error": "authorization_pending"}), (200, {})]
        sign_in_interactively(settings, said.append)
        assert said == [f"Open {tokens.url}/devicelogin and enter ABCD-EFGH"]
        assert [asked["grant_type"].rsplit(":", 1)[-1] for asked in tokens.asked] == ["device_code", "device_code"]
        assert stat.S_IMODE((tmp_path / "cache.json").stat().st_mode) == 0o600
        assert token_source(settings)() == "token-1"

    def test_an_expired_token_is_refreshed_and_the_refresh_token_kept(self, tokens, tmp_path):
        settings = self.settings(tokens, tmp_path)
        tokens.answers = [(200, {"expires_in": 60}), (200, {})]
        sign_in_interactively(settings, print)
        assert token_source(settings)() == "token-2"
        assert tokens.asked[-1]["refresh_token"] == "refresh-1"
        assert "refresh-2" in (tmp_path / "cache.json").read_text()

    def test_a_refused_token_is_refreshed(self, tokens, tmp_path):
        settings = self.settings(tokens, tmp_path)
        sign_in_interactively(settings, print)
        source = token_source(settings)
        assert source() == "token-1"
        source.forget()
        assert source() == "token-2"
        assert source() == "token-2"

    def test_nobody_has_signed_in_yet(self, tokens, tmp_path):
        with pytest.raises(SignInError, match="not signed in yet; run: tlsrpt doctor --sign-in rua"):
            token_source(self.settings(tokens, tmp_path))()

    def test_a_withdrawn_consent_is_a_refused_sign_in(self, tokens, tmp_path):
        settings = self.settings(tokens, tmp_path)
        tokens.answers = [(200, {"expires_in": 60}), (400, {"error": "invalid_grant", "error_description": "AADSTS50173: revoked"})]
        sign_in_interactively(settings, print)
        with pytest.raises(SignInError, match="invalid_grant"):
            token_source(settings)()

    def test_a_person_who_declines_is_a_refused_sign_in(self, tokens, tmp_path):
        tokens.answers = [(400, {"error": "authorization_declined"})]
        with pytest.raises(SignInError, match="authorization_declined"):
            sign_in_interactively(self.settings(tokens, tmp_path), print)


class TestGoogleServiceAccount:
    def settings(self, tokens, tmp_path, rsa_key):
        account = {
            "type": "service_account",
            "client_email": "poller@project.example",
            "private_key": rsa_key,
            "private_key_id": "1",
            "token_uri": f"{tokens.url}/token",
        }
        (tmp_path / "account.json").write_text(json.dumps(account))
        return box(provider="google", service_account_file=str(tmp_path / "account.json"))

    def test_it_acts_for_the_mailbox_with_the_scope_for_imap(self, tokens, tmp_path, rsa_key):
        source = token_source(self.settings(tokens, tmp_path, rsa_key))
        assert [source(), source()] == ["token-1", "token-1"]
        (asked,) = tokens.asked
        claims = json.loads(_unpadded(asked["assertion"].split(".")[1]))
        assert claims["sub"] == "rua@example.org"
        assert claims["scope"] == "https://www.googleapis.com/auth/gmail.imap_admin"

    def test_an_expired_or_refused_token_is_replaced(self, tokens, tmp_path, rsa_key):
        tokens.answers = [(200, {"expires_in": 10}), (200, {})]
        source = token_source(self.settings(tokens, tmp_path, rsa_key))
        assert [source(), source()] == ["token-1", "token-2"]
        source.forget()
        assert source() == "token-3"

    def test_a_missing_delegation_is_a_refused_sign_in(self, tokens, tmp_path, rsa_key):
        tokens.answers = [(401, {"error": "unauthorized_client", "error_description": "Client is unauthorized to retrieve access tokens"})]
        with pytest.raises(SignInError, match=r"unauthorized_client.*check the delegation"):
            token_source(self.settings(tokens, tmp_path, rsa_key))()

    def test_a_token_server_that_is_not_there_is_try_again(self, tokens, tmp_path, rsa_key):
        settings = self.settings(tokens, tmp_path, rsa_key)
        tokens.shutdown()
        tokens.server_close()
        with pytest.raises(TryAgainError):
            token_source(settings)()

    @pytest.mark.parametrize("content", ["{}", "[]", "no json", '{"client_email": "x", "token_uri": "y", "private_key": "z"}'])
    def test_a_file_that_google_did_not_make_is_one_sentence(self, tmp_path, content):
        (tmp_path / "account.json").write_text(content)
        with pytest.raises(ConfigError, match="service_account_file is not a file from Google"):
            token_source(box(provider="google", service_account_file=str(tmp_path / "account.json")))


class TestGoogleInstalledApp:
    def settings(self, tokens, tmp_path):
        client = {"client_id": "c", "client_secret": "s", "auth_uri": f"{tokens.url}/authorize", "token_uri": f"{tokens.url}/token"}
        (tmp_path / "client.json").write_text(json.dumps({"installed": client}))
        return box(provider="google", client_secrets_file=str(tmp_path / "client.json"), cache_file=str(tmp_path / "cache.json"))

    def test_a_person_signs_in_once_with_a_browser(self, tokens, tmp_path, capsys):
        settings = self.settings(tokens, tmp_path)
        tokens.answers = [(200, {"scope": "https://mail.google.com/", "expires_in": 10}), (200, {})]
        browser = Browser(tmp_path / "ca.pem")
        sign_in_interactively(settings, browser.open)
        browser.thread.join()
        assert tokens.asked[0]["grant_type"] == "authorization_code"
        assert stat.S_IMODE((tmp_path / "cache.json").stat().st_mode) == 0o600
        assert capsys.readouterr().out == ""
        assert token_source(settings)() == "token-2"
        assert tokens.asked[-1]["refresh_token"] == "refresh-1"

    def test_nobody_has_signed_in_yet(self, tokens, tmp_path):
        with pytest.raises(SignInError, match="not signed in yet"):
            token_source(self.settings(tokens, tmp_path))

    def test_a_client_secrets_file_of_somebody_else_is_one_sentence(self, tmp_path):
        (tmp_path / "client.json").write_text("{}")
        settings = box(provider="google", client_secrets_file=str(tmp_path / "client.json"), cache_file=str(tmp_path / "cache.json"))
        with pytest.raises(ConfigError, match=r"client_secrets_file .* is not a file from Google"):
            sign_in_interactively(settings, print)


class Browser:
    """Opens the address it is told, and follows where it is sent."""

    def __init__(self, ca_file) -> None:
        import ssl

        self._context = ssl.create_default_context(cafile=ca_file)
        self.thread = None

    def open(self, sentence: str) -> None:
        address = sentence.rsplit(maxsplit=1)[-1]
        self.thread = threading.Thread(target=lambda: urllib.request.urlopen(address, context=self._context, timeout=5).close())
        self.thread.start()


def _unpadded(text: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize(
    ("oauth2", "package", "extra"),
    [
        ({"provider": "microsoft", "client_id": "c", "tenant": "t", "client_secret_file": "/dev/null"}, "msal", "microsoft"),
        ({"provider": "google", "service_account_file": "/dev/null"}, "google", "google"),
    ],
)
def test_a_missing_extra_is_named_with_how_to_install_it(monkeypatch, oauth2, package, extra):
    real = importlib.import_module

    def without(name, *args):
        if name.split(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *args)

    monkeypatch.setattr(extras, "import_module", without)

    def get_token():
        token_source(box(**oauth2))()

    with pytest.raises(ConfigError, match=rf"{package}[\w.]* is not installed; install it with: pip install 'tlsrpt-analytics\[{extra}\]'"):
        get_token()


def test_the_extras_are_not_imported_unless_they_are_used():
    code = "import sys, pipeline.mailbox.imap; print(sorted({'msal', 'requests', 'google.auth', 'oauthlib'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    assert said.strip() == "[]"


def test_only_flows_for_people_are_signed_in_interactively():
    with pytest.raises(ConfigError, match="need an interactive sign-in"):
        sign_in_interactively(box(provider="command", token_command=("true",)), print)


@pytest.mark.parametrize(
    ("oauth2", "missing"),
    [
        ({"provider": "microsoft", "tenant": "t"}, "client_id"),
        ({"provider": "microsoft", "client_id": "c", "client_secret_file": "f"}, "tenant"),
        ({"provider": "microsoft", "client_id": "c", "tenant": "t"}, "cache_file"),
        ({"provider": "microsoft", "client_id": "c", "tenant": "t", "flow": "client_credentials"}, "client_certificate_file"),
        ({"provider": "google"}, "client_secrets_file"),
        ({"provider": "command"}, "token_command"),
    ],
)
def test_a_setting_that_is_missing_is_named(oauth2, missing):
    with pytest.raises(ValueError, match=f"needs {missing}"):
        OAuth2Settings(**oauth2)


def test_a_flow_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="has no flow device_code"):
        OAuth2Settings(provider="google", flow="device_code", client_id="c", cache_file="f")


class TestWritePrivate:
    def test_the_file_is_private_from_its_first_byte_on(self, tmp_path, monkeypatch):
        modes = []
        real = builtins.open

        def watched(file, *args, **kwargs):
            if isinstance(file, int):
                import os

                modes.append(stat.S_IMODE(os.fstat(file).st_mode))
            return real(file, *args, **kwargs)

        monkeypatch.setattr("os.fdopen", watched)
        write_private(str(tmp_path / "cache"), "secret")
        assert modes == [0o600]
        assert (tmp_path / "cache").read_text() == "secret"

    def test_an_open_file_is_replaced_by_a_private_one(self, tmp_path):
        (tmp_path / "cache").write_text("old")
        (tmp_path / "cache").chmod(0o644)
        write_private(str(tmp_path / "cache"), "new")
        assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o600
        assert [path.name for path in tmp_path.iterdir()] == ["cache"]

    def test_a_folder_that_is_a_file_is_one_sentence(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(ConfigError, match=r"cache_file .* cannot be written"):
            write_private(str(tmp_path / "file" / "cache"), "secret")
