"""The lakes the page is shown on: empty, small, a demo world, and one whose every text is an attack."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from pipeline.demo.demo_folder import WORLD_FILE
from pipeline.demo.signing_keys import KeyRing
from pipeline.demo.simulated_reporters import BY_KEY
from pipeline.demo.world import World
from pipeline.demo.worldfile import read_spec
from pipeline.lake.storage.locate import locate
from pipeline.lake.writer import LakeWriter
from pipeline.message.fetched import Fetched, MessageRef
from pipeline.message.verdict import Verdict
from pipeline.report.read import read_mail
from pipeline.report.rows import Ownership, RunStamp, build_rows
from pipeline.settings.single_tables import DomainSettings
from pipeline.tables.row_types import CheckRow
from tests.bounds import build_lake
from tests.query import small_lake
from tests.report_mails import mail_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.tables.row_types import MessageRows

LAST_DAY = date(2026, 5, 31)
AS_OF = date(2026, 6, 1)
DEMO_DAYS = 40
_RUN = RunStamp("run-1", datetime(2026, 6, 1, 6, tzinfo=UTC), "0")

ATTACKS = (
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "[click](http://evil.invalid/) ![x](http://evil.invalid/x.png) **bold** :red[x] $x^2$ {a|b}",
    "=cmd|'/c calc'!A1 \u202egnp.exe \u2066x http://evil.invalid/ www.evil.invalid a@evil.invalid",
)


def empty(where: Path) -> Path:
    """A lake nobody has written to."""
    where.mkdir(parents=True, exist_ok=True)
    return where


def bounds(where: Path) -> Path:
    """Rows with every column at and beyond every bound."""
    build_lake(where)
    return where


def small(where: Path) -> Path:
    """The twenty mails of the tests of the questions."""
    return small_lake.build(where)


def demo(where: Path) -> Path:
    """The last weeks of the demo world, every sender proved; unsigned mails, which are made much faster."""
    _played(where, DEMO_DAYS)
    _checked(where, "example.com")
    return where


def first_week(where: Path) -> Path:
    """The last days of the demo world alone, and nothing checked: what somebody sees soon after the record was published."""
    return _played(where, 3)


def _played(where: Path, days: int) -> Path:
    world = World(read_spec(WORLD_FILE, last_day=LAST_DAY, days=None), KeyRing(where.parent / "keys"))
    ours = DomainSettings(own=tuple(world.own_domains), mx=tuple(world.own_hosts))
    mails = []
    for report in world.reports(LAST_DAY - timedelta(days=days), LAST_DAY):
        sender = BY_KEY[report.reporter].signing_domain if report.reporter in BY_KEY else report.reporter
        mails.append((mail_of({"report-id": "-", **report.document}, domain=report.domain, reporter=sender), report.sent_at))
    return _written(where, (_rows(uid, content, sent, ours) for uid, (content, sent) in enumerate(mails, start=1)))


def _checked(where: Path, domain: str) -> None:
    """Two looks at what the domain publishes: between them a host was added, and a certificate ended."""
    hosts = [f"mx{number}.{domain}" for number in (1, 2, 3)]
    policy = ("version: STSv1", "mode: testing", *(f"mx: {host}" for host in hosts), "max_age: 604800")
    ended = datetime(2026, 5, 22, 23, 59, 59, tzinfo=UTC)
    fine = ("mx", "mx-covered", "ok", domain, "the policy covers all 2 MX hosts", "", "", None)
    expired = (
        "smtp", "certificate-expired", "error", hosts[1], "the certificate ended on 2026-05-22",
        "senders that apply the policy cannot authenticate the host (RFC 8461 §4.2)", "renew it, and reload the mail server", ended,
    )  # fmt: skip
    soon = (
        "smtp", "certificate-ends-soon", "warn", hosts[0], "the certificate ends in 13 days", "", "renew it",
        datetime(2026, 6, 14, tzinfo=UTC),
    )  # fmt: skip
    looks = ((datetime(2026, 5, 20, 4, tzinfo=UTC), 2, (fine,)), (datetime(2026, 5, 26, 4, tzinfo=UTC), 3, (expired, soon, fine)))
    rows = []
    for at, seen, findings in looks:
        for number, (check, code, severity, place, what, why, fix, ends) in enumerate(findings):
            finding = (number, check, code, severity, place, what, why, fix, "")
            published = (f"v=TLSRPTv1; rua=mailto:tls@{domain}", f"id{seen}", policy, tuple(hosts[:seen]), ())
            rows.append(CheckRow(f"{at:%Y-%m}", at, domain, *finding, *published, ends))
    with LakeWriter(locate(where), run_id="check-1") as writer:
        writer.store_checks(rows)


def hostile(where: Path) -> Path:
    """Reports in which every text a sender may choose is markup, a formula, or turns the direction of reading."""
    received = datetime(2026, 5, 31, 6, tzinfo=UTC)
    mails = [_hostile_mail(number, day) for day in range(1, 31) for number in range(len(ATTACKS))]
    return _written(where, (_rows(uid, content, received, DomainSettings()) for uid, content in enumerate([*mails, _broken()], start=1)))


def _hostile_mail(number: int, day: int) -> bytes:
    text = ATTACKS[number]
    report = {
        "organization-name": text,
        "contact-info": f"{text}@evil.example",
        "report-id": f"{day}{number}{text}",
        "date-range": {"start-datetime": f"2026-05-{day:02}T00:00:00Z", "end-datetime": f"2026-05-{day:02}T23:59:59Z"},
        text: text,
        "policies": [
            {
                "policy": {
                    "policy-type": "sts",
                    "policy-domain": "evil.example",
                    "policy-string": ["version: STSv1", "mode: testing", f"mx: {text}", "max_age: 86400", text],
                    "mx-host": [text],
                },
                "summary": {"total-successful-session-count": 60, "total-failure-session-count": 20},
                "failure-details": [
                    {
                        "result-type": name,
                        "sending-mta-ip": text,
                        "receiving-ip": text,
                        "receiving-mx-hostname": text,
                        "receiving-mx-helo": text,
                        "failed-session-count": 10,
                        "additional-information": f"http://evil.invalid/{text}",
                        "failure-reason-code": text,
                    }
                    for name in (text, "validation-failure")
                ],
            },
            {"policy": {"policy-type": text, "policy-domain": text}, "summary": {"total-successful-session-count": 1}},
        ],
    }
    mail = mail_of(report, domain="evil.example", reporter=f"r{number}.evil{number}.example")
    return mail.replace(b"Subject: ", f"Subject: {text} ".encode())


def _broken() -> bytes:
    mail = mail_of({"report-id": "x"}, domain="evil.example", reporter="evil.example").replace(b"H4sI", b"AAAA")
    return mail.replace(b"Subject: ", f"Subject: {ATTACKS[1]} ".encode())


def _rows(uid: int, content: bytes, received: datetime, ours: DomainSettings) -> MessageRows:
    reading = read_mail(content, received_at=received)
    sender = reading.envelope.from_domain or "nobody.example"
    proved = Verdict("verified", "dkim", "pass", dkim_domain=sender, authenticated_domain=sender)
    fetched = Fetched(MessageRef("rua", "INBOX", 1, uid), content, received, len(content))
    return build_rows(fetched=fetched, reading=reading, verdicts=(proved,) * len(reading.parts), own=Ownership(ours.own, ours.mx), run=_RUN)


def _written(where: Path, rows: Iterable[MessageRows]) -> Path:
    with LakeWriter(locate(where), run_id="run-1") as writer:
        writer.commit(list(rows))
    return where
