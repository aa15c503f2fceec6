"""What two defences cost, in CPU: that a signature covers the report, and the engine for a stranger's SQL that sees no file.

Each is measured in turn with and without, and the best of some rounds is taken, so that other work on the machine matters less. Aim for the
first: less than five per cent of reading a mail with DKIM checked. The second is the price of decision 0032.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from pipeline.config import Settings
from pipeline.demo.dns_server import serve_keys
from pipeline.query import open_lake
from pipeline.settings.single_tables import TrustSettings
from pipeline.trust.judge import Judge
from pipeline.trust.key_lookup import Resolver
from tests.bench.make_lake import cached
from tests.bench.trust import _mails
from tests.trust.signing import key_record, reading, rsa_key

if TYPE_CHECKING:
    from collections.abc import Callable


ROUNDS = 7
STATEMENTS = {
    "count": "select count(*) from reports",
    "sums by domain": "select report_domain, sum(success_count), sum(failure_count) from policies group by all",
    "one domain": "select report_day, sum(sessions) from sessions where report_domain = 'domain00012.example' group by all",
    "failures by host": "select receiving_mx_hostname, sum(failed_session_count) from failures group by all",
    "distinct keys": "select count(distinct report_key) from policies",
    "one report": "select * from policies where report_key = (select min(report_key) from reports where report_day = date '2026-10-01')",
}


def main(*, full: bool) -> list[dict[str, Any]]:
    """Measure both."""
    return [_coverage(2_000 if full else 400), *_engines(cached(policies=3_000_000 if full else 1_000_000))]


def _coverage(count: int) -> dict[str, Any]:
    mails = _mails(count)
    with serve_keys({"s1._domainkey.reporter.example": key_record(rsa_key("s1"))}) as keys:
        settings = TrustSettings(dkim="verify", resolver=keys.address)

        def read() -> None:
            judge = Judge(settings, Resolver(keys.address))
            assert {judge.judge(mail, reading(mail.content or b"", mail.received_at))[0].trust_tier for mail in mails} == {"verified"}

        def without() -> None:
            with patch("pipeline.trust.dkim.not_covered", lambda *_, **__: None):
                read()

        with_rules, bare = _best(read, without)
    return {
        "what": "a mail read, DKIM checked, ms CPU",
        "without": bare / count * 1000,
        "with": with_rules / count * 1000,
        "more, %": (with_rules / bare - 1) * 100,
    }


def _engines(where: Any) -> list[dict[str, Any]]:
    rows = []
    with open_lake(where, settings=Settings()) as lake:
        own, guests = lake._engine_for(guests=False), lake._engine_for(guests=True)
        for name, sql in STATEMENTS.items():
            scope = lake._scope(sql)
            first, second = _best(
                lambda sql=sql, scope=scope: guests.run(sql, {}, scope), lambda sql=sql, scope=scope: own.run(sql, {}, scope)
            )
            rows.append(
                {"what": f"SQL: {name}, ms CPU", "without": second * 1000, "with": first * 1000, "more, %": (first / second - 1) * 100}
            )
    return rows


def _best(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """The least CPU seconds of each, in turn."""
    took: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for times, work in zip(took, (first, second), strict=True):
            begun = time.process_time()
            work()
            times.append(time.process_time() - begun)
    return min(took[0]), min(took[1])
