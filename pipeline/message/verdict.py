"""The verdict on one report of one message: how far its sender is proved."""

from __future__ import annotations

from typing import NamedTuple

DKIM_RESULTS = {
    "pass": "a signature of the reporting domain verifies",
    "fail": "the mail was changed after it was signed, or the signature was not made with the published key (it may have rotated)",
    "temperror": "the DNS did not answer; the next runs try again for five days",
    "permerror": "the signature or the key record breaks the standard, or uses l=, which RFC 8460 forbids",
    "no_key": "the key is not published; usual for old mail, whose key has been withdrawn",
    "expired": "the signature had expired when the mail was received",
    "weak": "signed with rsa-sha1 or a key of less than 1024 bits (RFC 8301)",
    "unaligned": "signed by another domain than the one that reports; not looked up",
    "not_covered": "the signature verifies but leaves out the TLS-Report headers, or headers that say how the mail is read, or one of them "
    "occurs twice: anyone could have made the report out of another mail of that domain",
    "not_reporter": "the signature verifies and the mail does not come from the address that sends this reporter's reports",
    "none": "not signed",
    "posted": "posted over HTTPS, where nothing is signed",
    "unchecked": 'not checked: a report file, or `dkim = "off"`',
}
"""The values of `messages.dkim_result` (RFC 8601 §2.7.1 and some of our own), and what each means."""

NOT_BELIEVED = frozenset({"not_covered", "not_reporter"})
"""Results of a signature that verifies and is not the reporter's word for the report."""


class Verdict(NamedTuple):
    """What authentication said. The fields are those of the `messages` table (`pipeline.tables.schema`)."""

    trust_tier: str
    """One of `pipeline.tables.schema.TRUST_TIERS`."""
    auth_method: str
    """dkim, authres, operator or none."""
    dkim_result: str = "unchecked"
    dkim_domain: str | None = None
    dkim_selector: str | None = None
    dkim_algorithm: str | None = None
    dkim_key_bits: int | None = None
    dkim_key_record: str | None = None
    dkim_signed_headers: tuple[str, ...] = ()
    """Header names the passing signature covers and that occur once in the mail, lower-case, sorted; only these are believed.

    Where a server says that one passed, those that each of the signatures it may mean covers.

    Kept also where the signature passes and is not believed (`NOT_BELIEVED`), so that the rule can be applied anew."""
    authserv_id: str | None = None
    authenticated_domain: str | None = None
    """d= or header.d that is aligned and passed; None otherwise. The submitter where it is there."""

    def not_believed(self) -> Verdict:
        """Return the verdict on a report of which the signature that passed, here or at a server, does not cover what it is about."""
        result = "not_covered" if self.dkim_result == "pass" else self.dkim_result
        return self._replace(trust_tier="unaligned", dkim_result=result, authenticated_domain=None)


VOUCHED = Verdict("vouched", "operator")
"""A file the operator imported, or any mail while `dkim = "off"`."""

POSTED = Verdict("posted", "none", "posted")
"""A report that came by HTTPS: nothing says who sent it (RFC 8460 §5.4)."""
