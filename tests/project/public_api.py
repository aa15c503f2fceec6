"""A script as a user writes it: `make types` holds the public names to the types that it counts on."""

from __future__ import annotations

from datetime import date
from typing import assert_type

import pyarrow as pa

from pipeline import open_lake
from pipeline.insight.incident import Incident


def ask_all(domain: str) -> int:
    """Ask in every public way once."""
    with open_lake("/var/lib/tlsrpt/lake") as lake:
        assert_type(lake.ask("sessions_by_day", since="2026-10-01", until=date(2026, 10, 31)), pa.Table)
        assert_type(lake.sql("select sum(sessions) as n from sessions where report_domain = $domain", {"domain": domain}), pa.Table)
        open_now = [each.title for each in lake.incidents(domain=domain) if each.state == "open"]
        assert_type(open_now, list[str])
        assert_type(lake.incident("0123456789ab"), Incident)
        verdict: str = lake.readiness(domain).verdict
        reporters = {line.reporter for line in lake.coverage(domain=domain)}
        assert_type(lake.refresh(), bool)
        return len(reporters) + len(verdict)
