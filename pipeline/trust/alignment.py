"""Whether an authenticated domain may speak for a report: the same organisational domain (RFC 8460 §5.3; the terms of RFC 7489 §3.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.report.keys.identity import organisational_domain
from pipeline.report.model import ParsedReport
from pipeline.report.names import address_domain, valid_domain

if TYPE_CHECKING:
    from pipeline.report.model import Envelope, ReadPart


def claimed_domain(part: ReadPart, envelope: Envelope) -> str | None:
    """Return the domain that a report claims to come from: that of its contact-info, else of the From address, else None.

    Organisational alignment is needed since real reporters sign with the parent: contact `…@corp.mail.ru`, d=mail.ru.
    """
    contact = part.result.contact_info if isinstance(part.result, ParsedReport) else None
    return (address_domain(contact) if contact else None) or valid_domain(envelope.from_domain)


def aligned(authenticated: str | None, claimed: str | None) -> bool:
    """Whether the two are one name, or share their organisational domain. A bare top-level name is aligned with nothing."""
    ours, theirs = valid_domain(authenticated), valid_domain(claimed)
    if ours is None or theirs is None:
        return False
    organisation = organisational_domain(ours)
    return "." in organisation and organisation == organisational_domain(theirs)
