"""What distinguishes the mail of each kind of software: header fields, the part for people, packing, what the signature covers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from email.utils import format_datetime
from typing import NamedTuple

from pipeline.demo.simulated_reporters import Reporter
from pipeline.demo.spec import WorldReport

_DAY_SECONDS = 86_400
_WEEK_SECONDS = 7 * _DAY_SECONDS
_RFC_HEADERS = ("From", "To", "Subject", "Date", "Message-ID", "TLS-Report-Domain", "TLS-Report-Submitter", "MIME-Version", "Content-Type")


class Form(NamedTuple):
    """What distinguishes the mail of one kind of software."""

    signed: tuple[str, ...]
    """h= of the DKIM signature."""
    headers: Callable[[Letter], list[str]]
    """The header fields above Content-Type, in order."""
    content_type: str
    """With `{boundary}` in it."""
    text: Callable[[Letter], tuple[str, str]]
    """Content-Type and body of the part for people."""
    indent: int | str | None = None
    """Of the JSON."""
    packed: bool = True
    """gzip, or plain JSON."""
    named: bool = False
    """Whether the report part's Content-Type has a name."""
    valid_seconds: int | None = None
    """x= of the signature, after t=."""


class Letter(NamedTuple):
    """A report on its way: what headers are made of."""

    report: WorldReport
    reporter: Reporter
    to: str
    token: str
    """Twelve hexadecimal digits, the same for the same report."""

    @property
    def submitter(self) -> str:
        """Domain of contact-info (RFC 8460 §5.3); Stalwart, which has none, gives its own."""
        return (self.reporter.contact or self.reporter.from_address).partition("@")[2]

    @property
    def date(self) -> str:
        """Value of the Date header."""
        return format_datetime(self.report.sent_at)

    @property
    def report_id(self) -> str:
        """report-id of the document."""
        return str(self.report.document["report-id"])

    @property
    def filename(self) -> str:
        """The name of RFC 8460 §5.1, with the sender's own idea of a unique part."""
        begin = int(datetime.combine(self.report.report_day, time(), UTC).timestamp())
        exclusive = self.reporter.manner in ("mailru", "stalwart")
        last = {"google": "!001", "microsoft": f"!{self.report_id.partition('+')[0]}", "postfix": "!1"}.get(self.reporter.manner, "")
        ending = ".json" if not FORMS[self.reporter.manner].packed else ".json.gz"
        return f"{self.submitter}!{self.report.domain}!{begin}!{begin + _DAY_SECONDS - (not exclusive)}{last}{ending}"

    def subject(self, identity: str) -> str:
        """The Subject of RFC 8460 §5.3 with the given Report-ID, folded once where it is long."""
        line = f"Subject: Report Domain: {self.report.domain} Submitter: {self.submitter} Report-ID:"
        gap = "\r\n " if len(line) + len(identity) > 76 else " "
        return f"{line}{gap}{identity}"

    @property
    def tls_headers(self) -> list[str]:
        """The two header fields of RFC 8460 §5.3."""
        return [f"TLS-Report-Domain: {self.report.domain}", f"TLS-Report-Submitter: {self.submitter}"]


def _plain(letter: Letter) -> tuple[str, str]:
    return 'text/plain; charset="us-ascii"', f"This is an aggregate TLS report from {letter.submitter}"


def _html(letter: Letter) -> tuple[str, str]:
    return (
        'text/html; charset="us-ascii"\r\nContent-Transfer-Encoding: 7bit',
        f"<html><body>This is an aggregate TLS report from {letter.submitter}</body></html>",
    )


def _mox_text(letter: Letter) -> tuple[str, str]:
    body = (
        "Attached is a TLS report with a summary of connection successes and failures.\r\n\r\n"
        f"Policy Domain: {letter.report.domain}\r\nSubmitter: {letter.submitter}\r\nReport-ID: {letter.report_id}"
    )
    return "text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit", body


def _google(letter: Letter) -> list[str]:
    identity = f"<{letter.report.report_day:%Y.%m.%d}T00.00.00Z+{letter.report.domain}@google.com>"
    return [
        "MIME-Version: 1.0",
        f"Date: {letter.date}",
        *letter.tls_headers,
        f"Message-ID: <{letter.token}.00000000.{letter.token[:6]}tls@google.com>",
        f"Subject: Report Domain: {letter.report.domain} Submitter: google.com Report-ID: {identity}",
        f"From: {letter.reporter.from_address}",
        f"To: {letter.to}",
    ]


