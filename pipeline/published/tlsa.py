"""TLSA records and the certificates they are matched with (RFC 6698 §2.1, RFC 7672 §3.1). Pure."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.x509 import Certificate

_TEXT = re.compile(r"([0-9]+) ([0-9]+) ([0-9]+) ([0-9A-Fa-f ]+)")

_DIGITS = {1: 64, 2: 128}
"""Hex digits of a digest by matching type: SHA-256 and SHA-512 (RFC 6698 §2.1.3)."""

DANE_TA, DANE_EE = 2, 3
"""The usages SMTP can use; PKIX-TA (0) and PKIX-EE (1) are unusable for it (RFC 7672 §3.1.3)."""


class Tlsa(NamedTuple):
    """One TLSA record."""

    usage: int
    selector: int
    matching: int
    association: str
    """Lower-case hex."""

    @property
    def usable(self) -> bool:
        """Whether an SMTP sender can do anything with it."""
        return self.usage in {DANE_TA, DANE_EE} and self.selector in {0, 1} and self.matching in {0, 1, 2}

    def __str__(self) -> str:
        return f"{self.usage} {self.selector} {self.matching} {self.association}"


def parse_tlsa(text: str) -> Tlsa | None:
    """Return a record from `usage selector matching-type hex`, as in zone files and in reports; None where it is none."""
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        return None
    return Tlsa(int(match[1]), int(match[2]), int(match[3]), match[4].replace(" ", "").lower())


def records_of(texts: Sequence[str]) -> tuple[Tlsa, ...]:
    """Return the records that somebody wrote.

    Raises:
        UsageError: One of them cannot be right.
    """
    found = []
    for text in texts:
        record = parse_tlsa(text)
        if record is None:
            raise UsageError(f"a TLSA record is written as '3 1 1 hex' (usage 2 or 3, selector, type, digest); {text[:60]!r} is not")
        if fault := record_fault(record):
            raise UsageError(f"the TLSA record {text[:30]!r} cannot be right: {fault}")
        found.append(record)
    return tuple(found)


def record_fault(record: Tlsa) -> str:
    """Return what is wrong with a record whatever is served, as a part of a sentence; empty: nothing."""
    if record.usage not in {DANE_TA, DANE_EE}:
        return f"usage {record.usage} cannot be used for mail, only usage 2 or 3 (RFC 7672 §3.1.3)"
    if record.selector not in {0, 1}:
        return f"selector {record.selector} does not exist, only 0 (the certificate) and 1 (its key) (RFC 6698 §2.1.2)"
    if record.matching not in {0, 1, 2}:
        return f"matching type {record.matching} does not exist, only 0 (whole), 1 (SHA-256) and 2 (SHA-512) (RFC 6698 §2.1.3)"
    return _fault_of_association(record)


def _fault_of_association(record: Tlsa) -> str:
    digits = _DIGITS.get(record.matching)
    if digits is None:
        return "" if _is_whole(record) else f"it does not hold a whole {'certificate' if record.selector == 0 else 'public key'} in DER"
    if len(record.association) != digits:
        return f"a digest of type {record.matching} has {digits} hex digits, and this one {len(record.association)} (RFC 6698 §2.1.3)"
    if record.association == hashlib.new("sha256" if record.matching == 1 else "sha512", b"").hexdigest():
        return "it is the digest of empty input: the command that made it read nothing"
    return ""


def _is_whole(record: Tlsa) -> bool:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        content = bytes.fromhex(record.association)
        if record.selector == 0:
            x509.load_der_x509_certificate(content)
        else:
            load_der_public_key(content)
    except UnsupportedAlgorithm:
        return True
    except ValueError:
        return False
    return True


def matches(record: Tlsa, chain: Sequence[Certificate]) -> bool:
    """Whether a usable record matches the chain a server shows, its own certificate first.

    DANE-EE matches the first certificate alone, without regard to name or expiry; DANE-TA any of those that issued it, never itself
    (RFC 7672 §3.1.1, §3.1.2, RFC 7671 §5.2).
    """
    candidates = chain[:1] if record.usage == DANE_EE else chain[1:]
    return record.usable and any(is_of(record, certificate) for certificate in candidates)


def is_of(record: Tlsa, certificate: Certificate) -> bool:
    """Whether a record holds this certificate or its key, whatever its usage."""
    return associated(certificate, record.selector, record.matching) == record.association


def mistake_of(record: Tlsa, chain: Sequence[Certificate]) -> str:
    """Return the known mistake behind a digest that matches nothing in the way the record says; empty: none that is known."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    if record.usage == DANE_TA and is_of(record, chain[0]):
        return "it is of the server's own certificate, and usage 2 means an issuer: usage 3 is the one for it (RFC 7671 §5.2)"
    name = {1: "sha256", 2: "sha512"}.get(record.matching)
    if name is None:
        return ""
    for certificate in chain:
        key = certificate.public_key()
        pem, key_pem = certificate.public_bytes(Encoding.PEM), key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        files = {
            "the certificate's PEM file, not of its content": pem,
            "the key's PEM file, not of the key": key_pem,
            "the certificate in base64": b"".join(pem.splitlines()[1:-1]),
            "the key in base64": b"".join(key_pem.splitlines()[1:-1]),
        }
        for what, content in files.items():
            digests = {hashlib.new(name, each).hexdigest() for each in (content, content.rstrip(b"\n"), content + b"\n")}
            if record.association in digests:
                return f"it is the digest of {what}"
        if associated(certificate, 1 - record.selector, record.matching) == record.association:
            held, meant = ("whole certificate", "key") if record.selector == 1 else ("key", "whole certificate")
            return f"it is the digest of the {held}, and selector {record.selector} means the {meant}"
        if record.usage == DANE_EE and certificate is not chain[0] and matches(record._replace(usage=DANE_TA), chain):
            return "it is the digest of the issuer, and usage 3 means the server's own certificate"
    return ""


def associated(certificate: Certificate, selector: int, matching: int) -> str:
    """Return the association of a certificate: itself or its public key, whole or hashed, in hex (RFC 6698 §2.1).

    Args:
        certificate: As the server shows it.
        selector: 0: all of it; any other: its public key.
        matching: 1: sha256; 2: sha512; any other: not hashed.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    if selector == 0:
        content = certificate.public_bytes(Encoding.DER)
    else:
        content = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if matching == 1:
        content = hashlib.sha256(content).digest()
    elif matching == 2:
        content = hashlib.sha512(content).digest()
    return content.hex()


def names_one_of(certificate: Certificate, wanted: set[str]) -> bool:
    """Whether a certificate names one of these hosts; `*.` stands for exactly one label (RFC 6125 §6.4.3)."""
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, ValueError):
        return False
    there = {name.lower().rstrip(".") for name in names}
    return any(name in there or f"*.{name.partition('.')[2]}" in there for name in wanted)


def record_for(certificate: Certificate, owner: str) -> str:
    """Return the record to publish for a certificate at `_25._tcp.…`: DANE-EE over the public key, sha256 (RFC 7672 §3.1.1)."""
    return f"{owner}. TLSA {DANE_EE} 1 1 {associated(certificate, 1, 1)}"
