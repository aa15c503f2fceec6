"""The settings, as one frozen value read from one TOML file and the environment.

Searched in this order: `--config`, `TLSRPT_CONFIG`, `./tlsrpt.toml`, the user's and the system's configuration folder.
Environment variables `TLSRPT_<SECTION>__<NAME>` override the file. An unknown key is an error that names it. Secrets have
to be asked for by name.
"""

from __future__ import annotations

import os
import re
import tomllib
from typing import Any

from pydantic import PrivateAttr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pipeline.errors import ConfigError
from pipeline.groups import Audience, GroupSettings, audience_of, named_groups
from pipeline.insight.thresholds import InsightSettings
from pipeline.message.fetched import RESERVED
from pipeline.report.limits import DEFAULT_LIMITS, Limits
from pipeline.settings.config_file import find_config
from pipeline.settings.config_mistakes import did_you_mean, first_mistake
from pipeline.settings.mailbox_tables import MailboxSettings, SourceSettings
from pipeline.settings.notice_tables import NotifySettings
from pipeline.settings.secret_values import reason_of
from pipeline.settings.single_tables import (
    CheckSettings,
    DashboardSettings,
    DomainSettings,
    LakeSettings,
    LogSettings,
    QuerySettings,
    ReceiveSettings,
    RetentionSettings,
    TrustSettings,
)


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
        """Let the environment win over the file.

        Args:
            settings_cls: The class that is made; not needed.
            init_settings: What the file says.
            env_settings: What the environment says, in variables that begin with `TLSRPT_`.
            dotenv_settings: Left out: no `.env` is read.
            file_secret_settings: Left out: no folder of secrets is read.
        """
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


_SECTION_OF = re.compile(r'field "(\w+)"')
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
            raise ConfigError(f"configuration file {path} cannot be read: {reason_of(err)}") from err
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
        raise ConfigError(_unreadable_variable(err)) from err
    if lake is not None:
        settings = settings.model_copy(update={"lake": settings.lake.model_copy(update={"path": lake})})
    return settings


def _unreadable_variable(err: Exception) -> str:
    """Say which variable the library cannot read; it names the section."""
    found = _SECTION_OF.search(str(err))
    of_section = f"TLSRPT_{found[1] if found else ''}".upper()
    variables = sorted(name for name in os.environ if name == of_section or name.startswith(f"{of_section}__"))
    return (
        f"{' or '.join(variables) or 'a TLSRPT_ variable'} in the environment cannot be read: a list or a whole section is written as "
        'JSON, as in ["one", "two"]; a single setting has its section in front, as in TLSRPT_LAKE__PATH=/srv/lake'
    )


def _refuse_unknown_variables() -> None:
    sections = {name.upper() for name in Settings.model_fields}
    for variable in os.environ:
        if not variable.startswith("TLSRPT_") or variable in _CONTROL_VARIABLES or variable.startswith("TLSRPT_TEST_"):
            continue
        section = variable.removeprefix("TLSRPT_").split("__")[0]
        if section not in sections:
            hint = did_you_mean(section, tuple(sections))
            raise ConfigError(f"unknown setting {variable} in the environment{hint}; unset it or correct the name")
