"""The settings, as one frozen value read from one TOML file and the environment.

Searched in this order: `--config`, `TLSRPT_CONFIG`, `./tlsrpt.toml`, the user's and the system's configuration folder.
Environment variables `TLSRPT_<SECTION>__<NAME>` override the file. An unknown key is an error that names it. Secrets have
to be asked for by name.
"""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pipeline.config_file import find_config
from pipeline.config_mistakes import did_you_mean, first_mistake
from pipeline.errors import ConfigError
from pipeline.groups import Audience, GroupSettings, audience_of, named_groups
from pipeline.insight.settings import InsightSettings
from pipeline.message.fetched import RESERVED
from pipeline.message.shipped_reporters import known_names
from pipeline.report.limits import DEFAULT_LIMITS, Limits
from pipeline.section import Section
from pipeline.spool import FULL_PERCENT


class LakeSettings(Section):
    """`[lake]`: where the lake is."""

    path: str = "data/lake"
    """A folder, or s3://bucket/prefix."""
    wait_seconds: float = Field(0.0, ge=0)
    """How long a run that writes waits for another one to end before it gives up (exit 75): for several pollers of one lake."""
    readable_by: Literal["owner", "group", "everybody"] = "group"
    """Who of this machine may read what the program writes: the lake, its notes, spools and logs. The mails are in it."""


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
        return _reveal(where, "password", self.password, file=self.password_file, variable=self.password_env, command=self.password_command)


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


class DomainSettings(Section):
    """`[domains]`: what is ours. Without `own` every domain is."""

    own: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()

    @field_validator("own", "mx")
    @classmethod
    def _normalised(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name.strip().rstrip(".").lower() for name in names)


class TrustSettings(Section):
    """`[trust]`: whom to believe."""

    dkim: Literal["verify", "off"] = "verify"
    """off: the operator vouches for the mailbox."""
    resolver: str = ""
    """host:port of a resolver of one's own; empty: the system's."""
    dns_timeout: float = 5.0
    authserv_ids: tuple[str, ...] = ()
    reporters: tuple[str, ...] = ()
    count: tuple[Literal["verified", "attested", "vouched", "unaligned", "unverified", "posted"], ...] = ("verified", "attested", "vouched")
    posted_from: tuple[str, ...] = ()
    """Networks (CIDR) for whose posts over HTTPS the operator vouches: `vouched` instead of `posted`."""
    unknown_submitter_per_day: Annotated[int, Field(ge=0)] = 1000
    """Reports a day accepted from a submitter that is not known; the surplus waits. 0: no limit."""

    @field_validator("posted_from")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            ip_network(network)
        return networks

    @property
    def known_reporters(self) -> frozenset[str]:
        """The reporters known by name: the shipped list and `reporters`."""
        return known_names(self.reporters)


class RetentionSettings(Section):
    """`[retention]`: what `maintain` removes. 0 keeps for ever."""

    raw_days: int = 0
    report_months: int = 0


_UNITS = {"MB": 10**6, "GB": 10**9, "MiB": 1 << 20, "GiB": 1 << 30}


class QuerySettings(Section):
    """`[query]`: what a reader may take of the machine."""

    memory: Annotated[str, Field(pattern=r"^[0-9]+ ?(MB|GB|MiB|GiB)$", description="a size such as 512MB or 2GB")] = "2GB"
    """Memory of DuckDB per open lake, with its unit; beyond it, it uses the temporary folder."""
    spill: Annotated[str, Field(pattern=r"^[0-9]+ ?(MB|GB|MiB|GiB)$", description="a size such as 512MB or 2GB")] = "10GB"
    """How much of the temporary folder, with its unit."""
    seconds: Annotated[float, Field(ge=0)] = 60.0
    """How long a question or a statement of SQL may take; 0: as long as it wants."""
    threads: Annotated[int, Field(ge=1)] = 2

    @property
    def memory_bytes(self) -> int:
        """`memory` as a number of bytes."""
        unit = self.memory.lstrip("0123456789 ")
        return int(self.memory.removesuffix(unit)) * _UNITS[unit]


