"""The mail around a report, put together, signed, and delivered to our mailbox; `mail_forms` says how each sender's software makes it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import NamedTuple

from pipeline.demo.mail_forms import FORMS, Form, Letter
from pipeline.demo.signing_keys import KeyRing
from pipeline.demo.simulated_reporters import BY_KEY, Reporter
from pipeline.demo.spec import WorldReport

RUA = "tls-reports@example.com"
"""Where all our domains ask for reports."""


class DemoMail(NamedTuple):
    """One message as it arrived in our mailbox."""

    received_at: datetime
    """INTERNALDATE."""
    content: bytes
    reporter: str
    """Key of the reporter; empty for a mail that is not a report of one."""
    domain: str


def mail_of(report: WorldReport, keys: KeyRing, *, to: str = RUA) -> DemoMail:
    """Return the report as a signed mail, as it lies in our mailbox.

    Args:
        report: What one reporter sends about one domain and day.
        keys: The reporters' DKIM keys.
        to: The address it is sent to.
    """
    reporter = BY_KEY[report.reporter]
    token = hashlib.sha256(f"{report.reporter}|{report.domain}|{report.report_day}|{report.sent_at}".encode()).hexdigest()[:12]
    letter = Letter(report, reporter, to, token)
    form = FORMS[reporter.manner]
    text = json.dumps(report.document, indent=form.indent, ensure_ascii=False, separators=_separators(form))
    message = compose(letter, form, text.encode())
    signed = keys.sign(
        message,
        domain=reporter.signing_domain,
        selector=reporter.selector,
        headers=form.signed,
        signed_at=report.sent_at,
        bits=reporter.key_bits,
        valid_seconds=form.valid_seconds,
    )
    return DemoMail(report.sent_at + timedelta(seconds=7), received(signed, reporter, report.sent_at), report.reporter, report.domain)


def compose(letter: Letter, form: Form, document: bytes) -> bytes:
    """Put headers and parts together (RFC 8460 §5.3), not yet signed: text for people, then the report.

    Args:
        letter: The report, who sends it, and to whom.
        form: What distinguishes the mail of the reporter's software.
        document: The report as JSON in UTF-8; it is packed here where the form says so.
    """
    boundary = f"=_{letter.token}_part"
    kind, text = form.text(letter)
    media = f"application/tlsrpt+{'gzip' if form.packed else 'json'}"
    name = f';\r\n\tname="{letter.filename}"' if form.named else ""
    attached = gzip.compress(document, mtime=0) if form.packed else document
    described = f"Content-Description:\r\n {letter.filename}\r\n" if letter.reporter.manner == "microsoft" else ""
    lines = [
        *form.headers(letter),
        f"Content-Type: {form.content_type.format(boundary=boundary)}",
        "",
        f"--{boundary}",
        f"Content-Type: {kind}",
        "",
        text,
        "",
        f"--{boundary}",
        f"Content-Type: {media}{name}",
        f'{described}Content-Disposition: attachment;\r\n\tfilename="{letter.filename}"',
        "Content-Transfer-Encoding: base64",
        "",
        base64.encodebytes(attached).decode().replace("\n", "\r\n").rstrip(),
        f"--{boundary}--",
        "",
    ]
    return "\r\n".join(lines).encode()


def received(message: bytes, reporter: Reporter, sent_at: datetime) -> bytes:
    """Put on top what our own server writes at delivery.

    Args:
        message: The mail as it was signed.
        reporter: Who sent it.
        sent_at: When it was sent, aware; what is put on top is dated six seconds later.
    """
    when = format_datetime(sent_at + timedelta(seconds=6))
    trace = (
        f"Return-Path: <{reporter.from_address}>\r\n"
        f"Received: from mta.{reporter.signing_domain} (mta.{reporter.signing_domain} [{reporter.addresses[0]}])\r\n"
        f"\tby mx1.example.com (Postfix) with ESMTPS\r\n\tfor <{RUA}>; {when}\r\n"
    )
    return trace.encode() + message


def _separators(form: Form) -> tuple[str, str] | None:
    """Most senders write no blanks into a document on one line; Python's own default, tlsrpt-reporter's, does."""
    return (",", ":") if form.indent is None and form is not FORMS["postfix"] else None
