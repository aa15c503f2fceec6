"""What else lies in a mailbox of reports: forgeries, the same report twice, two contents under one id, other people's mail, ruins.

None of it changes the truth of a world: a reader that does its work counts none of it, and says what it was.
"""

from __future__ import annotations

import base64
import copy
import gzip
import json
import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime

from pipeline.demo.mail import RUA, DemoMail, mail_of, received
from pipeline.demo.signing_keys import KeyRing
from pipeline.demo.simulated_reporters import BY_KEY, STRANGER
from pipeline.demo.spec import WorldReport


def _duplicate(report: WorldReport, keys: KeyRing) -> DemoMail:
    """The same mail again three hours later: the sender had not heard our answer (RFC 8460 §5.5)."""
    mail = mail_of(report, keys)
    again = received(mail.content.split(b"\r\n", 4)[4], BY_KEY[report.reporter], report.sent_at + timedelta(hours=3))
    return mail._replace(received_at=mail.received_at + timedelta(hours=3), content=again)


def _conflict(report: WorldReport, keys: KeyRing) -> DemoMail:
    """The same id again with other counts."""
    document = copy.deepcopy(report.document)
    document["policies"][0]["summary"]["total-successful-session-count"] += 17
    return mail_of(report._replace(document=document, sent_at=report.sent_at + timedelta(hours=2)), keys)


def _forged(report: WorldReport, keys: KeyRing) -> DemoMail:
    """Nobody's signature, the id that the real one will have, and it comes before the real one."""
    mail = mail_of(_alarming(report), keys)
    head, _, body = mail.content.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    begin = next(n for n, line in enumerate(lines) if line.startswith(b"DKIM-Signature:"))
    end = next(n for n in range(begin + 1, len(lines)) if not lines[n].startswith((b" ", b"\t")))
    return mail._replace(content=b"\r\n".join(lines[:begin] + lines[end:]) + b"\r\n\r\n" + body, reporter="")


def _impostor(report: WorldReport, keys: KeyRing) -> DemoMail:
    """Signed by a domain that is not the one it speaks for."""
    claim = _alarming(report)
    mail = mail_of(claim, keys)
    unsigned = b"MIME-Version:" + mail.content.split(b"\r\nMIME-Version:", 1)[1]
    names = ("From", "To", "Subject", "Date", "MIME-Version")
    signed = keys.sign(unsigned, domain=STRANGER.signing_domain, selector=STRANGER.selector, headers=names, signed_at=claim.sent_at)
    return mail._replace(content=received(signed, STRANGER, claim.sent_at), reporter="")


def _alarming(report: WorldReport) -> WorldReport:
    """The report with everything failed, sent in the early morning."""
    document = copy.deepcopy(report.document)
    for element in document["policies"]:
        element["summary"] = {"total-successful-session-count": 0, "total-failure-session-count": 900}
        element["failure-details"] = [{"result-type": "certificate-not-trusted", "failed-session-count": 900}]
    morning = datetime.combine(report.report_day + timedelta(days=1), time(3, 3), UTC)
    return report._replace(document=document, sent_at=morning)


def _broken_gzip(report: WorldReport, keys: KeyRing) -> DemoMail:
    """The attachment ends in the middle."""
    mail = mail_of(report, keys)
    packed = gzip.compress(json.dumps(report.document).encode(), mtime=0)
    return _with_attachment(mail, packed[: len(packed) // 2])


def _broken_json(report: WorldReport, keys: KeyRing) -> DemoMail:
    """A comma too many."""
    mail = mail_of(report, keys)
    text = json.dumps(report.document).replace('"policies": [', '"policies": [,')
    return _with_attachment(mail, gzip.compress(text.encode(), mtime=0))


def _with_attachment(mail: DemoMail, attached: bytes) -> DemoMail:
    head, _, rest = mail.content.rpartition(b"Content-Transfer-Encoding: base64\r\n\r\n")
    encoded = base64.encodebytes(attached).replace(b"\n", b"\r\n")
    closing = b"--" + rest.rpartition(b"\r\n--")[2]
    content = head + b"Content-Transfer-Encoding: base64\r\n\r\n" + encoded + closing
    return mail._replace(content=content, received_at=mail.received_at + timedelta(minutes=20), reporter="")


def _dmarc(report: WorldReport, keys: KeyRing) -> DemoMail:  # noqa: ARG001 -- one shape for all kinds
    """A DMARC report (RFC 7489): the same mailbox is often given for both."""
    xml = (
        f"<?xml version='1.0'?><feedback><report_metadata><org_name>google.com</org_name><report_id>{report.report_day:%Y%m%d}</report_id>"
    )
    xml += f"</report_metadata><policy_published><domain>{report.domain}</domain><p>none</p></policy_published></feedback>"
    packed = gzip.compress(xml.encode(), mtime=0)
    name = f"google.com!{report.domain}!{report.report_day:%Y%m%d}.xml.gz"
    return _other(
        report,
        packed,
        sender="noreply-dmarc-support@google.com",
        subject=f"Report domain: {report.domain}",
        media="application/gzip",
        name=name,
    )


def _photo(report: WorldReport, keys: KeyRing) -> DemoMail:  # noqa: ARG001
    """Somebody's picture."""
    return _other(report, _picture(), sender="alex@example.net", subject="Fwd: the new rack", media="image/png", name="rack.png")


def _other(report: WorldReport, attached: bytes, *, sender: str, subject: str, media: str, name: str) -> DemoMail:
    when = report.sent_at + timedelta(minutes=5)
    lines = [
        f"From: {sender}",
        f"To: {RUA}",
        f"Subject: {subject}",
        f"Date: {format_datetime(when)}",
        f"Message-ID: <{report.report_day:%Y%m%d}.{name.partition('.')[0]}@{sender.partition('@')[2]}>",
        "MIME-Version: 1.0",
        f'Content-Type: {media}; name="{name}"',
        f'Content-Disposition: attachment; filename="{name}"',
        "Content-Transfer-Encoding: base64",
        "",
        base64.encodebytes(attached).decode().replace("\n", "\r\n"),
    ]
    return DemoMail(when, "\r\n".join(lines).encode(), "", "")


def _picture() -> bytes:
    """A grey square of 64 pixels, PNG."""
    rows = b"".join(b"\x00" + b"\x88" * 64 for _ in range(64))

    def chunk(kind: bytes, payload: bytes) -> bytes:
        return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))

    header = struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


KINDS: dict[str, Callable[[WorldReport, KeyRing], DemoMail]] = {
    "duplicate": _duplicate,
    "conflict": _conflict,
    "forged": _forged,
    "impostor": _impostor,
    "broken-gzip": _broken_gzip,
    "broken-json": _broken_json,
    "dmarc": _dmarc,
    "photo": _photo,
}
"""By name: what makes such a mail of an ordinary report."""