class CheckSettings(Section):
    """`[check]`: how `tlsrpt check` looks at what is published."""

    resolver: str = ""
    """host:port of a validating resolver; empty: that of [trust], else the system's."""
    timeout: float = 10.0
    """Seconds for each look-up, fetch and mail server, however slowly it answers."""
    ca_file: str = ""
    """A private CA, PEM; empty: the system's."""
    https_port: int = 443
    smtp_port: int = 25
    helo: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:\[\]-]*$", description="the name of a host")] = ""
    """How the check names itself to mail servers; empty: this machine's full name, else its address."""


class DashboardSettings(Section):
    """`[dashboard]`: where the page listens."""

    address: str = "127.0.0.1"
    port: int = 8501
    hosts: tuple[str, ...] = ()
    """Names under which browsers may ask for it, beside those of this machine: that of the proxy in front."""
    allow: tuple[str, ...] = ()
    """Who may see it after signing in: addresses, domains as `@example.org`, or `*` for whoever the provider lets in. Empty: nobody."""
    verified_claim: str = "email_verified"
    """The claim by which the provider says that it has verified the address; `email` where it sends none and gives out every address
    itself, as a company's own directory does. Refused where everybody can have an account (`pipeline.entry_rules`)."""

    @field_validator("allow")
    @classmethod
    def _who(cls, allow: tuple[str, ...]) -> tuple[str, ...]:
        if odd := [entry for entry in allow if entry.strip() != "*" and not re.fullmatch(r"[^@\s]*@[^@\s]+", entry.strip())]:
            raise ValueError(f'{odd[0]!r} is not an address, a domain like "@example.org" or "*"')
        return allow


class ChannelSettings(Section):
    """`[[notify.channel]]`: one way out for notices. The address is a secret: it comes from a file, the environment or a command."""

    name: str
    kind: Literal["apprise", "webhook", "alertmanager", "lines"] = "apprise"
    """apprise: any service Apprise knows; webhook: JSON by POST; alertmanager: the state at each run; lines: JSON lines in a file."""
    url: SecretStr | None = None
    url_file: str = ""
    url_env: str = ""
    url_command: tuple[str, ...] = ()
    path: str = ""
    """The file of kind `lines`."""
    tags: tuple[str, ...] = ("now",)
    """What it gets: events with one of these tags (now, later, a topic such as certificate, a kind such as over, a fault such as ours)."""

    @model_validator(mode="after")
    def _has_an_address(self) -> ChannelSettings:
        if self.kind == "lines" and not self.path:
            raise ValueError(f"channel {self.name} of kind lines needs path")
        if self.kind != "lines" and not (self.url or self.url_file or self.url_env or self.url_command):
            raise ValueError(f"channel {self.name} needs url_file, url_env or url_command")
        return self

    def reveal_url(self) -> str:
        """Return the address from where the configuration says it is.

        Raises:
            ConfigError: The file, variable or command does not give one.
        """
        return _reveal(f"channel {self.name}", "url", self.url, file=self.url_file, variable=self.url_env, command=self.url_command)


class NotifySettings(Section):
    """`[notify]`: who is told what is new, worse or over."""

    after_ingest: bool = False
    """Also at the end of each `ingest` of the mailboxes."""
    after_check: bool = False
    """Also at the end of each `check` of the configured domains."""
    link: str = ""
    """The address of the dashboard, for links in notices: https://tls.example.org."""
    most: Annotated[int, Field(ge=1)] = 10
    """Events told in full in one message; the others are counted."""
    alert_hours: Annotated[float, Field(gt=0)] = 1.0
    """How often `notify` runs, in hours: alerts posted to Alertmanager end by themselves after three times that."""
    ping_url: str = ""
    """A dead-man's switch: pinged at the beginning (/start) and end (/EXIT CODE) of each `ingest`."""
    channel: tuple[ChannelSettings, ...] = ()

    @model_validator(mode="after")
    def _distinct_channels(self) -> NotifySettings:
        names = [channel.name for channel in self.channel]
        if len(names) != len(set(names)):
            msg = "channel names must be distinct"
            raise ValueError(msg)
        return self


