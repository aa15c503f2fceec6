"""Debian's Prometheus scrapes what we give: the text file through the node exporter, and our own port; the shipped rules see it."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import ExitStack, contextmanager

import pytest

from pipeline.cli import main
from pipeline.errors import LakeError, UsageError
from pipeline.notify.metrics_server import MetricsServer
from tests.insight.asking import as_of
from tests.insight.book import DOMAIN
from tests.notify.test_metrics import DEPLOY, written
from tests.notify.test_news import book
from tests.ports import free_ports


@contextmanager
def answering(measure):
    (port,) = free_ports(1)
    with MetricsServer(f"127.0.0.1:{port}", measure) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{port}"
        server.shutdown()


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as err:
        return err.code, err.read().decode()


@pytest.mark.parametrize("broken", [False, True])
def test_the_port_gives_the_metrics_and_nothing_else_and_looks_at_most_once_a_minute(broken):
    looked = []

    def measure() -> str:
        looked.append(1)
        if broken:
            raise LakeError("a secret of the lake")
        return written()

    with answering(measure) as place:
        status, said = _get(f"http://{place}/metrics")
        assert (status, "secret" in said, said == written()) == ((503, False, False) if broken else (200, False, True))
        assert _get(f"http://{place}/metrics")[0] == status
        assert _get(f"http://{place}/")[0] == 404
    assert len(looked) == 1


def test_a_place_nobody_can_listen_on_is_one_sentence():
    for place in ("nowhere", "127.0.0.1:99999", "203.0.113.1:80"):
        with pytest.raises(UsageError, match="cannot listen on"):
            MetricsServer(place, written)
    assert main(["metrics", "--listen", "127.0.0.1:1", "--output", "x"]) == 2


@contextmanager
def _running(*command: str, ready: str):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until(lambda: _there(ready))
        yield
    finally:
        process.terminate()
        process.wait(30)


def _there(url: str) -> bool:
    try:
        return _get(url)[0] == 200
    except OSError:
        return False


def _until(holds, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.mark.servers
def test_prometheus_gets_the_same_from_the_text_file_and_from_the_port_and_the_rules_see_it(tmp_path):
    lake = book(8).write(tmp_path / "lake")
    (tmp_path / "text").mkdir()
    assert main(["--lake", str(lake), "metrics", "--as-of", str(as_of(8)), "--output", str(tmp_path / "text" / "tlsrpt.prom")]) == 0
    text = (tmp_path / "text" / "tlsrpt.prom").read_text(encoding="utf-8")
    exporter, prometheus = free_ports(2)
    with ExitStack() as held:
        own = held.enter_context(answering(lambda: text))
        held.enter_context(
            _running(
                "prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile",
                f"--collector.textfile.directory={tmp_path / 'text'}", f"--web.listen-address=127.0.0.1:{exporter}",
                ready=f"http://127.0.0.1:{exporter}/metrics",
            )
        )  # fmt: skip
        config = tmp_path / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            f"rule_files: ['{DEPLOY / 'prometheus-rules.yml'}']\n"
            "scrape_configs:\n"
            f"  - {{job_name: node, static_configs: [{{targets: ['127.0.0.1:{exporter}']}}]}}\n"
            f"  - {{job_name: own, static_configs: [{{targets: ['{own}']}}]}}\n",
            encoding="utf-8",
        )
        base = f"http://127.0.0.1:{prometheus}"
        held.enter_context(
            _running(
                "prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{prometheus}", ready=f"{base}/-/ready",
            )
        )  # fmt: skip

        def asked(query: str) -> list[dict]:
            return json.loads(_get(f"{base}/api/v1/query?query={urllib.parse.quote(query)}")[1])["data"]["result"]

        _until(lambda: len(asked("tlsrpt_open_faults")) == 2)
        found = asked("tlsrpt_open_faults")
        assert {one["metric"]["job"] for one in found} == {"node", "own"}
        assert {(one["metric"]["domain"], one["metric"]["cause"], one["value"][1]) for one in found} == {
            (DOMAIN, "mx-certificate-expired", "1")
        }

        def alerts() -> set[str]:
            return {one["labels"]["alertname"] for one in json.loads(_get(f"{base}/api/v1/alerts")[1])["data"]["alerts"]}

        _until(lambda: "TlsrptFaultOfOurs" in alerts())
