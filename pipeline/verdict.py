"""The verdict on one report of one message: how far its sender is proved."""

from __future__ import annotations

from typing import NamedTuple


class Verdict(NamedTuple):
    """What authentication said. The fields are those of the `messages` table (`pipeline.schema`)."""

    trust_tier: str
    """One of `pipeline.schema.TRUST_TIERS`."""
    auth_method: str
    """dkim, authres, operator or none."""
    dkim_result: str = "unchecked"
    dkim_domain: str | None = None
    dkim_selector: str | None = None
    dkim_algorithm: str | None = None
    dkim_key_bits: int | None = None
    dkim_key_record: str | None = None
    dkim_signed_headers: tuple[str, ...] = ()
    """Header names the passing signature covers, lower-case; a header is believed only if it is here and occurs once."""
    authserv_id: str | None = None
    authenticated_domain: str | None = None
    """d= or header.d that is aligned and passed; None otherwise. The submitter where it is there."""


VOUCHED = Verdict("vouched", "operator")
"""A file the operator imported, or any mail while `dkim = "off"`."""
