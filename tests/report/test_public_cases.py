"""Odd reports and mails out of public bug reports, written anew: read with their sessions, or kept with a code; never passed over."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from datetime import UTC, datetime

import pytest

from pipeline.report.model import Rejected
from pipeline.report.read import read_file, read_mail
from tests.report_mails import document, mail_of

RECEIVED = datetime(2026, 3, 12, tzinfo=UTC)


def changed(**members):
    return document(4, bad=1) | members


def one_policy(**members):
    report = document(4, bad=1)
    report["policies"][0]["policy"] |= members
    return report


def dates(start, end):
    return changed(**{"date-range": {"start-datetime": start, "end-datetime": end}})


def failing(**members):
    report = document(4, bad=1)
    report["policies"][0]["failure-details"][0] |= members
    return report


READ = {
    "the policy as one string with line ends": one_policy(
        **{"policy-string": ["version: STSv1\r\nmode: testing\r\nmx: mx1.example.org\r\n"]}
    ),
    "the policy as one string with semicolons": one_policy(**{"policy-string": "version: STSv1; mode: testing; mx: mx1.example.org"}),
    "fractions of a second and an offset": dates("2026-03-05T00:00:00.000+00:00", "2026-03-05T23:59:59.999+00:00"),
    "a day of its own zone": dates("2026-03-04T20:00:00-04:00", "2026-03-05T19:59:59-04:00"),
    "contact-info as a mailto address": changed(**{"contact-info": "mailto:tls@reporter.example"}),
    "contact-info with a name": changed(**{"contact-info": "Reporter TLS <tls@reporter.example>"}),
    "contact-info as a web address": changed(**{"contact-info": "https://reporter.example/contact"}),
    "a domain in capitals with a dot at its end": one_policy(**{"policy-domain": "EXAMPLE.ORG."}),
    "an address literal": failing(**{"receiving-ip": "[203.0.113.25]", "sending-mta-ip": "IPv6:2001:db8::1"}),
    "a host with its address": failing(**{"receiving-mx-hostname": "mx1.example.org[203.0.113.25]"}),
    "a result type in capitals, a count as text": failing(**{"result-type": "Certificate-Expired", "failed-session-count": "1"}),
}
KEPT = {
    "policies as an object": (changed(policies=document(4)["policies"][0]), "schema_invalid"),
    "no policies": (changed(policies=[]), "schema_invalid"),
    "a report-id that is a number": (changed(**{"report-id": 1733333}), "schema_invalid"),
    "dates as seconds": (dates(1772668800, 1772755199), "schema_invalid"),
    "dates without a time": (dates("2026-03-05", "2026-03-05"), "date_range"),
    "a period that ends where it begins": (dates("2026-03-05T00:00:00Z", "2026-03-05T00:00:00Z"), "date_range"),
}


@pytest.mark.parametrize("report", READ.values(), ids=READ)
def test_odd_json_is_read_with_its_sessions(report):
    (part,) = read_file(json.dumps(report).encode(), name="r.json", received_at=RECEIVED).parts
    assert not isinstance(part.result, Rejected), part.result
    assert [(policy.success_count, policy.failure_count) for policy in part.result.policies] == [(5, 1)]
    assert f"{part.result.window_start:%Y-%m-%d}" == "2026-03-05"


@pytest.mark.parametrize(("report", "code"), KEPT.values(), ids=KEPT)
def test_what_says_nothing_certain_is_kept_with_its_code(report, code):
    (part,) = read_file(json.dumps(report).encode(), name="r.json", received_at=RECEIVED).parts
    assert isinstance(part.result, Rejected)
    assert part.result.code == code


TEXT = json.dumps(document(4)).encode()
PLAIN = mail_of(document(4))
HEAD, _, _ = PLAIN.partition(b"\r\n\r\n")


def carrying(fields: bytes, body: bytes) -> bytes:
    """A report mail with another part."""
    return HEAD + b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nA report.\r\n--b\r\n" + fields + b"\r\n\r\n" + body + b"\r\n--b--\r\n"


GZIP = b"Content-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: "
JSON = b"Content-Type: application/tlsrpt+json\r\nContent-Transfer-Encoding: "
OUTER = b"From: tls@reporter.example\r\nTo: tls@example.org\r\nSubject: Report\r\nMIME-Version: 1.0\r\n"
SIGNED = (
    OUTER
    + b'Content-Type: multipart/signed; boundary="s"\r\n\r\n--s\r\n'
    + PLAIN[PLAIN.index(b"Content-Type:") :]
    + b"\r\n--s\r\nContent-Type: application/pkcs7-signature\r\n\r\nMIIB\r\n--s--\r\n"
)
MAILS = {
    "binary": carrying(GZIP + b"binary", gzip.compress(TEXT, mtime=0)),
    "quoted-printable": carrying(JSON + b"quoted-printable", TEXT.replace(b"=", b"=3D").replace(b'", "', b'",=\r\n "')),
    "8bit": carrying(JSON + b"8bit", TEXT),
    "one long line": carrying(GZIP + b"base64", base64.b64encode(gzip.compress(TEXT, mtime=0))),
    "line feeds alone": PLAIN.replace(b"\r\n", b"\n"),
    "an mbox line in front": b"From tls@reporter.example Mon Mar  2 03:00:00 2026\r\nX-Folder: INBOX\r\n" + PLAIN,
    "a header of the part that is misspelt": carrying(
        b"ContentType: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=r.json.gz",
        base64.encodebytes(gzip.compress(TEXT, mtime=0)),
    ),
    "signed with S/MIME": SIGNED,
}
UNREAD = {
    "zlib instead of gzip": (carrying(GZIP + b"base64", base64.encodebytes(zlib.compress(TEXT))), "json_malformed"),
    "gzip in gzip": (carrying(GZIP + b"base64", base64.encodebytes(gzip.compress(gzip.compress(TEXT)))), "utf8_invalid"),
    "UTF-16": (carrying(JSON + b"base64", base64.encodebytes(TEXT.decode().encode("utf-16"))), "utf8_invalid"),
    "uuencoded": (carrying(GZIP + b"x-uuencode", b"begin 644 r.json.gz\r\nM'XL(\r\nend"), "json_malformed"),
}


@pytest.mark.parametrize("mail", MAILS.values(), ids=MAILS)
def test_an_odd_mail_is_read(mail):
    (part,) = read_mail(mail, received_at=RECEIVED).parts
    assert not isinstance(part.result, Rejected), part.result
    assert [policy.success_count for policy in part.result.policies] == [5]


@pytest.mark.parametrize(("mail", "code"), UNREAD.values(), ids=UNREAD)
def test_a_mail_that_cannot_be_read_is_kept_with_its_code(mail, code):
    reading = read_mail(mail, received_at=RECEIVED)
    codes = [part.result.code for part in reading.parts if isinstance(part.result, Rejected)] or [
        reading.rejected and reading.rejected.code
    ]
    assert codes == [code]
