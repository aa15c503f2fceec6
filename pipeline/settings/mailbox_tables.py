"""The tables that say where mail comes from: `[[mailbox]]`, with its sign-in and folders, and `[[source]]`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from pipeline.section import Section
from pipeline.settings.secret_values import reveal


class OAuth2Settings(Section):
    """`[mailbox.oauth2]`: how to get an access token (see pipeline/docs/how-to)."""

    provider: Literal["microsoft", "google", "command"]
    mechanism: Literal["xoauth2", "oauthbearer"] = "xoauth2"
    tenant: str = ""
    client_id: str = ""
    client_secret_file: str = ""
    client_certificate_file: str = ""
    """PEM, with the private key and the certificate."""
    flow: Literal["client_credentials", "device_code", "service_account", "installed_app"] | None = None
    """Default: client_credentials or service_account where there is a file for it, else device_code or installed_app."""
    service_account_file: str = ""
    client_secrets_file: str = ""
    cache_file: str = ""
    """Where the refresh token of somebody who signed in once is kept, mode 0600."""
    authority: str = ""
    """Instead of https://login.microsoftonline.com/TENANT: a national cloud."""
    token_command: tuple[str, ...] = ()

    @property
    def effective_flow(self) -> str:
        """The flow: as set, else what the other settings are there for; empty for a command."""
        if self.flow is not None:
            return self.flow
        if self.provider == "microsoft":
            return "client_credentials" if self.client_secret_file or self.client_certificate_file else "device_code"
        return {"google": "service_account" if self.service_account_file else "installed_app", "command": ""}[self.provider]

    @model_validator(mode="after")
    def _complete(self) -> OAuth2Settings:
        flow = self.effective_flow
        needed = {
            "client_credentials": ("client_id",),
            "device_code": ("client_id", "cache_file"),
            "service_account": ("service_account_file",),
            "installed_app": ("client_secrets_file", "cache_file"),
            "": ("token_command",),
        }[flow]
        missing = [name for name in needed if not getattr(self, name)]
        if self.provider == "microsoft" and not (self.tenant or self.authority):
            missing.append("tenant")
        if flow == "client_credentials" and not (self.client_secret_file or self.client_certificate_file):
            missing.append("client_certificate_file")
        if missing:
            raise ValueError(f"provider {self.provider} needs {missing[0]}")
        known = {"microsoft": ("client_credentials", "device_code"), "google": ("service_account", "installed_app"), "command": ("",)}
        if flow not in known[self.provider]:
            raise ValueError(f"provider {self.provider} has no flow {flow}")
        return self


class FolderSettings(Section):
    """`[mailbox.move_to]`: where `after = "move"` puts mail, by outcome. An empty name leaves that mail where it is."""

    processed: str = "Processed"
    quarantined: str = ""
    other: str = ""


class MailboxSettings(Section):
    """`[[mailbox]]`: one account to poll."""

    name: str
    kind: Literal["imap", "graph"] = "imap"
    """graph: Microsoft Graph, where IMAP is switched off; `host` is then graph.microsoft.com, or that of a national cloud."""
    host: str = ""
    port: int | None = None
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    ca_file: str = ""
    user: str
    password: SecretStr | None = None
    password_file: str = ""
    password_env: str = ""
    password_command: tuple[str, ...] = ()
    oauth2: OAuth2Settings | None = None
    sign_in: Literal["auto", "plain", "login"] = "auto"
    """How the password is sent; `auto`: SASL PLAIN where the server offers it, else LOGIN."""
    folder: str = "INBOX"
    folders: tuple[str, ...] = ()
    """More folders to poll beside `folder`."""
    after: Literal["keep", "seen", "move", "delete"] = "keep"
    move_to: FolderSettings = FolderSettings()
    touch_other: bool = False
    """Whether `seen` and `delete` also apply to mail that is not a TLS report."""
    touch_quarantined: bool = False
    """Whether `seen` and `delete` also apply to mail that could not be read, or is too large."""
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    deadline: float = 3600.0
    """Seconds one run may spend on this mailbox, whatever the server does."""

    @model_validator(mode="after")
    def _what_its_kind_needs(self) -> MailboxSettings:
        if self.kind == "imap" and not self.host:
            msg = "host is missing"
            raise ValueError(msg)
        if self.kind == "graph" and self.oauth2 is None:
            msg = 'kind = "graph" needs [mailbox.oauth2]'
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _cleartext_only_on_loopback(self) -> MailboxSettings:
        if self.tls == "none" and self.host not in {"127.0.0.1", "::1", "localhost"}:
            msg = 'tls = "none" is for a server on this machine only; use "implicit" or "starttls"'
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _moves_somewhere_else(self) -> MailboxSettings:
        targets = {folder for _, folder in self.move_to if folder}
        polled = {folder.upper() if folder.upper() == "INBOX" else folder for folder in self.all_folders}
        if self.after == "move" and not targets:
            msg = 'after = "move" needs a folder in move_to'
            raise ValueError(msg)
        if self.after == "move" and (again := polled & {name.upper() if name.upper() == "INBOX" else name for name in targets}):
            msg = f"move_to names {min(again)}, which is polled: mail moved there would be read again"
            raise ValueError(msg)
        return self

    @property
    def effective_port(self) -> int:
        """The port: as set, else 993 for implicit TLS and 143 otherwise."""
        return self.port or (993 if self.tls == "implicit" else 143)

    @property
    def all_folders(self) -> tuple[str, ...]:
        """`folder` and `folders`, without repetition."""
        return tuple(dict.fromkeys((self.folder, *self.folders)))

    def reveal_password(self) -> str:
        """Return the password from where the configuration says it is.

        Raises:
            ConfigError: No source is set, or the file, variable or command does not give one.
        """
        where = f"mailbox {self.name}"
        return reveal(where, "password", self.password, file=self.password_file, variable=self.password_env, command=self.password_command)


class SourceSettings(Section):
    """`[[source]]`: a place other than a mailbox that mails and report files are left in."""

    name: str
    kind: Literal["s3"] = "s3"
    path: Annotated[str, Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^?#*\\]*)?$", description="s3:// with bucket and prefix")]
    """s3://bucket/prefix; endpoint and keys come from the environment, as for a lake in a bucket."""
    after: Literal["keep", "move", "delete"] = "keep"
    move_to: str = ""
    """The prefix in the same bucket that `move` moves to."""

    @property
    def bucket(self) -> str:
        """The bucket of the path."""
        return self.path.removeprefix("s3://").partition("/")[0]

    @property
    def prefix(self) -> str:
        """The prefix of the path, without a slash at its end."""
        return self.path.removeprefix("s3://").partition("/")[2].strip("/")

    @field_validator("move_to")
    @classmethod
    def _no_slash_around(cls, prefix: str) -> str:
        return prefix.strip("/")

    @model_validator(mode="after")
    def _moves_somewhere_else(self) -> SourceSettings:
        if (self.after == "move") != bool(self.move_to):
            msg = 'after = "move" and move_to belong together'
            raise ValueError(msg)
        if self.move_to and f"{self.prefix}/".startswith(f"{self.move_to}/"):
            msg = f"move_to names {self.move_to}, where it is read from"
            raise ValueError(msg)
        return self
