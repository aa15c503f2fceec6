"""DKIM keys of the reporters: made at first use, kept in a folder, and signing (RFC 6376).

Signing is our own, because dkimpy computes RSA in Python (7 ms a mail) and signs with the time of day; here it is 0.3 ms and the time is
given. The tests verify every signature with dkimpy. Private keys never leave the folder they were made in.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from pipeline.errors import InputError

_SPACE = re.compile(rb"[ \t]+")
_FOLD = re.compile(rb"\r\n(?=[ \t])")


class KeyRing:
    """The signing keys, one per signing domain and selector."""

    def __init__(self, folder: Path | None = None) -> None:
        """Keep keys in `folder`, made readable by its owner only; None: in memory, lost with the process."""
        self._folder = folder
        self._keys: dict[str, rsa.RSAPrivateKey] = {}

    def record(self, domain: str, selector: str, bits: int = 2048) -> str:
        """Return the text of the key record (RFC 6376 §3.6.1).

        Args:
            domain: d=, the signing domain.
            selector: The tag `s=`, a label or several.
            bits: Length of the key if it has to be made.

        Raises:
            InputError: What the folder holds for this name is no RSA key.
        """
        public = self._key(domain, selector, bits).public_key()
        der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"

    def sign(
        self,
        message: bytes,
        *,
        domain: str,
        selector: str,
        headers: Sequence[str],
        signed_at: datetime,
        bits: int = 2048,
        valid_seconds: int | None = None,
    ) -> bytes:
        """Return the message with a DKIM-Signature on top, rsa-sha256, relaxed/relaxed.

        Args:
            message: Header and body with CRLF line ends.
            domain: The tag `d=`: who signs.
            selector: The tag `s=`: below it lies the key in the DNS.
            headers: Names to sign, in order; a name more often than it occurs is signed as absent (RFC 6376 §5.4.2).
            signed_at: The tag `t=`; aware.
            bits: Length of the key if it has to be made.
            valid_seconds: Seconds until x=; None: no x=.
        """
        head, _, body = message.partition(b"\r\n\r\n")
        stamp = int(signed_at.timestamp())
        expires = f" x={stamp + valid_seconds};" if valid_seconds else ""
        body_hash = base64.b64encode(hashlib.sha256(_relaxed_body(body)).digest()).decode()
        unsigned = (
            f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n\td={domain}; s={selector}; t={stamp};{expires}\r\n"
            f"\th={_folded_names(headers)};\r\n\tbh={body_hash};\r\n\tb="
        ).encode()
        covered = _covered(head, headers) + _relaxed_header(unsigned)
        signature = base64.b64encode(self._key(domain, selector, bits).sign(covered, padding.PKCS1v15(), hashes.SHA256()))
        folded = b"\r\n\t ".join(signature[at : at + 72] for at in range(0, len(signature), 72))
        return unsigned + folded + b"\r\n" + message

    def _key(self, domain: str, selector: str, bits: int) -> rsa.RSAPrivateKey:
        name = f"{selector}.{domain}"
        if name not in self._keys:
            self._keys[name] = self._load(name) or self._make(name, bits)
        return self._keys[name]

    def _load(self, name: str) -> rsa.RSAPrivateKey | None:
        path = self._folder and self._folder / f"{name}.pem"
        if not path or not path.exists():
            return None
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise InputError(f"{path} is not an RSA key; remove it, and a new one is made")
        return key

    def _make(self, name: str, bits: int) -> rsa.RSAPrivateKey:
        key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)
            encoded = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            descriptor = os.open(self._folder / f"{name}.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(encoded)
        return key


def _relaxed_body(body: bytes) -> bytes:
    """Canonicalise a body (RFC 6376 §3.4.4): runs of white space are one space, none at line ends, no empty lines at the end."""
    lines = [_SPACE.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"\r\n".join(lines) + b"\r\n" if lines else b""


def _relaxed_header(field: bytes) -> bytes:
    """Canonicalise one header field (RFC 6376 §3.4.2), without the line end."""
    name, _, value = field.partition(b":")
    return name.strip().lower() + b":" + _SPACE.sub(b" ", _FOLD.sub(b"", value)).strip(b" ")


def _covered(head: bytes, names: Sequence[str]) -> bytes:
    """The signed fields in order; of several of one name the last comes first (RFC 6376 §5.4.2)."""
    fields: dict[str, list[bytes]] = {}
    for field in re.split(rb"\r\n(?![ \t])", head):
        fields.setdefault(field.partition(b":")[0].strip().lower().decode("latin-1"), []).append(field)
    covered = b""
    for name in names:
        if waiting := fields.get(name.lower()):
            covered += _relaxed_header(waiting.pop()) + b"\r\n"
    return covered


def _folded_names(names: Sequence[str]) -> str:
    """h= with a fold after every eight names."""
    rows = [":".join(names[at : at + 8]) for at in range(0, len(names), 8)]
    return "\r\n\t :".join(rows)
