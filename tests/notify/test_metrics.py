"""The metrics, read by Prometheus' own tools; the shipped rules and dashboard speak of metrics that exist."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
import time
import urllib.request
from datetime import UTC, date, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.cli import main
from pipeline.errors import LakeError
from pipeline.insight.ground import Ground
from pipeline.notify import metrics
from pipeline.notify.metrics import KeptMetrics, as_text, write_metrics
from pipeline.notify.metrics_server import MOST_CONNECTIONS, MetricsServer
from pipeline.notify.observed import Certificate, MailboxState, Measured
from tests.insight.asking import as_of
from tests.insight.book import DOMAIN, MX1
from tests.notify.test_news import book, observed
from tests.project.tree import ROOT

DEPLOY = ROOT / "pipeline" / "deploy"
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
GROUND = Ground(date(2026, 1, 1), date(2026, 4, 1), 900, 9, 2, 5, (), 16, (DOMAIN, "example.net"), ("example.net",))


def written() -> str:
    seen = observed(
        book(8),
        8,
        mailboxes=(MailboxState("rua", NOW, None, "refused"), MailboxState("other", None, None, "")),
        certificates=(Certificate(DOMAIN, MX1, date(2026, 5, 31)),),
        verdicts=((DOMAIN, "not-ready"),),
        ground=GROUND,
    )
    return as_text(seen, Measured({"rua": NOW}, {"rua": NOW}, 3, 7), waiting={"ops": 2}, now=NOW)


def values(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_numbers():
    found = values(written())
    assert found["tlsrpt_open_faults", "cause=mx-certificate-expired", f"domain={DOMAIN}", "fault=ours"] == 1
    assert found["tlsrpt_mailbox_failing", "mailbox=rua"] == 1
    assert found["tlsrpt_mailbox_failing", "mailbox=other"] == 0
    assert found["tlsrpt_last_ingest_seconds", "mailbox=rua"] == NOW.timestamp()
    assert found["tlsrpt_certificate_expires_seconds", f"domain={DOMAIN}", f"host={MX1}"] == datetime(2026, 5, 31, tzinfo=UTC).timestamp()
    assert found["tlsrpt_readiness", f"domain={DOMAIN}", "verdict=not-ready"] == 1
    assert found["tlsrpt_outbox_waiting", "channel=ops"] == 2
    assert (found["tlsrpt_counted_reports",], found["tlsrpt_counted_sessions",]) == (9, 900)
    assert found["tlsrpt_unreported_domain", "domain=example.net"] == 1
    assert (found["tlsrpt_quarantined_messages",], found["tlsrpt_not_counted_reports",]) == (3, 7)


@pytest.mark.parametrize("text", ['a"} 1\ntlsrpt_forged{x="', "a\\", "\u2028tlsrpt_forged 1", "\x1b[31m", "a\rtlsrpt_forged 1", "\ud800"])
def test_no_name_forges_a_line(text):
    seen = observed(book(8), 8, certificates=(Certificate(text, text, date(2026, 5, 31)),), verdicts=((text, "not-ready"),), ground=GROUND)
    told = as_text(seen, Measured({text: NOW}, {text: NOW}, 3, 7), waiting={text: 2}, now=NOW)
    assert not re.search("^tlsrpt_forged", told, re.MULTILINE)
    assert not any(one[0] == "tlsrpt_forged" for one in values(told))


def test_promtool_finds_nothing_to_say_of_them():
    ran = subprocess.run(["promtool", "check", "metrics"], input=written(), text=True, capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_promtool_accepts_the_shipped_rules():
    ran = subprocess.run(["promtool", "check", "rules", DEPLOY / "prometheus-rules.yml"], text=True, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("file", ["prometheus-rules.yml", "grafana-dashboard.json"])
def test_rules_and_dashboard_name_metrics_that_are_written(file):
    named = set(re.findall(r"tlsrpt_[a-z_]+", (DEPLOY / file).read_text(encoding="utf-8")))
    assert named
    assert named <= {name for name, *_ in values(written())}


def test_the_dashboard_is_json_with_panels():
    assert len(json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))["panels"]) > 5


def test_the_file_is_whole_and_readable_by_the_exporter(tmp_path):
    target = tmp_path / "tlsrpt.prom"
    write_metrics(str(target), written())
    assert target.read_text(encoding="utf-8") == written()
    assert target.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [target]


def test_the_command_writes_what_the_lake_says(tmp_path, capsys):
    lake = book(8).write(tmp_path / "lake")
    assert main(["--lake", str(lake), "metrics", "--as-of", str(as_of(8))]) == 0
    assert values(capsys.readouterr().out)["tlsrpt_readiness", f"domain={DOMAIN}", "verdict=not-enough-evidence"] == 1
    assert main(["--lake", str(lake), "metrics", "--output", str(tmp_path / "no" / "x.prom")]) == 66
    assert "no such file" in capsys.readouterr().err.lower()


def test_a_broken_lake_is_looked_at_once_a_minute_too(monkeypatch):
    looks = []

    def measure():
        looks.append(1)
        if len(looks) == 1:
            raise LakeError("the table failures lost data")
        return "tlsrpt_up 1\n"

    kept = KeptMetrics(measure)
    for _ in range(3):
        with pytest.raises(LakeError, match="lost data"):
            kept.text()
    assert len(looks) == 1
    monkeypatch.setattr(metrics, "KEPT_SECONDS", -1.0)
    assert kept.text() == "tlsrpt_up 1\n"


def test_who_opens_many_connections_and_says_nothing_keeps_nobody_out():
    with MetricsServer("127.0.0.1:0", lambda: "tlsrpt_up 1\n") as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        before = threading.active_count()
        idle = [socket.create_connection(server.server_address[:2], timeout=120) for _ in range(MOST_CONNECTIONS + 20)]
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}/metrics", timeout=120) as answer:
            assert answer.read() == b"tlsrpt_up 1\n"
        assert [line.recv(1) for line in idle[:20]] == [b""] * 20, "the oldest were let go"
        until = time.monotonic() + 120
        while threading.active_count() > before + MOST_CONNECTIONS and time.monotonic() < until:
            time.sleep(0.01)
        assert threading.active_count() <= before + MOST_CONNECTIONS
        for line in idle:
            line.close()
        server.shutdown()
