"""Whether a passing signature is the reporter's word for the report, and not for another mail of that domain (RFC 6376 §8.15).

A signature covers the body and the headers its h= names. Large senders sign mail that carries the words of strangers: a shared document, an
invitation. Who can change how such a mail is read, by a Content-Type the signature does not cover or by a second one, makes a report of
those words. So the fields that decide how a mail is read occur once, and the signature covers the Content-Type, or the TLS-Report headers
that only a report has. A reporter of the shipped list is believed under its own key and from the address its reports come from alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dkim.util import parse_tag_value

from pipeline.message.shipped_reporters import shipped_reporter
from pipeline.report.keys.identity import organisational_domain
from pipeline.report.names import valid_domain
from pipeline.trust.key_lookup import is_host_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pipeline.trust.signed_mail import SignedMail

DECIDING = (b"from", b"content-type", b"content-transfer-encoding", b"mime-version")
"""Fields that decide whose mail it is and how it is read."""

TLS_HEADERS = (b"tls-report-domain", b"tls-report-submitter")

MAXIMUM_FIELD_BYTES = 8 * 1024
"""A signature field with a 4096 bit key and fifty signed headers has about two thousand."""

_SENDER = re.compile(r'\s*(?:(?:"[^"\\<>]*"|[^"\\<>@,;:()]*)\s*<\s*([^\s<>"(),;:\\]+)\s*>|([^\s<>"(),;:\\]+))\s*', re.ASCII)
"""One address, with a name before it or not; anything cleverer is nobody's."""


def not_covered(mail: SignedMail, signed: Iterable[Collection[bytes]], *, domain: str, claimed: str | None) -> str | None:
    """Return why a signature that passes is not a word for the report, one of `message.verdict.DKIM_RESULTS`; None where it is one.

    Args:
        mail: All of its header fields, signed or not.
        signed: The names of h=, lower-case; of several signatures where it is not known which of them is the one, and then all must do.
        domain: d=, lower-case.
        claimed: The domain the report claims to come from, see `pipeline.trust.alignment.claimed_domain`.
    """
    if not reads_one_way(mail) or not all(says_report(mail, names) for names in signed):
        return "not_covered"
    return None if _sent_by_reporter(mail, domain=domain, claimed=claimed) else "not_reporter"


def signed_by(mail: SignedMail, domain: str | None, selector: str | None) -> list[list[bytes]]:
    """Return the names of h= of all signatures of a domain and, where it is known, a selector.

    Args:
        mail: All of its header fields, signed or not.
        domain: d=, lower-case; None: those whose d= is not a name.
        selector: s=, lower-case; None where it is not known: any.
    """
    found = [tags_of(value) for value in mail.values(b"dkim-signature")]
    return [signed_names(tags) for tags in found if tag_text(tags, b"d") == domain and selector in {None, tag_text(tags, b"s")}]


def reads_one_way(mail: SignedMail) -> bool:
    """Whether none of the deciding fields occurs twice, and there is a From."""
    counts = [len(mail.values(name)) for name in DECIDING]
    return counts[0] == 1 and max(counts) == 1


def says_report(mail: SignedMail, names: Collection[bytes]) -> bool:
    """Whether a signature over these names covers the TLS-Report headers, or how the mail is read.

    Of fields that occur twice the lowest is the signed one (RFC 6376 §5.4.2): a header on top takes nothing from what the signer said.
    """
    if all(name in names and mail.values(name) for name in TLS_HEADERS):
        return True
    # The transfer encoding of a multipart says nothing: each part has its own (RFC 2045 §6.4).
    encoded = bool(mail.values(b"content-transfer-encoding")) and not _is_multipart(mail)
    described = b"content-type" in names and bool(mail.values(b"content-type"))
    return described and (not encoded or b"content-transfer-encoding" in names)


def _sent_by_reporter(mail: SignedMail, *, domain: str, claimed: str | None) -> bool:
    """Whether a mail in the name of a reporter of the shipped list has its key and comes from its address; others may send as they like.

    A domain below the reporter's is a reporter of its own: it speaks for what is at or below itself.
    """
    reporter = shipped_reporter(organisational_domain(valid_domain(domain) or domain))
    if reporter is None:
        return True
    if domain == reporter.domain:
        return sender_address(mail) in reporter.addresses
    return claimed is not None and (claimed == domain or claimed.endswith(f".{domain}"))


def sender_address(mail: SignedMail) -> str | None:
    """Return the address of From, lower-case; None where it is not exactly one."""
    values = mail.values(b"from")
    text = values[0].decode("utf-8", "replace").replace("\r\n", "") if len(values) == 1 else ""
    match = _SENDER.fullmatch(text) if len(text) <= 998 else None
    return (match[1] or match[2]).lower() if match is not None else None


def _is_multipart(mail: SignedMail) -> bool:
    return b"".join(mail.values(b"content-type")[:1]).lstrip().lower().startswith(b"multipart/")


def tags_of(value: bytes) -> dict[bytes, bytes]:
    """Return the tags of a DKIM-Signature field (RFC 6376 §3.5), read and not yet believed; none where they cannot be read."""
    if len(value) > MAXIMUM_FIELD_BYTES:
        return {}
    try:
        tags: dict[bytes, bytes] = parse_tag_value(value)
    except Exception:  # noqa: BLE001 -- dkimpy raises what it stumbles on
        return {}
    return tags


def tag_text(tags: dict[bytes, bytes], name: bytes) -> str | None:
    """Return a tag that is a domain name or a selector, lower-case; None for anything else."""
    text = tags.get(name, b"").decode("ascii", "replace")
    return text.lower() if is_host_name(text) else None


def signed_names(tags: dict[bytes, bytes]) -> list[bytes]:
    """Return the names of h=, lower-case, in order."""
    return [name.strip().lower() for name in tags.get(b"h", b"").split(b":")]
