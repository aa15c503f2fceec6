"""A plain report and a plain report mail, for tests to spoil."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime

from pipeline.message.fetched import Fetched, MessageRef
from pipeline.message.verdict import VOUCHED
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.model import Rejected
from pipeline.report.read import read_file, read_mail
from pipeline.report.rows import Ownership, RunStamp, build_rows

RECEIVED = datetime(2026, 5, 13, 6, tzinfo=UTC)
RUN = RunStamp("run", RECEIVED, "0")
STS_LINES = ["version: STSv1", "mode: enforce", "mx: mx1.example.com", "mx: *.mail.example.com", "max_age: 604800"]
TLSA = "3 1 1 0c72ac70b745ac19998811b131d662c9ac69dbdbe7cb23e5b514b56664c5d3d6"


def detail(**changes) -> dict:
    """Return a failure detail; `result_type="x"` sets `result-type`, `result_type=...` takes it away."""
    return _changed(
        {
            "result-type": "certificate-expired",
            "sending-mta-ip": "192.0.2.10",
            "receiving-mx-hostname": "mx1.example.com",
            "receiving-ip": "198.51.100.25",
            "failed-session-count": 2,
        },
        changes,
    )


def policy(good=10, bad=0, details=None, **changes) -> dict:
    """Return an element of `policies`; changes are to its `policy`."""
    applied = {"policy-type": "sts", "policy-string": STS_LINES, "policy-domain": "example.com", "mx-host": ["mx1.example.com"]}
    entry = {
        "policy": _changed(applied, changes),
        "summary": {"total-successful-session-count": good, "total-failure-session-count": bad},
    }
    return entry if details is None else {**entry, "failure-details": details}


def report(*policies, **changes) -> dict:
    """Return a report without anything odd, about 2026-05-11 and example.com."""
    plain = {
        "organization-name": "Reporter Inc.",
        "date-range": {"start-datetime": "2026-05-11T00:00:00Z", "end-datetime": "2026-05-11T23:59:59Z"},
        "contact-info": "tls-reports@reporter.example",
        "report-id": "2026-05-11_example.com",
        "policies": list(policies) or [policy()],
    }
    return _changed(plain, changes)


def window(start: str, end: str) -> dict:
    """Return the plain report about another period."""
    return report(date_range={"start-datetime": start, "end-datetime": end})


def _changed(members: dict, changes: dict) -> dict:
    renamed = {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in {**members, **renamed}.items() if value is not ...}


def text_of(document) -> bytes:
    """Return a document as JSON text; bytes are one already."""
    return document if isinstance(document, bytes) else json.dumps(document, separators=(",", ":")).encode()


def mail(
    body: bytes | dict | None = None,
    *,
    media_type: str = "application/tlsrpt+gzip",
    encoding: str = "base64",
    top: str = 'multipart/report; report-type=tlsrpt; boundary="=b"',
    headers: str = "TLS-Report-Domain: example.com\r\nTLS-Report-Submitter: reporter.example\r\n",
    parts: int = 1,
) -> bytes:
    """Return a report mail; `body` is the content of its report part, before the transfer encoding."""
    content = gzip.compress(text_of(report() if body is None else body), mtime=0) if not isinstance(body, bytes) else body
    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n") if encoding == "base64" else content + b"\r\n"
    start = (
        f"From: Reporter <noreply@reporter.example>\r\nTo: rua@example.com\r\nDate: Tue, 12 May 2026 08:44:48 -0700\r\n{headers}"
        "Subject: Report Domain: example.com Submitter: reporter.example Report-ID: <1@reporter.example>\r\n"
        f"Message-ID: <1@reporter.example>\r\nMIME-Version: 1.0\r\nContent-Type: {top}\r\n\r\n"
        "--=b\r\nContent-Type: text/plain\r\n\r\nA report.\r\n"
    )
    part = f"--=b\r\nContent-Type: {media_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + encoded
    return start.encode() + part * parts + b"--=b--\r\n"


def read_document(document, limits=DEFAULT_LIMITS):
    """Read a report file and return the report or the reason against it."""
    reading = read_file(text_of(document), name="report.json", received_at=RECEIVED, limits=limits)
    return reading.parts[0].result if reading.parts else reading.rejected


def read_only(content: bytes, limits=DEFAULT_LIMITS, received_at=RECEIVED):
    """Read a mail and return its first report, or the reason against it."""
    reading = read_mail(content, received_at=received_at, limits=limits)
    return reading.parts[0].result if reading.parts else reading.rejected


def code_of(result) -> str:
    """Return the code of a rejection; `stored` for a report."""
    return result.code if isinstance(result, Rejected) else "stored"


def rows_of(content: bytes, *, verdict=VOUCHED, own=(), mx=(), bare=False):
    """Return the rows of a mail, or of a file when `bare`."""
    reading = read_file(content, name="r.json", received_at=RECEIVED) if bare else read_mail(content, received_at=RECEIVED)
    fetched = Fetched(MessageRef("rua", "INBOX", 7, 42), content, RECEIVED, len(content), bare)
    ownership = Ownership(tuple(own), tuple(mx))
    return build_rows(fetched=fetched, reading=reading, verdicts=[verdict] * len(reading.parts), own=ownership, run=RUN)
