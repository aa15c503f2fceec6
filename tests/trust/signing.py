"""Signed report mails with every fault a signature can have; the signer shares no code with the module under test."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from pipeline.message.fetched import Fetched, MessageRef
from pipeline.report.read import read_mail

RECEIVED = datetime(2026, 5, 13, 15, 43, tzinfo=UTC)
SIGNED = ("from", "to", "subject", "date", "message-id", "tls-report-domain", "tls-report-submitter", "mime-version")


@cache
def rsa_key(name: str, bits: int = 2048):
    """A key pair of its own for every name; short ones come from openssl, because `cryptography` makes none."""
    if bits >= 1024:
        return rsa.generate_private_key(65537, bits)
    pem = subprocess.run(["openssl", "genrsa", str(bits)], capture_output=True, check=True).stdout
    return serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)


@cache
def ed_key(name: str):
    return ed25519.Ed25519PrivateKey.generate()


def public_text(key) -> str:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return base64.b64encode(key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)).decode()
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(key.public_key().public_bytes(*form)).decode()


def key_record(key, extra: str = "") -> str:
    kind = "ed25519" if isinstance(key, ed25519.Ed25519PrivateKey) else "rsa"
    return f"v=DKIM1; k={kind}; {extra}p={public_text(key)}"


def report_json(
    *, contact: str | None = "tls@reporter.example", domain: str = "rcpt.example", sessions: int = 7, report_id: str = "r1"
) -> bytes:
    report = {
        "organization-name": "Reporter",
        "date-range": {"start-datetime": "2026-05-12T00:00:00Z", "end-datetime": "2026-05-12T23:59:59Z"},
        "contact-info": contact,
        "report-id": report_id,
        "policies": [
            {
                "policy": {"policy-type": "sts", "policy-string": ["version: STSv1", "mode: testing"], "policy-domain": domain},
                "summary": {"total-successful-session-count": sessions, "total-failure-session-count": 0},
            }
        ],
    }
    return json.dumps(report).encode()


def report_mail(content: bytes | None = None, *, sender: str = "noreply@reporter.example", extra_headers: str = "") -> bytes:
    """An unsigned report mail, CRLF, as RFC 8460 §5.3 wants it."""
    packed = base64.encodebytes(gzip.compress(report_json() if content is None else content, mtime=0)).decode()
    text = f"""From: {sender}
To: tlsrpt@rcpt.example
Date: Wed, 13 May 2026 15:42:00 +0000
Subject: Report Domain: rcpt.example Submitter: reporter.example Report-ID: <r1@reporter.example>
Message-ID: <m1@reporter.example>
TLS-Report-Domain: rcpt.example
TLS-Report-Submitter: reporter.example
{extra_headers}MIME-Version: 1.0
Content-Type: multipart/report; report-type="tlsrpt"; boundary="=b"

--=b
Content-Type: text/plain

A  report.\t
--=b
Content-Type: application/tlsrpt+gzip
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="reporter.example!rcpt.example!1778544000!1778630399.json.gz"

{packed}
--=b--


"""
    return text.replace("\n", "\r\n").encode()


def _relaxed(name: str, value: bytes) -> bytes:
    return name.encode() + b":" + re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip()


def _headers(mail: bytes) -> list[tuple[str, bytes, bytes]]:
    """(lower-case name, value, whole field) in order."""
    block = mail.partition(b"\r\n\r\n")[0] + b"\r\n"
    fields = re.findall(rb"([!-9;-~]+):((?:[^\r\n]*\r\n)(?:[ \t][^\r\n]*\r\n)*)", block)
    return [(name.decode().lower(), value[:-2], name + b":" + value[:-2]) for name, value in fields]


def _body_hash(body: bytes, form: str, algorithm: str) -> str:
    if form == "relaxed":
        lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
        body = b"\r\n".join(lines)
    body = re.sub(rb"(\r\n)*\Z", b"", body, count=1)
    canonical = body + b"\r\n" if body or form == "simple" else b""
    return base64.b64encode(hashlib.new(algorithm, canonical).digest()).decode()


def sign(
    mail: bytes,
    key,
    *,
    domain: str = "reporter.example",
    selector: str = "s1",
    names: tuple[str, ...] = SIGNED,
    form: str = "relaxed/relaxed",
    algorithm: str | None = None,
    tags: str = "",
) -> bytes:
    """Put a signature on top of the mail (RFC 6376 §3.7). `tags` is added as it is, as `x=1; `."""
    algorithm = algorithm or ("ed25519-sha256" if isinstance(key, ed25519.Ed25519PrivateKey) else "rsa-sha256")
    hashing = algorithm.partition("-")[2]
    head_form, _, body_form = form.partition("/")
    body_hash = _body_hash(mail.partition(b"\r\n\r\n")[2], body_form, hashing)
    value = f" v=1; a={algorithm}; c={form}; d={domain}; s={selector};\r\n\t{tags}h={':'.join(names)};\r\n\tbh={body_hash};\r\n\tb="
    fields = _headers(mail)
    signed = []
    for name in names:
        place = next((i for i in range(len(fields) - 1, -1, -1) if fields[i][0] == name.lower()), None)
        if place is not None:
            signed.append(_relaxed(fields[place][0], fields[place][1]) if head_form == "relaxed" else fields[place][2])
            fields = fields[:place] + fields[place + 1 :]
    own = _relaxed("dkim-signature", value.encode()) if head_form == "relaxed" else b"DKIM-Signature:" + value.encode()
    text = b"\r\n".join([*signed, own])
    if isinstance(key, ed25519.Ed25519PrivateKey):
        signature = key.sign(hashlib.sha256(text).digest())
    else:
        signature = key.sign(text, padding.PKCS1v15(), hashes.SHA1() if hashing == "sha1" else hashes.SHA256())  # noqa: S303
    encoded = base64.b64encode(signature).decode()
    folded = "\r\n\t".join(encoded[i : i + 64] for i in range(0, len(encoded), 64))
    return b"DKIM-Signature:" + value.encode() + folded.encode() + b"\r\n" + mail


def stamp(days: float) -> int:
    """Seconds of a moment so many days after the mail was received."""
    return int((RECEIVED + timedelta(days=days)).timestamp())


def fetched(mail: bytes, *, account: str = "rua", received_at: datetime = RECEIVED) -> Fetched:
    ref = MessageRef(account, "INBOX", 1, 1) if account != "file" else MessageRef("file", "reports", item="reports/1.eml")
    return Fetched(ref, mail, received_at, len(mail))


def reading(mail: bytes, received_at: datetime = RECEIVED):
    return read_mail(mail, received_at=received_at)
