"""The tables that say who is told: `[notify]` and its channels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from pipeline.section import Section
from pipeline.settings.secret_values import reveal


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
        return reveal(f"channel {self.name}", "url", self.url, file=self.url_file, variable=self.url_env, command=self.url_command)


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