class ReceiveSettings(Section):
    """`[receive]`: mail and reports that are handed to us, by `tlsrpt pipe` and `tlsrpt receive`."""

    spool: str = ""
    """A folder of this machine; `ingest` takes what is in it."""
    full_percent: Annotated[int, Field(ge=1, le=100)] = FULL_PERCENT
    """With its disk so full nothing more is taken: 507, and exit 75."""
    address: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8460
    cert_file: str = ""
    """PEM, with the chain; without one a proxy in front does TLS."""
    key_file: str = ""
    proxies: tuple[str, ...] = ()
    """Addresses of proxies whose X-Forwarded-For is believed."""
    token_file: str = ""
    """What who posts raw mail has to send as `Authorization: Bearer …`; without one no raw mail is taken."""
    token_env: str = ""
    body_bytes: Annotated[int, Field(ge=1024)] = 15 * 1024 * 1024
    seconds: Annotated[float, Field(gt=0)] = 20.0
    """How long a request may take to come in."""
    per_minute: Annotated[int, Field(ge=0)] = 120
    """Posts a minute from one address (IPv6: one /64); 0: no limit."""

    def reveal_token(self) -> str | None:
        """Return the token for raw mail, None where none is set.

        Raises:
            ConfigError: The file or variable does not give one.
        """
        return _token("[receive]", self.token_file, self.token_env)


class LogSettings(Section):
    """`[log]`: how the program speaks on stderr."""

    format: Literal["text", "json"] = "text"
    level: Literal["auto", "debug", "info", "warning", "error"] = "auto"
    """auto: `info` on a terminal, `warning` under cron."""


