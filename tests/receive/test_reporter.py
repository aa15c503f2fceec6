"""Real mails of tlsrpt-reporter, fed session by session as Postfix feeds it: every session is counted once."""

from __future__ import annotations

import io
import json
import random
import sqlite3
from collections import Counter
from contextlib import redirect_stdout
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from tlsrpt_reporter import tlsrpt as sys4

from pipeline.config import Settings
from pipeline.query import open_lake
from pipeline.settings.single_tables import DomainSettings, TrustSettings
from tests.ingest.conftest import tlsrpt  # noqa: F401

pytestmark = pytest.mark.filterwarnings("ignore:The default .* adapter is deprecated:DeprecationWarning")  # theirs, from Python 3.12 on

DAYS = [date(2026, 3, 1) + timedelta(days=number) for number in range(12)]
STS = ["version: STSv1", "mode: enforce", "mx: mx1.example.org", "max_age: 604800"]
TLSA = ["3 1 1 0D6FCE3B1B8DA2C8EF5F1CB6D3F1E6E4C3E8B6B1A0C9D8E7F6A5B4C3D2E1F0A9"]
_HOST = "mx1.example.org"
_EXPIRED = {"c": 204, "h": _HOST, "n": _HOST, "r": "203.0.113.25", "s": "192.0.2.10", "f": "certificate has expired"}
_NO_MATCH = {**_EXPIRED, "c": 304, "f": "no matching TLSA record"}
_UNKNOWN_CODE = {"h": _HOST, "n": _HOST}


def _policy(kind, domain, *failures, failed=False):
    """One policy of a datagram: 1 is tlsa, 2 sts, 9 none; Postfix names the MX host under tlsa, and no domain without a policy."""
    named = {1: {"policy-string": TLSA, "policy-domain": f"mx1.{domain}"}, 2: {"policy-string": STS, "policy-domain": domain}, 9: {}}[kind]
    return {"policy-type": kind, **named, "f": failed, "t": len(failures), "failure-details": list(failures)}


SESSIONS = {
    # How often a session of a domain is of a kind: (weight, policy type, failure details, failed).
    "example.org": [
        (8, 2, (), False),
        (4, 1, (), False),
        (1, 2, (_EXPIRED, _EXPIRED), True),
        (1, 1, (_NO_MATCH,), True),
        (1, 9, (), False),
    ],
    "example.net": [(9, 1, (), False), (1, 1, (_NO_MATCH, _UNKNOWN_CODE), True)],
    "example.com": [(9, 9, (), False), (1, 9, ({**_EXPIRED, "c": 201},), True)],
}


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Feed some days to the collector, let the daemon write the reports and mail them; return the folder and what was fed."""
    folder = tmp_path_factory.mktemp("reporter")
    (folder / "mails").mkdir()
    return folder, _played(folder)


def _played(folder):
    collectd = sys4.TLSRPTCollectdSQLite(
        f"sqlite://{folder}/collectd.sqlite",
        SimpleNamespace(max_uncommited_datagrams=10**6, sockettimeout=600, retry_commit_datagram_count=10**6, daily_rollover_script=""),
    )
    rng, fed = random.Random(15), Counter()
    for day in DAYS:
        for domain, kinds in SESSIONS.items():
            for _, kind, failures, failed in rng.choices(kinds, [weight for weight, *_ in kinds], k=rng.randint(40, 70)):
                policies = [_policy(kind, domain, *map(dict, failures), failed=failed)]
                record = f"v=TLSRPTv1;rua=mailto:tls@{domain}"
                collectd._add_policies_from_datagram(day, {"dpv": "1", "d": domain, "pr": record, "policies": policies})
                fed[domain, day, "failed" if failed and kind != 9 else "unprotected" if kind == 9 else "authenticated"] += 1
    collectd.con.commit()
    _mail(folder, collectd)
    return fed


def _mail(folder, collectd):
    """Fetch, write and send as its daemon does at night; only its clock, its queue and its `sendmail` are ours."""
    fetcher = object.__new__(sys4.TLSRPTFetcherSQLite)
    fetcher.con = collectd.con
    daemon = object.__new__(sys4.TLSRPTReportd)
    daemon.con = sqlite3.connect(":memory:")
    for statement in daemon._ddl():
        daemon.con.execute(statement)
    daemon.destination_map = SimpleNamespace(map_destination=lambda _domain, ruas, _log: ruas)
    daemon.schedule_report_delivery = sys4.tlsrpt_utc_time_now
    daemon.cfg = SimpleNamespace(
        organization_name="Reporter Inc.",
        contact_info="tls@reporter.example",
        sender_address="tls@reporter.example",
        compression_level=-1,
        debug_send_file_dest="",
        debug_send_mail_dest="",
        debug_send_http_dest="",
        sendmail_timeout=120,
    )
    for day in DAYS:
        for domain in SESSIONS:
            with redirect_stdout(io.StringIO()) as told:
                fetcher.fetch_domain_details(day, domain)
            data = json.dumps(json.loads(told.getvalue())["policies"])
            daemon.con.execute(
                "INSERT INTO reportdata (day, domain, data, fetcher, status) VALUES (?, ?, ?, 'f', 'fetched')", (day, domain, data)
            )
            daemon.create_report_for(str(day), domain)
            (number, report) = daemon.con.execute("SELECT uniqid, report FROM reports ORDER BY r_id DESC LIMIT 1").fetchone()
            daemon.cfg.sendmail_script = f"cat > '{folder}/mails/{day}-{domain}.eml'"
            sent = daemon.send_out_report(str(day), domain, 1, number, f"mailto:tls@{domain}", report)
            assert sent is sys4.DeliveryResult.SUCCEEDED
    daemon.con.close()
    collectd.con.close()


def test_every_session_fed_to_the_reporter_is_counted_once(played, tlsrpt):  # noqa: F811
    folder, fed = played
    config = folder / "tlsrpt.toml"
    config.write_text('[domains]\nown = ["example.org", "example.net", "example.com"]\n[trust]\ndkim = "off"\n')
    ran = tlsrpt.run("--config", config, "--lake", folder / "lake", "ingest", folder / "mails", "--workers", "0")
    assert ran.code == 0, ran.err
    settings = Settings(domains=DomainSettings(own=tuple(SESSIONS)), trust=TrustSettings(dkim="off"))
    with open_lake(folder / "lake", settings=settings) as lake:
        rows = lake.sql(
            "select report_domain, report_day, sum(authenticated) as authenticated, sum(failed) as failed, sum(unprotected) as unprotected "
            "from sessions group by all"
        ).to_pylist()
        rule = lake.sql("select both_types_are from submitters").to_pylist()
    kinds = ("authenticated", "failed", "unprotected")
    found = Counter({(row["report_domain"], row["report_day"], kind): int(row[kind]) for row in rows for kind in kinds if row[kind]})
    assert found == fed
    assert rule == [{"both_types_are": "apart"}]
