"""Small report mails, made by hand for tests."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta

FIRST_DAY = datetime(2026, 3, 1, tzinfo=UTC)


def document(
    number: int, *, domain: str = "example.org", good: int | None = None, bad: int = 0, reporter: str = "reporter.example"
) -> dict:
    """Report `number`: one day each, `good` successful sessions (default: the number plus one)."""
    day = FIRST_DAY + timedelta(days=number % 25)
    failures = (
        [{"result-type": "certificate-expired", "receiving-mx-hostname": f"mx1.{domain}", "failed-session-count": bad}] if bad else []
    )
    return {
        "organization-name": "Reporter Inc.",
        "date-range": {"start-datetime": f"{day:%Y-%m-%d}T00:00:00Z", "end-datetime": f"{day:%Y-%m-%d}T23:59:59Z"},
        "contact-info": f"tls@{reporter}",
        "report-id": f"{number}_{domain}",
        "policies": [
            {
                "policy": {
                    "policy-type": "sts",
                    "policy-string": ["version: STSv1", "mode: testing", f"mx: mx1.{domain}", "max_age: 86400"],
                    "policy-domain": domain,
                    "mx-host": [f"mx1.{domain}"],
                },
                "summary": {
                    "total-successful-session-count": number + 1 if good is None else good,
                    "total-failure-session-count": bad,
                },
                "failure-details": failures,
            }
        ],
    }


def mail_of(report: dict, *, domain: str = "example.org", reporter: str = "reporter.example", padding: int = 0) -> bytes:
    """The mail RFC 8460 §5.3 asks for around a report, unsigned."""
    packed = base64.encodebytes(gzip.compress(json.dumps(report).encode(), mtime=0)).decode()
    lines = [
        f"From: tls@{reporter}",
        f"To: tlsrpt@{domain}",
        f"Subject: Report Domain: {domain} Submitter: {reporter} Report-ID: <{report['report-id']}>",
        "Date: Mon, 02 Mar 2026 03:00:00 +0000",
        f"Message-ID: <{report['report-id']}@{reporter}>",
        f"TLS-Report-Domain: {domain}",
        f"TLS-Report-Submitter: {reporter}",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type="tlsrpt"; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        "An SMTP TLS report." + "x" * padding,
        "--b",
        "Content-Type: application/tlsrpt+gzip",
        "Content-Transfer-Encoding: base64",
        "",
        packed.rstrip("\n"),
        "--b--",
        "",
    ]
    return "\r\n".join("\r\n".join(line.split("\n")) for line in lines).encode()


def mail(number: int, **kinds) -> bytes:
    """Mail `number` with report `number`."""
    return mail_of(document(number, **kinds))


NOT_A_REPORT = b"From: friend@example.net\r\nTo: tlsrpt@example.org\r\nSubject: lunch?\r\n\r\nAt noon?\r\n"

UNREADABLE = mail(0).replace(b"H4sI", b"H4sJ")
"""Says it is a TLS report, but its gzip is broken."""