class Settings(BaseSettings):
    """All settings. Build it with `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix="TLSRPT_", env_nested_delimiter="__", extra="forbid", frozen=True, nested_model_default_partial_update=True
    )

    lake: LakeSettings = LakeSettings()
    mailbox: tuple[MailboxSettings, ...] = ()
    domains: DomainSettings = DomainSettings()
    trust: TrustSettings = TrustSettings()
    insight: InsightSettings = InsightSettings()
    retention: RetentionSettings = RetentionSettings()
    limits: dict[str, float] = {}
    query: QuerySettings = QuerySettings()
    check: CheckSettings = CheckSettings()
    dashboard: DashboardSettings = DashboardSettings()
    log: LogSettings = LogSettings()
    notify: NotifySettings = NotifySettings()
    receive: ReceiveSettings = ReceiveSettings()
    source: tuple[SourceSettings, ...] = ()
    group: tuple[GroupSettings, ...] = ()
    _audience: Audience | None = PrivateAttr(None)

    @field_validator("limits")
    @classmethod
    def _known_limits(cls, limits: dict[str, float]) -> dict[str, float]:
        for name in limits:
            if name not in Limits._fields:
                raise ValueError(f"unknown limit {name}{did_you_mean(name, Limits._fields)}")
        return limits

    @model_validator(mode="after")
    def _distinct_mailboxes(self) -> Settings:
        names = self.polled
        if len(names) != len(set(names)) or RESERVED & set(names):
            msg = f"names of mailboxes and sources must be distinct, and none of {', '.join(sorted(RESERVED))}"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _groups_stand_for_something(self) -> Settings:
        names = [group.name for group in self.group]
        if len(names) != len(set(names)):
            raise ValueError("names of groups must be distinct")
        channels = {channel.name for channel in self.notify.channel}
        told = [name for group in self.group for name in group.channels]
        if twice := [name for name in told if told.count(name) > 1]:
            raise ValueError(f"the channel {twice[0]!r} belongs to two groups: each would hear about the other")
        ours = {*self.domains.own, *self.domains.mx}
        for group in self.group:
            if unknown := [name for name in group.channels if name not in channels]:
                raise ValueError(f"group {group.name} names the channel {unknown[0]!r}, and there is no such [[notify.channel]]")
            names_alone = [name for name in group.domains if not name.startswith("*.")]
            if self.domains.own and (strange := [name for name in names_alone if name not in ours]):
                raise ValueError(
                    f"group {group.name} names {strange[0]}, which is not one of [domains] own{did_you_mean(strange[0], tuple(ours))}"
                )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 -- the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file."""
        return env_settings, init_settings

    @property
    def polled(self) -> list[str]:
        """The names of the mailboxes and sources that every run looks into."""
        return [box.name for box in self.mailbox] + [source.name for source in self.source]

    @property
    def audience(self) -> Audience | None:
        """Whose settings these are: those of the readers of some groups, or, where it is None, the operator's."""
        return self._audience

    def for_groups(self, *names: str) -> Settings:
        """Return the settings of the readers of these groups together; see `limited_to`.

        Raises:
            UsageError: There is no such group.
        """
        return self.limited_to(audience_of(named_groups(self.group, names)))

    @property
    def operators_notify(self) -> NotifySettings:
        """`[notify]` without the channels that are a group's: what is told of all domains goes by these."""
        of_groups = {name for group in self.group for name in group.channels}
        left = tuple(channel for channel in self.notify.channel if channel.name not in of_groups)
        return self.notify.model_copy(update={"channel": left})

    def tellings(self) -> list[Settings]:
        """Return by whose settings notices are sent, as far as each has channels: the operator's, and those of each group."""
        if self._audience is not None:
            return [self]
        mine = self.model_copy(update={"notify": self.operators_notify})
        every = [mine, *(self.for_groups(group.name) for group in self.group)]
        return [told for told in every if told.notify.channel]

    def limited_to(self, audience: Audience) -> Settings:
        """Return settings in which nothing of others is left, and by which a lake opens limited to the domains of the audience.

        Whatever reads by settings reads as these readers then: there is no other mechanism, and nothing undoes it.
        """
        if self._audience is not None:
            raise ValueError("these settings are limited already")
        seen = audience.within((*self.domains.own, *self.domains.mx) if self.domains.own else ())
        own = tuple(name for name in self.domains.own if seen.sees(name)) or (() if seen.below else seen.domains)
        mx = tuple(name for name in self.domains.mx if seen.sees(name))
        channels = {name for group in self.group if group.name in audience.groups for name in group.channels}
        limited = self.model_copy(
            update={
                "mailbox": (),
                "source": (),
                "receive": ReceiveSettings(),
                "domains": DomainSettings(own=own, mx=mx),
                "notify": NotifySettings(
                    link=self.notify.link,
                    most=self.notify.most,
                    alert_hours=self.notify.alert_hours,
                    channel=tuple(channel for channel in self.notify.channel if channel.name in channels),
                ),
                "group": tuple(group for group in self.group if group.name in audience.groups),
            }
        )
        limited._audience = seen  # noqa: SLF001 -- of our own class
        return limited

    @property
    def report_limits(self) -> Limits:
        """The limits of reading, with the configured overrides."""
        return DEFAULT_LIMITS._replace(**{name: type(getattr(DEFAULT_LIMITS, name))(value) for name, value in self.limits.items()})


_CONTROL_VARIABLES = frozenset({"TLSRPT_CONFIG", "TLSRPT_SIGN_IN"})
"""What is not a setting: where the file is, and that a page demands a sign-in (`pipeline.dashboard_flags`)."""


