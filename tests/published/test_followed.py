"""Changes carried out on loopback, step by step and to the letter of `plan`, under senders that cache: no mail is refused at any of them.

With a step left out some of them refuse mail, and `check` says so beforehand.
"""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from cryptography import x509

import pipeline.deploy
from pipeline.cli import main
from pipeline.published.tlsa import associated, matches, parse_tlsa
from pipeline.report.sts_policy import mx_matches, parse_policy
from tests.authority import Authority
from tests.lake.test_commands import document
from tests.published.servers import MailServer, Page, context_of, mail, web

DOMAIN, OLD, NEW = "move.example", "mx1.move.example", "mx2.move.example"
AGE_DAYS = 5
ENFORCE = f"version: STSv1\r\nmode: enforce\r\nmx: {OLD}\r\nmax_age: {AGE_DAYS * 86_400}\r\n"
TTL_DAYS = 1
TODAY = datetime.now(UTC).date()


class World:
    """What is published and served at this moment, answered by a resolver, a web server and mail servers that look here."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self.records: dict[tuple[str, str], list[str]] = {
            (DOMAIN, "MX"): [f"10 {OLD}."],
            (f"_mta-sts.{DOMAIN}", "TXT"): ['"v=STSv1; id=1;"'],
            (f"_smtp._tls.{DOMAIN}", "TXT"): [f'"v=TLSRPTv1; rua=mailto:tls@{DOMAIN}"'],
            (f"mta-sts.{DOMAIN}", "A"): ["127.0.0.1"],
        } | {(host, "A"): [address] for host, address in addresses.items()}
        self.pages = {f"mta-sts.{DOMAIN}": Page(ENFORCE.encode())}
        self.serves: dict[str, x509.Certificate] = {}
        self.ttl = 60

    def texts(self, name: str, kind: str) -> list[str]:
        return [text.strip('"') for text in self.records.get((name, kind), [])]

    def do(self, step: dict, port: int) -> None:
        """Carry a step out to the letter."""
        policy = [line for line in step["publish"] if ": " in line and " TXT " not in line]
        if policy:
            self.pages[f"mta-sts.{DOMAIN}"] = Page("\r\n".join((*policy, "")).encode())
        for line in step["publish"]:
            name, kind, value = [*line.split(" ", 2), "", ""][:3]
            if kind == "TXT":
                self.records[name.rstrip("."), "TXT"] = [value]
        if exchanges := [line.split(" MX ")[1] for line in step["publish"] if " MX " in line]:
            self.records[DOMAIN, "MX"] = exchanges
        if tlsa := [line for line in step["publish"] if " TLSA " in line]:
            name = f"_{port}._tcp." + tlsa[0].split(" ")[0].partition("._tcp.")[2].rstrip(".")
            kept = [] if step["what"].startswith("remove") else self.records.get((name, "TLSA"), [])
            self.records[name, "TLSA"] = [*kept, *(line.split(" TLSA ")[1] for line in tlsa)]
        if step["what"].startswith("remove the TXT record"):
            del self.records[f"_mta-sts.{DOMAIN}", "TXT"]
            self.pages.pop(f"mta-sts.{DOMAIN}")


class Policy(NamedTuple):
    """A policy as a sender holds it."""

    id: str
    mode: str | None
    mx: tuple[str, ...]
    until: date


class Sender:
    """Holds what it has looked up for as long as it may, and looks for a new policy id only on some days."""

    def __init__(self, every: int, offset: int) -> None:
        self._every, self._offset = every, offset
        self._cache: dict[tuple[str, str], tuple[date, list[str]]] = {}
        self._policy: Policy | None = None

    def _look(self, world: World, day: date, name: str, kind: str) -> list[str]:
        held = self._cache.get((name, kind))
        if held is None or (day - held[0]).days > TTL_DAYS:
            held = self._cache[name, kind] = (day, world.texts(name, kind))
        return held[1]

    def refuses(self, world: World, day: date, port: int) -> list[str]:
        """Deliver a mail on that day; return the hosts that were refused."""
        self._fetch(world, day)
        refused = []
        for exchange in self._look(world, day, DOMAIN, "MX"):
            host = exchange.split(" ")[1].rstrip(".")
            policy = self._policy
            covered = policy is None or policy.mode != "enforce" or any(mx_matches(pattern, host) for pattern in policy.mx)
            records = [parse_tlsa(text) for text in self._look(world, day, f"_{port}._tcp.{host}", "TLSA")]
            fits = not records or any(record is not None and matches(record, [world.serves[host]]) for record in records)
            if not covered or not fits:
                refused.append(host)
        return refused

    def _fetch(self, world: World, day: date) -> None:
        if self._policy is not None and day > self._policy.until:
            self._policy = None
        if self._policy is not None and (day.toordinal() + self._offset) % self._every:
            return
        texts = [text for text in world.texts(f"_mta-sts.{DOMAIN}", "TXT") if text.startswith("v=STSv1")]
        page = world.pages.get(f"mta-sts.{DOMAIN}")
        if texts and page is not None and (self._policy is None or self._policy.id != texts[0]):
            policy = parse_policy(page.body.decode().split("\r\n"))
            self._policy = Policy(texts[0], policy.mode, policy.mx, day + timedelta(seconds=policy.max_age_seconds or 0))


def senders() -> list[Sender]:
    return [Sender(every, offset) for every in (1, 2, 3, 30) for offset in range(min(every, 5))]


class Town(NamedTuple):
    """The world, the port of its mail servers, the certificates it may serve, and the command line."""

    world: World
    port: int
    certificates: dict[str, bytes]
    run: object


@pytest.fixture
def town(tmp_path, capsys):
    ours = Authority("Our CA")
    certificates = {name: ours.issue(host, days=(-10, 80)) for name, host in (("old", OLD), ("new", NEW), ("next", OLD))}
    (tmp_path / "ca.pem").write_bytes(ours.certificate_pem)
    world = World({OLD: "127.0.5.1", NEW: "127.0.5.2"})
    world.serves = {host: x509.load_pem_x509_certificate(certificates[name][0]) for host, name in ((OLD, "old"), (NEW, "new"))}
    for name, (pem, _) in certificates.items():
        (tmp_path / f"{name}.pem").write_bytes(pem)
    servers = {"127.0.5.1": MailServer(context_of(*certificates["old"])), "127.0.5.2": MailServer(context_of(*certificates["new"]))}
    with ExitStack() as held:
        port = held.enter_context(mail(servers))
        https = held.enter_context(web(world.pages, {f"mta-sts.{DOMAIN}": ours.issue(f"mta-sts.{DOMAIN}", days=(-10, 80))}))
        resolver = held.enter_context(answering(world))
        (tmp_path / "tlsrpt.toml").write_text(
            f'[lake]\npath = "{tmp_path}/lake"\n[domains]\nown = ["{DOMAIN}"]\n[check]\nresolver = "{resolver}"\ntimeout = 3.0\n'
            f'ca_file = "{tmp_path}/ca.pem"\nhttps_port = {https}\nsmtp_port = {port}\n'
        )

        def run(*arguments):
            code = main(["--config", str(tmp_path / "tlsrpt.toml"), *map(str, arguments), "--format", "json"])
            return code, json.loads(capsys.readouterr().out)

        (tmp_path / "1.json").write_bytes(document(1))
        run("ingest", "--workers", "0", tmp_path / "1.json")
        yield Town(world, port, {name: pem for name, (pem, _) in certificates.items()}, run)


def answering(world: World):
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            content, asking = self.request
            query = dns.message.from_wire(content)
            response = dns.message.make_response(query)
            response.flags |= dns.flags.RA | dns.flags.AD
            name, kind = str(query.question[0].name).rstrip(".").lower(), dns.rdatatype.to_text(query.question[0].rdtype)
            if values := world.records.get((name, kind)):
                response.answer.append(dns.rrset.from_text(f"{name}.", world.ttl, "IN", kind, *values))
            asking.sendto(response.to_wire(), self.client_address)

    class Server(socketserver.ThreadingUDPServer):
        def __enter__(self):
            threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            return f"127.0.0.1:{self.server_address[1]}"

        def __exit__(self, *args):
            self.shutdown()
            self.server_close()

    return Server(("127.0.0.1", 0), Handler)


def carry_out(town: Town, steps: list[dict], *, serving: str = "", beyond: int = 8, hurry: bool = False) -> list[tuple[date, str]]:
    """Follow the steps on their days, or all at once, with senders delivering every day from a week before; return what was refused."""
    sending, refused = senders(), []
    days = [date.fromisoformat(step["earliest"]) for step in steps]
    first = TODAY - timedelta(days=7)
    for day in (first + timedelta(days=number) for number in range((max(days) - first).days + beyond)):
        for step, due in zip(steps, days, strict=True):
            if day == (TODAY if hurry else due):
                town.world.do(step, town.port)
                if serving and step["what"].startswith("serve the new certificate"):
                    town.world.serves[OLD] = x509.load_pem_x509_certificate(town.certificates[serving])
        refused += [(day, host) for sender in sending for host in sender.refuses(town.world, day, town.port)]
    return refused


def test_an_mx_host_is_replaced_and_no_sender_refuses_mail(town):
    code, steps = town.run("plan", DOMAIN, "mx", NEW)
    assert code == 0
    assert carry_out(town, steps) == []
    assert [text.split(" ")[1] for text in town.world.texts(DOMAIN, "MX")] == [f"{NEW}."]
    assert f"mx: {OLD}" not in town.world.pages[f"mta-sts.{DOMAIN}"].body.decode()


def test_an_mx_host_that_comes_before_the_policy_is_refused_and_the_check_says_so_beforehand(town):
    _, steps = town.run("plan", DOMAIN, "mx", NEW)
    code, found = town.run("check", DOMAIN, "--mx", NEW)
    assert code == 1
    assert {"mx-held-policy", "mx-not-in-policy"} <= {finding["code"] for finding in found[0]["findings"]}
    assert carry_out(town, steps[1:]) != []


def test_an_mx_host_that_comes_with_the_policy_is_refused_by_those_who_hold_the_old_one_and_the_check_says_so(town):
    _, steps = town.run("plan", DOMAIN, "mx", NEW)
    town.run("check", DOMAIN)
    town.world.do(steps[0], town.port)
    code, found = town.run("check", DOMAIN, "--mx", NEW)
    assert (code, [finding["code"] for finding in found[0]["findings"] if finding["severity"] == "error"]) == (1, ["mx-held-policy"])
    assert carry_out(town, steps, hurry=True) != []


def test_the_policy_is_retired_and_no_sender_refuses_mail_when_the_mx_hosts_change_afterwards(town):
    code, steps = town.run("plan", DOMAIN, "retire")
    assert code == 0
    assert carry_out(town, steps) == []
    town.world.records[DOMAIN, "MX"] = [f"10 {NEW}."]
    late = date.fromisoformat(steps[-1]["earliest"]) + timedelta(days=9)
    assert [host for sender in senders() for host in sender.refuses(town.world, late, town.port)] == []


def test_a_policy_that_is_removed_at_once_is_held_on_to_and_the_check_says_so(town):
    town.run("check", DOMAIN)
    _, steps = town.run("plan", DOMAIN, "retire")
    sending = senders()
    for sender in sending:
        sender.refuses(town.world, TODAY, town.port)
    town.world.do(steps[-1], town.port)
    code, found = town.run("check", DOMAIN, "--mx", NEW)
    assert code == 1
    assert "mx-held-policy" in {finding["code"] for finding in found[0]["findings"]}
    town.world.records[DOMAIN, "MX"] = [f"10 {NEW}."]
    after = TODAY + timedelta(days=TTL_DAYS + 1)
    assert any(sender.refuses(town.world, after, town.port) for sender in sending)


def record(town: Town, name: str) -> str:
    return f"3 1 1 {associated(x509.load_pem_x509_certificate(town.certificates[name]), 1, 1)}"


def test_a_key_is_rolled_over_and_no_sender_refuses_mail(town):
    town.world.records[f"_{town.port}._tcp.{OLD}", "TLSA"] = [record(town, "old")]
    code, steps = town.run("plan", DOMAIN, "tlsa", record(town, "next"))
    assert code == 0
    assert carry_out(town, steps, serving="next") == []
    assert town.world.texts(f"_{town.port}._tcp.{OLD}", "TLSA") == [record(town, "next")]


def test_a_key_that_is_rolled_over_in_a_hurry_is_refused_and_the_check_says_so_beforehand(town, tmp_path):
    town.world.records[f"_{town.port}._tcp.{OLD}", "TLSA"] = [record(town, "old")]
    _, steps = town.run("plan", DOMAIN, "tlsa", record(town, "next"))
    code, found = town.run("check", DOMAIN, "--certificate", tmp_path / "next.pem")
    assert code == 1
    assert "tlsa-mismatch" in {finding["code"] for finding in found[0]["findings"]}
    assert town.run("check", DOMAIN, "--tlsa", record(town, "next"))[0] == 1
    assert town.run("check", DOMAIN, "--tlsa", record(town, "old"), record(town, "next"))[0] == 0
    assert carry_out(town, steps, serving="next", hurry=True) != []


def test_the_hook_installs_a_renewed_certificate_when_its_record_has_been_there_long_enough(town, tmp_path):
    world, name, installed = town.world, f"_{town.port}._tcp.{OLD}", tmp_path / "installed"
    world.ttl = 3_600
    (tmp_path / "lineage").mkdir()
    for part in ("fullchain", "privkey"):
        (tmp_path / "lineage" / f"{part}.pem").write_bytes(town.certificates["next"])
    environment = {
        **os.environ,
        "RENEWED_LINEAGE": str(tmp_path / "lineage"),
        "INSTALL_TO": str(installed),
        "RELOAD": f"touch {tmp_path}/reloaded",
        "TLSRPT": f"{Path(sys.executable).parent}/tlsrpt --config {tmp_path}/tlsrpt.toml",
    }

    def hook() -> int:
        script = Path(pipeline.deploy.__file__).parent / "certbot-dane-hook"
        return subprocess.run(["/bin/sh", str(script), DOMAIN], env=environment, capture_output=True, check=False, timeout=60).returncode

    world.records[name, "TLSA"] = [record(town, "old")]
    assert hook() == 1  # no record of the new key: publish it
    world.records[name, "TLSA"] = [record(town, "old"), record(town, "next")]
    assert hook() == 75  # it is there, and resolvers may hold the records without it
    assert not installed.exists()
    world.ttl = 1
    time.sleep(2 * world.ttl)
    assert hook() == 0
    assert (installed / "fullchain.pem").read_bytes() == town.certificates["next"]
    assert (installed / "privkey.pem").stat().st_mode & 0o777 == 0o600
    (tmp_path / "reloaded").unlink()
    assert hook() == 0  # nothing is left to do
    assert not (tmp_path / "reloaded").exists()


def test_a_policy_is_switched_as_it_was_rendered(town):
    """Testing with the words of `policy render`, from the file to the record."""
    code, rendered = town.run("policy", "render", DOMAIN, "--mode", "testing")
    assert code == 0
    town.world.pages[f"mta-sts.{DOMAIN}"] = Page(rendered["policy"].encode())
    town.world.do({"what": "", "publish": rendered["records"]}, town.port)
    assert town.run("check", DOMAIN)[0] == 0
    code, rendered = town.run("policy", "render", DOMAIN, "--mode", "enforce", "--despite", "it is a test")
    town.world.pages[f"mta-sts.{DOMAIN}"] = Page(rendered["policy"].encode())
    town.world.do({"what": "", "publish": rendered["records"]}, town.port)
    sending = senders()
    for number in range(10):
        assert [host for sender in sending for host in sender.refuses(town.world, TODAY + timedelta(days=number), town.port)] == []
