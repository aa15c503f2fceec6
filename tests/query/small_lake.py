"""A lake of twenty mails, small enough to check by eye, read by the real reader and written by the real writer.

Ours are example.org and example.net, our MX hosts mx1 and mx2.example.org. The day of asking is 10 May 2026.

| # | day | reporter | about | what | tier |
|---|---|---|---|---|---|
| 1 | 30 Apr | mail.ru | example.org | sts 4 good 1 bad, two details for the one bad session; no policy 6 | verified |
| 2 | 1 May | google.com | example.org | sts 100 good; also as a duplicate, by another mailbox | verified |
| 3 | 1 May | microsoft.com | example.org | sts 40 good 2 bad and again as tlsa 40 good 2 bad | verified |
| 4 | 2 May | google.com | example.org | sts 90 good 10 bad: 7 expired on mx1, 3 without STARTTLS on mx2 | verified |
| 5 | 2 May | google.com | example.net | no policy 30 | verified |
| 6 | 2 May | microsoft.com | example.net | sts 3 good; tlsa on mx1 3 good, on mx2 2 good 1 bad | verified |
| 7 | 2 May | postfix.example | example.org | tlsa of mx1 5 good 5 bad, domain from a header that every signature covers | attested |
| 8 | 3 May | google.com | example.org | sts 50 good | verified |
| 9 | 3 May | google.com | example.org | the same report id with 51 good: a conflict | verified |
| 10 | 3 May | google.com | example.org | the same report id with 999 bad: superseded by the better tier | unverified |
| 11 | 3 May | google.com | example.org | an id of its own with 777 bad: forged | unverified |
| 12 | 3 May | google.com | example.edu | sts 1000 good: not our domain | verified |
| 13 | 4 May | microsoft.com | example.edu | sts 7 good and tlsa of mx1.example.org 7 good: ours by the MX host | verified |
| 14 | 9 May | google.com | example.org | sts 10 good 1 bad: an incomplete day | verified |
| 15 | 11 May | google.com | example.org | sts 500 good: after the as-of date | verified |
| 16 | | | | a report that is broken JSON: quarantined | |
| 17 | | | | a letter: no report | |
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.config import Settings
from pipeline.lake.writer import LakeWriter
from pipeline.message.fetched import Fetched, MessageRef
from pipeline.message.verdict import Verdict
from pipeline.report.read import read_mail
from pipeline.report.rows import Ownership, RunStamp, build_rows
from pipeline.settings.single_tables import DomainSettings, TrustSettings
from tests.report_mails import mail_of

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.tables.row_types import MessageRows

OURS = DomainSettings(own=("example.org", "example.net"), mx=("mx1.example.org", "mx2.example.org"))
SETTINGS = Settings(domains=OURS, trust=TrustSettings(dkim="verify"))
AS_OF = "2026-05-10"
PERIOD = {"since": "2026-04-30", "until": "2026-05-31", "as_of": AS_OF}

STS = ["version: STSv1", "mode: enforce", "mx: *.example.org", "max_age: 604800"]
TLSA = ["3 1 1 0D6FCE3B1B8DA2C8EF5F1CB6D3F1E6E4C3E8B6B1A0C9D8E7F6A5B4C3D2E1F0A9"]
RUN = RunStamp("run-1", datetime(2026, 5, 12, 6, tzinfo=UTC), "0")


def policy(kind: str, domain: str, good: int, bad: int = 0, *details: dict[str, Any]) -> dict[str, Any]:
    """One element of `policies`."""
    strings = {"sts": STS, "tlsa": TLSA}.get(kind)
    return {
        "policy": {"policy-type": kind, "policy-domain": domain, **({"policy-string": strings} if strings else {})},
        "summary": {"total-successful-session-count": good, "total-failure-session-count": bad},
        "failure-details": list(details),
    }


def detail(result: str, count: int, mx: str | None = None, *, receiving: str = "", sending: str = "", reason: str = "") -> dict[str, Any]:
    """One element of `failure-details`; what is empty is left out."""
    names = {
        "result-type": result,
        "receiving-mx-hostname": mx,
        "receiving-ip": receiving,
        "sending-mta-ip": sending,
        "failure-reason-code": reason,
        "failed-session-count": count,
    }
    return {name: value for name, value in names.items() if value}


def report(number: int, day: str, reporter: str, *policies: dict[str, Any], name: str = "") -> dict[str, Any]:
    """One report about one day."""
    return {
        "organization-name": reporter.split(".", maxsplit=1)[0].title(),
        "contact-info": f"tls@{reporter}",
        "report-id": name or f"r{number}",
        "date-range": {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"},
        "policies": list(policies),
    }


EXPIRED = detail("certificate-expired", 7, "mx1.example.org", receiving="192.0.2.1", sending="198.51.100.10")
NO_STARTTLS = detail("starttls-not-supported", 3, "mx2.example.org", receiving="192.0.2.2", sending="198.51.100.20")

REPORTS: list[tuple[dict[str, Any], str, str]] = [
    (
        report(
            1,
            "2026-04-30",
            "mail.ru",
            policy(
                "sts",
                "example.org",
                4,
                1,
                detail("validation-failure", 1, reason="=cmd|'/c calc'!A1"),
                detail("sts-policy-fetch-error", 1, reason="bad https response code: 404"),
            ),
            policy("no-policy-found", "example.org", 6),
        ),
        "example.org",
        "verified",
    ),
    (report(2, "2026-05-01", "google.com", policy("sts", "example.org", 100)), "example.org", "verified"),
    (
        report(
            3,
            "2026-05-01",
            "microsoft.com",
            policy("sts", "example.org", 40, 2, detail("certificate-expired", 2, "mx1.example.org", sending="2001:db8:1:2::5")),
            policy("tlsa", "example.org", 40, 2, detail("certificate-expired", 2, "mx1.example.org", sending="2001:db8:1:2::5")),
        ),
        "example.org",
        "verified",
    ),
    (report(4, "2026-05-02", "google.com", policy("sts", "example.org", 90, 10, EXPIRED, NO_STARTTLS)), "example.org", "verified"),
    (report(5, "2026-05-02", "google.com", policy("no-policy-found", "example.net", 30)), "example.net", "verified"),
    (
        report(
            6,
            "2026-05-02",
            "microsoft.com",
            policy("sts", "example.net", 3),
            policy("tlsa", "mx1.example.org", 3),
            policy("tlsa", "mx2.example.org", 2, 1, detail("tlsa-invalid", 1, "mx2.example.org", receiving="192.0.2.2")),
        ),
        "example.net",
        "verified",
    ),
    (
        report(
            7,
            "2026-05-02",
            "postfix.example",
            policy("tlsa", "mx1.example.org", 5, 5, detail("validation-failure", 5, "mx1.example.org", reason="self-signed_certificate")),
        ),
        "example.org",
        "attested",
    ),
    (report(8, "2026-05-03", "google.com", policy("sts", "example.org", 50), name="r8"), "example.org", "verified"),
    (report(9, "2026-05-03", "google.com", policy("sts", "example.org", 51), name="r8"), "example.org", "verified"),
    (report(10, "2026-05-03", "google.com", policy("sts", "example.org", 0, 999), name="r8"), "example.org", "unverified"),
    (report(11, "2026-05-03", "google.com", policy("sts", "example.org", 0, 777)), "example.org", "unverified"),
    (report(12, "2026-05-03", "google.com", policy("sts", "example.edu", 1000)), "example.edu", "verified"),
    (
        report(13, "2026-05-04", "microsoft.com", policy("sts", "example.edu", 7), policy("tlsa", "mx1.example.org", 7)),
        "example.edu",
        "verified",
    ),
    (
        report(14, "2026-05-09", "google.com", policy("sts", "example.org", 10, 1, detail("validation-failure", 1))),
        "example.org",
        "verified",
    ),
    (report(15, "2026-05-11", "google.com", policy("sts", "example.org", 500)), "example.org", "verified"),
]

BROKEN = mail_of(report(16, "2026-05-05", "broken.example"), domain="example.org", reporter="broken.example")
LETTER = b"From: a@example.com\r\nTo: b@example.org\r\nSubject: \xe2\x80\xaehello\r\n\r\nNo report at all.\r\n"


def verdict(reporter: str, tier: str) -> Verdict:
    """What authentication says in each tier."""
    if tier == "verified":
        return Verdict(tier, "dkim", "pass", dkim_domain=reporter, authenticated_domain=reporter)
    if tier == "attested":
        signed = ("tls-report-domain",)
        return Verdict(tier, "authres", "fail", dkim_signed_headers=signed, authserv_id="mx.example.org", authenticated_domain=reporter)
    return Verdict(tier, "none", "no_key")


def rows(uid: int, content: bytes, judged: Verdict, *, account: str = "rua", own: DomainSettings = OURS) -> MessageRows:
    """The rows of one mail, received a day after the first of May plus its number."""
    received = datetime(2026, 5, 12, 3, uid % 60, tzinfo=UTC)
    fetched = Fetched(MessageRef(account, "INBOX", 1, uid), content, received, len(content))
    reading = read_mail(content, received_at=received)
    return build_rows(fetched=fetched, reading=reading, verdicts=(judged,) * len(reading.parts), own=Ownership(own.own, own.mx), run=RUN)


def messages() -> list[MessageRows]:
    """Every mail of the lake."""
    mails = []
    for number, (document, domain, tier) in enumerate(REPORTS, start=1):
        reporter = document["contact-info"].removeprefix("tls@")
        mails.append(rows(number, mail_of(document, domain=domain, reporter=reporter), verdict(reporter, tier)))
    document, domain, tier = REPORTS[1]
    mails.append(rows(1, mail_of(document, domain=domain, reporter="google.com"), verdict("google.com", tier), account="second"))
    mails.append(rows(16, BROKEN.replace(b"H4sI", b"AAAA"), verdict("broken.example", "unverified")))
    mails.append(rows(17, LETTER, verdict("example.com", "unverified")))
    return mails


def build(where: Path) -> Path:
    """Write the lake in three batches."""
    everything = messages()
    with LakeWriter(where, run_id=RUN.run_id) as writer:
        for chunk in (everything[:5], everything[5:12], everything[12:]):
            writer.commit(chunk)
    return where
