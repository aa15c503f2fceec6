"""DKIM key records (RFC 6376 §3.6.1, RFC 8301, RFC 8463): their text, read into a key that checks a signature.

The RSA operation is OpenSSL's, through `cryptography`: dkimpy's own is Python integers and takes two thirds of the time of a verification.
Keys are kept by their text, since one key signs every report of a reporter.
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from dkim.crypto import UnparsableKeyError, parse_public_key
from dkim.util import InvalidTagValueList, parse_tag_value

MINIMUM_BITS = 1024
"""RFC 8301 §3.2: shorter keys must not be believed. Microsoft signs with 1024."""

MAXIMUM_BITS = 8192
MAXIMUM_EXPONENT = 1 << 33
"""The key is the sender's choice: a modulus or an exponent of thousands of digits would take hours."""

MAXIMUM_RECORD_BYTES = 8 * 1024

_PADDING = PKCS1v15()
_DIGEST = Prehashed(SHA256())


class KeyUnusableError(Exception):
    """The record is not a key that can check this signature; the message says why."""


class Key(NamedTuple):
    """A usable key and what its record asks for."""

    type: str
    """rsa or ed25519."""
    bits: int
    public: RSAPublicKey | Ed25519PublicKey
    hashes: frozenset[bytes]
    """h=: acceptable hash algorithms; empty is any."""
    strict: bool
    """t=s: the domain of i= must be d= itself, no sub-domain."""

    def verifies(self, signature: bytes, digest: bytes) -> bool:
        """Whether `signature` is that of the SHA-256 `digest`."""
        try:
            if isinstance(self.public, Ed25519PublicKey):
                self.public.verify(signature, digest)
            else:
                self.public.verify(signature, digest, _PADDING, _DIGEST)
        except InvalidSignature:
            return False
        return True


@lru_cache(maxsize=512)
def read_key(record: bytes) -> Key:
    """Read a key record.

    A service type list (s=) has to contain `*`, `email` or `tlsrpt`: nobody publishes the `s=tlsrpt` that RFC 8460 §3 wishes for. t=y
    (testing) changes nothing about a signature that verifies (RFC 6376 §3.6.1).

    Raises:
        KeyUnusableError: It is malformed, revoked (empty p=), of another type or service, or out of all proportion.
    """
    if len(record) > MAXIMUM_RECORD_BYTES:
        raise KeyUnusableError(f"the key record has {len(record):,} bytes")
    try:
        tags: dict[bytes, bytes] = parse_tag_value(record)
    except (InvalidTagValueList, IndexError) as err:
        raise KeyUnusableError("the key record is not a list of tags") from err
    if tags.get(b"v", b"DKIM1") != b"DKIM1":
        raise KeyUnusableError("the key record is of another version")
    if not _list(tags.get(b"s", b"*")) & {b"*", b"email", b"tlsrpt"}:
        raise KeyUnusableError("the key is for another service")
    encoded = b"".join(tags.get(b"p", b"").split())
    if not encoded:
        raise KeyUnusableError("the key is revoked" if b"p" in tags else "the key record has no p=")
    kind, public, bits = _public_key(tags.get(b"k", b"rsa").lower(), encoded)
    hashes = _list(tags[b"h"]) if b"h" in tags else frozenset()
    return Key(kind, bits, public, hashes, strict=b"s" in _list(tags.get(b"t", b"")))


def _list(value: bytes) -> frozenset[bytes]:
    return frozenset(part.strip().lower() for part in value.split(b":"))


def _public_key(kind: bytes, encoded: bytes) -> tuple[str, RSAPublicKey | Ed25519PublicKey, int]:
    try:
        der = base64.b64decode(encoded, validate=True)
        if kind == b"ed25519":
            return "ed25519", Ed25519PublicKey.from_public_bytes(der), 256
        if kind == b"rsa":
            numbers = parse_public_key(der)
            return "rsa", *_rsa(numbers["modulus"], numbers["publicExponent"])
    except (binascii.Error, ValueError, UnparsableKeyError, AssertionError, TypeError, IndexError) as err:
        raise KeyUnusableError("p= is not a key") from err
    raise KeyUnusableError("the key is of an unknown type")


def _rsa(modulus: int, exponent: int) -> tuple[RSAPublicKey, int]:
    bits = modulus.bit_length()
    if bits > MAXIMUM_BITS or exponent > MAXIMUM_EXPONENT:
        raise KeyUnusableError(f"the key has {bits:,} bits and an exponent of {exponent.bit_length():,}")
    return RSAPublicNumbers(exponent, modulus).public_key(), bits
