"""What the commands about what domains publish share: which domains, how to look, whether there is a lake, and how a run ends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.errors import InputError, TryAgainError, UsageError
from pipeline.output import note

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from pipeline.config import Settings
    from pipeline.published.finding import Finding
    from pipeline.published.look_settings import Ways
    from pipeline.published.proposed import EnforceStanding
    from pipeline.published.records import ReportAddresses
    from pipeline.query import Lake

_DOMAIN = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def domains_of(named: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """Return the names given, or those of the configuration, lower-case and once each.

    Raises:
        UsageError: There is none, or one is not a domain name.
    """
    from pipeline.published.idn import a_label

    asked = [name.strip().rstrip(".") for name in named or settings.domains.own]
    domains = tuple(dict.fromkeys(a_label(name) or name.lower() for name in asked))
    if not domains:
        raise UsageError("no domain to check; name one, or list yours in [domains] own")
    for name in domains:
        if not _DOMAIN.fullmatch(name):
            raise UsageError(f"{name[:80]!r} is not a domain name")
    return domains


def ways_of(settings: Settings) -> Ways:
    """Return how to look, out of the settings."""
    from pipeline.published.look_settings import Ways

    chosen = settings.check
    return Ways(
        resolver=chosen.resolver or settings.trust.resolver,
        timeout=chosen.timeout,
        ca_file=chosen.ca_file,
        https_port=chosen.https_port,
        smtp_port=chosen.smtp_port,
        helo=chosen.helo,
        ours=_ours(settings),
    )


def _ours(settings: Settings) -> ReportAddresses | None:
    """Return where reports are fetched from here; None where the configuration does not say."""
    from pipeline.published.records import ReportAddresses

    users = (mailbox.user.strip().lower() for mailbox in settings.mailbox)
    addresses = tuple(dict.fromkeys(user for user in users if "@" in user))
    own = tuple(name.lower() for name in settings.domains.own)
    return ReportAddresses(addresses, (*own, *(address.rpartition("@")[2] for address in addresses))) if addresses or own else None


def lake_is_there(settings: Settings, otherwise: str = "the results of this check are not stored") -> bool:
    """Say whether there is a lake, and what that means; what is published can be looked at before the first report came."""
    from pipeline.lake.storage.locate import configured_location
    from pipeline.lake.storage.near import refuse_missing

    try:
        refuse_missing(configured_location(settings.lake))
    except InputError as err:
        note(f"{otherwise}: {err}")
        return False
    return True


def enforce_standing(lake: Lake, domain: str, settings: Settings, *, today: date) -> EnforceStanding:
    """Return what the reports say of enforce.

    Args:
        lake: The open lake.
        domain: As a lower-case A-label.
        settings: Its `insight`, and the reporters known by name.
        today: The day of asking (UTC).

    Raises:
        LakeError: The lake cannot be read.
    """
    from pipeline.insight.api import readiness
    from pipeline.published.proposed import EnforceStanding

    verdict = readiness(lake.ask, domain, as_of=today, settings=settings.insight, known=settings.trust.known_reporters)
    return EnforceStanding(verdict.verdict, tuple(entry.sentence for entry in verdict.missing))


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 1 where something is wrong, else 75 where something could not be looked at that another run might see, else 0."""
    from pipeline.published.finding import ADDRESS_NOT_CHECKED

    found = {finding.severity for finding in findings if finding.code != ADDRESS_NOT_CHECKED}
    return 1 if "error" in found else TryAgainError.exit_code if "unknown" in found else 0