def load_settings(explicit: str | None = None, *, lake: str | None = None) -> Settings:
    """Read the settings.

    Args:
        explicit: The file named with `--config`.
        lake: The lake named with `--lake`; wins over file and environment.

    Raises:
        ConfigError: The file is missing, no TOML, or has a wrong or unknown setting; the sentence names it.
    """
    path = find_config(explicit)
    table: dict[str, Any] = {}
    if path is not None:
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as err:
            raise ConfigError(f"configuration file {path} cannot be read: {_reason(err)}") from err
        except tomllib.TOMLDecodeError as err:
            raise ConfigError(f"configuration file {path} is not valid TOML: {err}") from err
    _refuse_unknown_variables()
    try:
        settings = Settings(**table)
    except ValidationError as err:
        raise ConfigError(first_mistake(err, Settings, path)) from err
    except Exception as err:
        if type(err).__name__ != "SettingsError":
            raise
        raise ConfigError(f"a TLSRPT_ environment variable cannot be read: {err}") from err
    if lake is not None:
        settings = settings.model_copy(update={"lake": settings.lake.model_copy(update={"path": lake})})
    return settings


def _refuse_unknown_variables() -> None:
    sections = {name.upper() for name in Settings.model_fields}
    for variable in os.environ:
        if not variable.startswith("TLSRPT_") or variable in _CONTROL_VARIABLES or variable.startswith("TLSRPT_TEST_"):
            continue
        section = variable.removeprefix("TLSRPT_").split("__")[0]
        if section not in sections:
            hint = did_you_mean(section, tuple(sections))
            raise ConfigError(f"unknown setting {variable} in the environment{hint}; unset it or correct the name")


def _reason(err: Exception) -> str:
    return err.strerror if isinstance(err, OSError) and err.strerror else str(err)


FEWEST_OF_A_TOKEN = 16
"""Characters; a shorter one is guessed."""


def group_token(group: GroupSettings) -> str | None:
    """Return the token by which a program reads as a group, None where none is set.

    Raises:
        ConfigError: The file or variable does not give one, or it is short.
    """
    return _token(f"group {group.name}", group.token_file, group.token_env)


def _token(where: str, file: str, variable: str) -> str | None:
    if not (file or variable):
        return None
    token = _reveal(where, "token", None, file=file, variable=variable, command=())
    if len(token) < FEWEST_OF_A_TOKEN:
        raise ConfigError(f"{where}: the token has fewer than {FEWEST_OF_A_TOKEN} characters; make one with: openssl rand -hex 24")
    return token


def _reveal(where: str, what: str, value: SecretStr | None, *, file: str, variable: str, command: tuple[str, ...]) -> str:
    """Return a secret from where the configuration says it is.

    Args:
        where: Whose secret it is, for the sentence of an error.
        what: The setting's name, to which `_file`, `_env` and `_command` are added.
        value: The secret itself, where it stands in the configuration.
        file: The file that holds it, or an empty text.
        variable: The environment variable that holds it, or an empty text.
        command: The command that prints it, or nothing.

    Raises:
        ConfigError: No source is set, or the file, variable or command does not give one.
    """
    if value is not None:
        return value.get_secret_value()
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as err:
            raise ConfigError(f"{where}: {what}_file {file} cannot be read: {_reason(err)}") from err
    if variable:
        if variable not in os.environ:
            raise ConfigError(f"{where}: environment variable {variable} ({what}_env) is not set")
        return os.environ[variable]
    if command:
        return output_of(command, f"{where}: {what}_command")
    others = " or oauth2" if what == "password" else ""
    raise ConfigError(f"{where}: no {what}; set {what}_file, {what}_env{',' if others else ' or'} {what}_command{others}")


def output_of(command: tuple[str, ...], where: str) -> str:
    """Return the first line a secret command prints; what it says on stderr is never shown, it may hold the secret."""
    try:
        done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as err:
        raise ConfigError(f"{where} {command[0]} could not be run: {_reason(err)}") from err
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    if done.returncode != 0 or not lines:
        raise ConfigError(f"{where} {command[0]} ended with {done.returncode} and {len(lines)} lines; one line with the secret is expected")
    return lines[0]
