"""The tables of the configuration file that stand once: the lake, what is ours, whom to believe, and how to behave on this machine."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import Field, field_validator

from pipeline.message.shipped_reporters import known_names
from pipeline.report.names import valid_domain
from pipeline.section import Section
from pipeline.settings.secret_values import token_of
from pipeline.spool import FULL_PERCENT


class LakeSettings(Section):
    """`[lake]`: where the lake is."""

    path: str = "data/lake"
    """A folder, or s3://bucket/prefix."""
    wait_seconds: float = Field(0.0, ge=0)
    """How long a run that writes waits for another one to end before it gives up (exit 75): for several pollers of one lake."""
    readable_by: Literal["owner", "group", "everybody"] = "group"
    """Who of this machine may read what the program writes: the lake, its notes, spools and logs. The mails are in it."""


class DomainSettings(Section):
    """`[domains]`: what is ours. Without `own` every domain is."""

    own: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()

    @field_validator("own", "mx")
    @classmethod
    def _as_in_reports(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = []
        for name in names:
            if (domain := valid_domain(name)) is None:
                raise ValueError(f'{name[:80]!r} is not a domain name such as "example.org"; write out every name, subdomains included')
            known.append(domain)
        return tuple(known)


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
        return token_of("[receive]", self.token_file, self.token_env)


class LogSettings(Section):
    """`[log]`: how the program speaks on stderr."""

    format: Literal["text", "json"] = "text"
    level: Literal["auto", "debug", "info", "warning", "error"] = "auto"
    """auto: `info` on a terminal, `warning` under cron."""
