"""One thing a check found: what, where, why it matters, what to change, and the record or line to publish."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

Severity = Literal["error", "warn", "unknown", "ok"]
"""error: mail or reports suffer from it; warn: they will, or might; unknown: it could not be checked, which proves nothing; ok."""

ORDER: tuple[Severity, ...] = ("error", "warn", "unknown", "ok")
"""Worst first."""

ADDRESS_NOT_CHECKED = "mx-address-not-checked"
"""Code of an address that this machine has no network for, of a host that was looked at by another: asking again brings nothing."""


class Finding(NamedTuple):
    """One finding. Texts are ours; names in them are configured, published by the domain itself, or those of senders by `listed`."""

    check: str
    """tlsrpt-record, sts-record, sts-policy, mx, smtp, tlsa, history or seen."""
    code: str
    """Stable, kebab-case."""
    severity: Severity
    where: str
    """The name, host, address or line it is about."""
    what: str
    why: str = ""
    """Why it matters, with the RFC section."""
    fix: str = ""
    publish: str = ""
    """The record or line to publish, ready to paste."""
    expires_at: datetime | None = None
    """When the certificate ends that it is about."""
    certificate_sha256: str | None = None
    """Of that certificate (DER), lower-case hex."""
