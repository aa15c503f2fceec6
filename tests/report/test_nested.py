"""A report in a message within a message: forwarded, attached as a file, put into a journal's envelope; it is read or kept, never lost."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.model import Rejected
from pipeline.report.read import read_file, read_mail
from pipeline.report.rows import Ownership
from tests.report_mails import document, mail_of

RECEIVED = datetime(2026, 3, 12, tzinfo=UTC)
INNER = mail_of(document(9)).replace(b"\r\n", b"\n")


def wrapped(
    inner: bytes, *, kind: str = "message/rfc822", encoding: str = "", name: str = "", subject: str = "FW: for you", more: str = ""
) -> bytes:
    """A mail with a text and another mail."""
    body = base64.encodebytes(inner) if encoding == "base64" else inner
    fields = [f"Content-Type: {kind}{f'; name={chr(34)}{name}{chr(34)}' if name else ''}"]
    fields += [f"Content-Transfer-Encoding: {encoding}"] if encoding else []
    head = f"From: someone@example.com\nTo: tls@example.org\nSubject: {subject}\nMIME-Version: 1.0\n{more}"
    line = f"outer{len(inner)}"
    head += f'Content-Type: multipart/mixed; boundary="{line}"\n\n--{line}\nContent-Type: text/plain\n\nSee below.\n--{line}\n'
    return (head + "\n".join(fields) + "\n\n").encode() + body + f"\n--{line}--\n".encode()


def read(content: bytes):
    return read_mail(content, received_at=RECEIVED)


@pytest.mark.parametrize(
    "mail",
    [
        wrapped(INNER),
        wrapped(INNER, kind="message/global"),
        wrapped(INNER, encoding="base64"),
        wrapped(INNER, kind="application/octet-stream", encoding="base64", name="report.eml"),
        wrapped(INNER, kind="text/plain", name="Report Domain example.org.EML"),
        wrapped(INNER, kind="application/octet-stream", encoding="base64"),
        wrapped(INNER, kind="application/octet-stream"),
        wrapped(INNER, kind="").replace(b"Content-Type: \n", b"").replace(b"multipart/mixed", b"multipart/digest"),
        wrapped(wrapped(INNER)),
        wrapped(INNER, more="X-MS-Journal-Report:\n"),
        b"From: a@example.com\nSubject: x\nContent-Type: message/rfc822\n\n" + INNER,
    ],
    ids=[
        "rfc822",
        "global",
        "base64",
        "attached-eml",
        "eml-as-text",
        "unnamed-base64",
        "unnamed",
        "digest",
        "twice",
        "journal",
        "whole-message",
    ],
)
def test_a_report_in_a_message_within_a_message_is_read(mail):
    reading = read(mail)
    (part,) = reading.parts
    assert part.result.report_id == "9_example.org"
    assert "nested_message" in part.result.quirks
    assert part.message is not None
    assert reading.envelope.tls_report_domain == "example.org"


def test_a_report_of_the_mail_itself_needs_no_message_within():
    (part,) = read(mail_of(document(9))).parts
    assert part.message is None
    assert "nested_message" not in part.result.quirks


def test_what_cannot_be_read_within_is_kept_with_its_code():
    damaged = INNER.replace(b"H4sI", b"AAAA")
    reading = read(wrapped(damaged))
    assert [part.result.code for part in reading.parts if isinstance(part.result, Rejected)] == ["json_malformed"]
    gone = INNER[: INNER.index(b"\n\n")] + b"\n\nThe attachment was removed.\n"
    assert read(wrapped(gone)).rejected.code == "mime_malformed"


def test_messages_deeper_than_the_limit_are_kept():
    mail = INNER
    for _ in range(DEFAULT_LIMITS.mime_depth + 2):
        mail = wrapped(mail, subject="FW: TLS report")
    assert read(mail).rejected.code == "mime_limits"


def test_a_message_within_that_is_none_of_ours_stays_private():
    letter = b"From: a@example.com\nSubject: hello\n\nNothing.\n"
    assert read(wrapped(letter)).rejected.code == "not_tlsrpt"


def test_what_a_bounce_returns_is_our_own_report_and_no_report_about_us():
    mail = wrapped(INNER)
    line = mail.split(b"\n\n")[1].split(b"\n")[0] + b"\n"
    status = line + b"Content-Type: message/delivery-status\n\nStatus: 5.1.1\n" + line
    bounce = mail.replace(b"See below.\n" + line, b"See below.\n" + status)
    assert read(bounce).rejected.code == "not_tlsrpt"


@pytest.mark.parametrize(
    ("subject", "code"),
    [
        ("Report Domain: example.org Submitter: reporter.example Report-ID: <1@reporter.example>", "no_report_part"),
        ("TLSRPT for example.org", "no_report_part"),
        ("Fwd: SMTP TLS report", "no_report_part"),
        ("Your TLS-Report of yesterday", "no_report_part"),
        ("Report of the board", "not_tlsrpt"),
        ("TLS certificates", "not_tlsrpt"),
    ],
)
def test_a_subject_that_says_tls_report_keeps_the_mail(subject, code):
    assert read(f"From: a@example.com\nSubject: {subject}\n\nNothing here.\n".encode()).rejected.code == code


class TestSeveralInOneArray:
    def array(self, *values) -> bytes:
        return json.dumps(list(values)).encode()

    def test_they_are_read_as_several(self):
        reading = read_file(self.array(document(1), document(2)), name="r.json", received_at=RECEIVED)
        assert [part.result.report_id for part in reading.parts] == ["1_example.org", "2_example.org"]
        assert all("json_array" in part.result.quirks for part in reading.parts)

    def test_one_that_cannot_be_read_is_named_beside_the_others(self):
        reading = read_file(self.array(document(1), {"report-id": "x", "policies": 7}), name="r.json", received_at=RECEIVED)
        assert [isinstance(part.result, Rejected) for part in reading.parts] == [False, True]

    @pytest.mark.parametrize("text", [b"[1, 2]", b'[{"a": 1}]', b"[]", b"[EXTERNAL] mail"])
    def test_another_array_is_no_report(self, text):
        assert read_file(text, name="r.json", received_at=RECEIVED).rejected.code == "not_tlsrpt"

    def test_more_than_the_limit_are_refused_as_one(self):
        many = self.array(*(document(n) for n in range(DEFAULT_LIMITS.policies + 1)))
        (part,) = read_file(many, name="r.json", received_at=RECEIVED).parts
        assert part.result.code == "limits_exceeded"


def nameless() -> dict:
    report = document(3)
    report["policies"][0]["policy"] = {"policy-type": "no-policy-found"}
    return report


@pytest.mark.parametrize(("own", "known"), [(("example.org",), True), (("example.org", "example.net"), False), ((), False)])
def test_a_file_that_names_no_domain_is_about_the_only_one_of_ours(own, known):
    from pipeline.message.verdict import VOUCHED
    from pipeline.report.policy_domains import report_domains

    reading = read_file(json.dumps(nameless()).encode(), name="r.json", received_at=RECEIVED)
    found = report_domains(reading.parts[0].result, reading.envelope, VOUCHED, Ownership(own))
    if known:
        assert [(one.domain, one.source, one.quirks) for one in found] == [("example.org", "only_own", ("report_domain_assumed",))]
    else:
        assert found.code == "report_domain_unknown"