def _microsoft(letter: Letter) -> list[str]:
    """No angle brackets in the Subject, a Message-ID under the recipient's domain, TLS-Report headers that are not signed."""
    return [
        f"From: <{letter.reporter.from_address}>",
        f'To: "{letter.to}" <{letter.to}>',
        f"Date: {letter.date}",
        letter.subject(letter.report_id),
        *letter.tls_headers,
        "MIME-Version: 1.0",
        f"Message-ID: <{letter.report_id}@{letter.report.domain}>",
        "X-MS-Exchange-SenderADCheck: 1",
    ]


def _usual(letter: Letter, identity: str, *more: str) -> list[str]:
    return [
        f"From: {letter.reporter.organization} <{letter.reporter.from_address}>",
        f"To: {letter.to}",
        letter.subject(identity),
        *letter.tls_headers,
        *more,
        f"Message-ID: <{letter.token}@{letter.submitter}>",
        f"Date: {letter.date}",
        "MIME-Version: 1.0",
    ]


def _bare_id(letter: Letter) -> list[str]:
    """The Report-ID as the document has it, perhaps without an `@`."""
    return _usual(letter, f"<{letter.report_id}>")


def _submitters_own(letter: Letter) -> list[str]:
    return _usual(letter, f"<{letter.report_id}@{letter.submitter}>")


def _postfix(letter: Letter) -> list[str]:
    return _usual(letter, f"<{letter.report_id}@{letter.submitter}>", "TLS-Required: No")


def _mox(letter: Letter) -> list[str]:
    headers = _usual(letter, f"<{letter.report_id}>", "TLS-Required: No")
    return [*headers[:-1], "User-Agent: mox/v0.0.15", headers[-1]]


def _halon(letter: Letter) -> list[str]:
    return _usual(letter, f"<{letter.report_id}@{letter.report.domain}>", "X-Mailer: Halon")


_REPORT = 'multipart/report; report-type="tlsrpt";\r\n\tboundary="{boundary}"'

FORMS: dict[str, Form] = {
    "google": Form(
        signed=(
            *("to", "from", "subject", "message-id", "tls-report-submitter", "tls-report-domain", "date", "mime-version"),
            *("from", "to", "cc", "subject", "date", "message-id", "reply-to"),
        ),
        headers=_google,
        content_type='multipart/report; boundary="{boundary}"; report-type=tlsrpt',
        text=lambda letter: ('text/plain; charset="UTF-8"; format=flowed; delsp=yes', _plain(letter)[1]),
        named=True,
        valid_seconds=_WEEK_SECONDS,
    ),
    "microsoft": Form(
        signed=("From", "Date", "Subject", "Message-ID", "Content-Type", "MIME-Version", "X-MS-Exchange-SenderADCheck"),
        headers=_microsoft,
        content_type='multipart/report;\r\n\tboundary="{boundary}"; report-type=tlsrpt',
        text=_html,
    ),
    "mailru": Form(signed=_RFC_HEADERS, headers=_bare_id, content_type=_REPORT, text=_plain, indent=3),
    "fastmail": Form(signed=_RFC_HEADERS, headers=_submitters_own, content_type=_REPORT, text=_plain),
    "postfix": Form(
        signed=(*_RFC_HEADERS, "TLS-Required"),
        headers=_postfix,
        content_type='multipart/report; report-type=tlsrpt; boundary="{boundary}"',
        text=lambda letter: (
            'text/plain; charset="ascii"\r\nContent-Transfer-Encoding: 7bit',
            f"This is an aggregate TLS report from {letter.reporter.organization}",
        ),
    ),
    "stalwart": Form(
        # Its default is the first five, which leave a report unproved (`pipeline.trust.signature_coverage`): this operator has added two.
        signed=("From", "To", "Date", "Subject", "Message-ID", "MIME-Version", "Content-Type"),
        headers=_bare_id,
        content_type='multipart/report; report-type="tlsrpt"; boundary="{boundary}"',
        text=_plain,
    ),
    "mox": Form(signed=(*_RFC_HEADERS, "User-Agent"), headers=_mox, content_type=_REPORT, text=_mox_text, indent="\t", named=True),
    "halon": Form(
        signed=_RFC_HEADERS,
        headers=_halon,
        content_type='multipart/report; report-type="tlsrpt"; boundary="{boundary}";',
        text=_plain,
        indent=2,
        packed=False,
    ),
}
"""By manner."""
