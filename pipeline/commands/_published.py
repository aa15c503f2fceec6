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
    from pipeline.published.plan_state import PlanState
    from pipeline.published.proposed import EnforceStanding
    from pipeline.published.published_now import Live
    from pipeline.published.records import ReportAddresses

_DOMAIN = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

HELD_UNKNOWN = "which policies senders hold is not known"
"""What it means for a change of a policy that there is no lake."""


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


def evidence_of(domain: str, live: Live, settings: Settings, *, today: date) -> tuple[PlanState, EnforceStanding]:
    """Return what a change begins with, and what the reports say of enforce; without a lake, what is published alone.

    Args:
        domain: As a lower-case A-label.
        live: What is published at this moment.
        settings: The lake, its `insight`, and the reporters known by name.
        today: The day of asking (UTC).

    Raises:
        LakeError: The lake cannot be read.
    """
    from pipeline.insight.api import readiness
    from pipeline.published.policy_evidence import gather_evidence
    from pipeline.published.proposed import EnforceStanding
    from pipeline.query import open_lake

    lake_is_there(settings, HELD_UNKNOWN)
    with open_lake(settings=settings, missing_ok=True) as lake:
        state = gather_evidence(lake.ask, domain, live, today=today)
        verdict = readiness(lake.ask, domain, as_of=today, settings=settings.insight, known=settings.trust.known_reporters)
    return state, EnforceStanding(verdict.verdict, tuple(entry.sentence for entry in verdict.missing))


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 1 where something is wrong, else 75 where something could not be looked at that another run might see, else 0."""
    from pipeline.published.finding import ADDRESS_NOT_CHECKED

    found = {finding.severity for finding in findings if finding.code != ADDRESS_NOT_CHECKED}
    return 1 if "error" in found else TryAgainError.exit_code if "unknown" in found else 0
