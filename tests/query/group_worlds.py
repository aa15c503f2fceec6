"""Worlds of two clients of one provider, each as a lake of both and as a lake of the first client's part alone.

Whatever belongs to the second client has `MARK` in it: domains, hosts, ids, reasons. What the first client sees must not have it, and
must not be changed by it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.config import Settings
from pipeline.groups import GroupSettings
from pipeline.lake.writer import LakeWriter
from pipeline.message.fetched import Fetched, MessageRef
from pipeline.report.read import read_mail
from pipeline.report.rows import Ownership, RunStamp, build_rows
from pipeline.settings.single_tables import DomainSettings
from tests.query.small_lake import STS, TLSA, detail, verdict
from tests.report_mails import mail_of

if TYPE_CHECKING:
    from pathlib import Path

MARK = "zq7"
LAST = date(2026, 5, 20)
AS_OF = LAST.isoformat()
DAYS = 24
SHARED = "mx.provider.example"
REPORTERS = ("google.com", "microsoft.com", "mail.ru", "postfix.example")
IDN = f"{MARK}gämma.example"
"""One of theirs, of whose A-label `MARK` is a part, too."""
OURS, THEIRS = ("alpha.example", "mail.alpha.example"), (f"{MARK}beta.example", IDN.encode("idna").decode("ascii"))
NAMES = OURS + THEIRS


@dataclass(frozen=True)
class World:
    """One world: both lakes, and the settings of the provider."""

    both: Path
    alone: Path
    settings: Settings

    @property
    def alone_settings(self) -> Settings:
        """Those of a provider that has the first client alone."""
        own = self.settings.for_groups("a").domains.own
        return self.settings.model_copy(update={"domains": DomainSettings(own=own), "group": ()})


def settings_of(lake: Path, *, own: bool, below: bool) -> Settings:
    """The provider's settings."""
    first = GroupSettings(
        name="a", title="Alpha", members=("ann@alpha.example",), domains=("alpha.example", "*.alpha.example") if below else OURS
    )
    second = GroupSettings(name="b", title=f"{MARK} Beta", members=("@beta.example",), domains=THEIRS)
    domains = DomainSettings(own=NAMES, mx=(SHARED, f"mx.{MARK}beta.example")) if own else DomainSettings()
    return Settings(lake={"path": str(lake)}, domains=domains, group=(first, second))


def is_theirs(text: str) -> bool:
    """Whether a text has anything of the second client in it, however it is spelled."""
    return MARK in text.lower()


def build(where: Path, seed: int) -> World:
    """Write the two lakes of a world."""
    dice = random.Random(seed)
    mails, parts = [], []
    for whole, tier in _documents(dice):
        part = {**whole, "policies": [one for one in whole["policies"] if not is_theirs(str(one))]}
        mails.append((whole, tier))
        if part["policies"] and tier == "verified":  # what does not count is the operator's
            if is_theirs(part["organization-name"]):
                del part["organization-name"]
            parts.append(({**part, "report-id": part["report-id"].replace(MARK, "")}, tier))
    settings = settings_of(where / "both", own=bool(seed % 2), below=bool(seed // 2 % 2))
    write(where / "both", mails, settings.domains)
    write(where / "alone", parts, settings.domains)
    return World(where / "both", where / "alone", settings)


def _documents(dice: random.Random) -> list[tuple[dict[str, Any], str]]:
    found = []
    for back in range(DAYS):
        day = (LAST - timedelta(days=back)).isoformat()
        for reporter in dice.sample(REPORTERS, dice.randint(1, 4)):
            together = dice.random() < 0.5
            chosen = dice.sample(NAMES, dice.randint(1, 4))
            for number, names in enumerate([chosen] if together else [[name] for name in chosen]):
                mark = MARK if any(MARK in name for name in names) else ""
                about = "+".join(names) if together else names[0]
                policies = [policy for name in names for policy in _policies(dice, name)]
                tier = dice.choices(("verified", "unverified"), (9, 1))[0]
                sent = document(day, reporter, f"{mark}{day}.{number}.{about}", policies)
                if together and mark and dice.random() < 0.3:
                    sent["organization-name"] += f" for {_spelled(dice, next(name for name in names if MARK in name))}"
                found.append((sent, tier))
                # The same report with other numbers: a conflict. Which of two counts depends on all of them, so here on one client's.
                if dice.random() < 0.1 and tier == "verified" and len({MARK in name for name in names}) == 1:
                    other = [policy for name in names for policy in _policies(dice, name)]
                    found.append((document(day, reporter, f"{mark}{day}.{number}.{about}", other), tier))
    return found


def document(day: str, reporter: str, name: str, policies: list[dict[str, Any]]) -> dict[str, Any]:
    """A report of a day."""
    return {
        "organization-name": reporter.split(".", maxsplit=1)[0].title(),
        "contact-info": f"tls@{reporter}",
        "report-id": name,
        "date-range": {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"},
        "policies": policies,
    }


def _policies(dice: random.Random, domain: str) -> list[dict[str, Any]]:
    mark = MARK if MARK in domain else ""
    host = SHARED if dice.random() < 0.5 else f"mx.{domain}"
    good, bad = dice.randint(0, 90), dice.choice((0, 0, 0, 7))
    details = [
        detail(
            dice.choice(("certificate-expired", "starttls-not-supported", "validation-failure", "sts-policy-fetch-error")),
            bad,
            host,
            receiving="192.0.2.7" if not mark else "192.0.2.77",
            sending="198.51.100.7" if not mark else "203.0.113.77",
            reason=f"{mark} reason".strip(),
        )
    ]
    kinds = dice.choice((["sts"], ["sts"], ["sts", "tlsa"], ["no-policy-found"]))
    strings = {"sts": [*STS[:2], f"mx: {SHARED}", f"mx: mx.{domain}", *STS[3:]], "tlsa": TLSA}
    return [
        {
            "policy": {"policy-type": kind, "policy-domain": _spelled(dice, domain)}
            | ({"policy-string": strings[kind]} if kind in strings else {}),
            "summary": {"total-successful-session-count": good, "total-failure-session-count": bad},
            "failure-details": details if bad else [],
        }
        for kind in kinds
    ]


def _spelled(dice: random.Random, domain: str) -> str:
    name = domain.encode("ascii").decode("idna") if dice.random() < 0.5 else domain
    return dice.choice((name, name, name.upper(), f"{name}."))


def write(where: Path, mails: list[tuple[dict[str, Any], str]], own: DomainSettings) -> None:
    """Write a lake of some reports, each in a mail of its own, with how far it is proved."""
    run = RunStamp("run-1", datetime(2026, 5, 21, 6, tzinfo=UTC), "0")
    found = []
    for uid, (sent, tier) in enumerate(mails, start=1):
        about = sent["policies"][0]["policy"]["policy-domain"].encode("idna").decode("ascii").lower().rstrip(".")
        reporter = sent["contact-info"].removeprefix("tls@")
        content = mail_of(sent, domain=about, reporter=reporter)
        day = datetime.fromisoformat(sent["date-range"]["end-datetime"]) + timedelta(hours=5)
        fetched = Fetched(MessageRef("rua", "INBOX", 1, uid), content, day, len(content))
        reading = read_mail(content, received_at=day)
        verdicts = (verdict(reporter, tier),) * len(reading.parts)
        found.append(build_rows(fetched=fetched, reading=reading, verdicts=verdicts, own=Ownership(own.own, own.mx), run=run))
    with LakeWriter(where, run_id="run-1") as writer:
        for first in range(0, len(found), 40):
            writer.commit(found[first : first + 40])
