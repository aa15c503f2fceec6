"""Each fault a domain can have, once, on real servers: the right finding, and no other."""

from __future__ import annotations

import ssl
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from cryptography import x509

from pipeline.published.check import check_domain
from pipeline.published.history import Published
from pipeline.published.look_settings import Ways
from pipeline.published.tlsa import record_for
from tests.authority import Authority
from tests.published.servers import MailServer, Page, context_of, mail, names, web

GOOD, NO_STARTTLS, WRONG_NAME, EXPIRED, SELF_SIGNED, OLD_TLS, ENDS_3, ENDS_10, ENDS_25, NOBODY = (f"127.0.1.{n}" for n in range(1, 11))
POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mx.{domain}\r\nmax_age: 1209600\r\n"


class Domain(NamedTuple):
    """One domain below `example.`, healthy but for what is said here, and what the check must say of it."""

    expected: tuple[tuple[str, str], ...] = ()
    """Codes and severities, in order, of all findings that are not ok."""
    tlsrpt: str | None = '"v=TLSRPTv1; rua=mailto:tls@good.example"'
    sts: str | None = '"v=STSv1; id=1;"'
    policy: str | None = POLICY
    page: Page | None = None
    host: str | None = "127.0.0.1"
    """Address of the policy host; None: it has none."""
    names_host: bool = True
    days: tuple[int, int] = (-10, 80)
    by_us: bool = True
    """Whether a CA that is trusted issued the certificate of the policy host."""
    mx: tuple[str, ...] = ("mx",)
    mx_address: tuple[str, ...] = (GOOD,)
    tlsa: str | None = None
    more: str = ""


DOMAINS = {
    "good": Domain(),
    "no-tlsrpt": Domain((("tlsrpt-record-missing", "error"),), tlsrpt=None),
    "rua-nowhere": Domain((("tlsrpt-rua-unreachable", "error"),), tlsrpt='"v=TLSRPTv1; rua=mailto:tls@nowhere.example"'),
    "https-rua": Domain(tlsrpt='"v=TLSRPTv1; rua=https://reports.good.example/v1"'),
    "split-strings": Domain(tlsrpt='"v=TLSRPTv1; rua=mail" "to:tls@good.example"'),
    "two-sts": Domain((("sts-record-several", "error"),), more='_mta-sts.{domain}. 60 IN TXT "v=STSv1; id=2;"\n'),
    "no-sts": Domain((("sts-record-missing", "warn"),), sts=None, policy=None, host=None),
    "cname": Domain(sts=None, more="_mta-sts.{domain}. 60 IN CNAME _mta-sts.good.example.\n"),
    "no-host": Domain((("policy-host-missing", "error"),), host=None),
    "host-down": Domain((("policy-host-unreachable", "error"),), host=NOBODY),
    "host-name": Domain((("policy-host-certificate", "error"),), names_host=False),
    "host-expired": Domain((("policy-host-certificate", "error"),), days=(-90, -1)),
    "host-stranger": Domain((("policy-host-certificate", "error"),), by_us=False),
    "not-found": Domain((("policy-status", "error"),), page=Page(b"", 404)),
    "redirect": Domain((("policy-redirect", "error"),), page=Page(b"", 301, location="https://good.example/")),
    "html": Domain((("policy-media-type", "warn"),), page=Page(POLICY.format(domain="html.example").encode(), media_type="text/html")),
    "too-large": Domain((("policy-too-large", "error"),), page=Page(b"version: STSv1\r\n" * 5000)),
    "bad-line": Domain((("policy-line-invalid", "error"),), policy=POLICY + "hello\r\n"),
    "short-age": Domain((("policy-max-age-short", "warn"),), policy=POLICY.replace("1209600", "86400")),
    "uncovered": Domain((("mx-not-in-policy", "error"),), mx=("mx", "mx2")),
    "one-label": Domain(
        (("mx-not-in-policy", "error"), ("mx-pattern-unused", "warn")), mx=("a.b",), policy=POLICY.replace("mx.{domain}", "*.{domain}")
    ),
    "wildcard": Domain(policy=POLICY.replace("mx.{domain}", "*.{domain}")),
    "no-starttls": Domain((("starttls-missing", "error"),), mx_address=(NO_STARTTLS,)),
    "one-of-two": Domain((("starttls-missing", "error"),), mx_address=(GOOD, NO_STARTTLS)),
    "wrong-name": Domain((("certificate-name", "error"),), mx_address=(WRONG_NAME,)),
    "expired": Domain((("certificate-expired", "error"),), mx_address=(EXPIRED,)),
    "self-signed": Domain((("certificate-untrusted", "error"),), mx_address=(SELF_SIGNED,)),
    "old-tls": Domain((("tls-too-old", "error"),), mx_address=(OLD_TLS,)),
    "ends-3": Domain((("certificate-expires-7", "error"),), mx_address=(ENDS_3,)),
    "ends-10": Domain((("certificate-expires-14", "warn"),), mx_address=(ENDS_10,)),
    "ends-25": Domain((("certificate-expires-30", "warn"),), mx_address=(ENDS_25,)),
    "mx-down": Domain((("mx-unreachable", "unknown"),), mx_address=(NOBODY,)),
    "mx-nameless": Domain((("mx-without-address", "error"),), mx_address=()),
    "null-mx": Domain(mx=(".",), policy=POLICY.replace("enforce", "none")),
    "dane": Domain(tlsa="right"),
    "dane-wrong": Domain((("tlsa-mismatch", "error"),), tlsa="3 1 1 " + "ab" * 32),
    "dane-pkix": Domain((("tlsa-unusable", "error"),), tlsa="1 1 1 " + "ab" * 32),
    "spoilt": Domain((("tlsrpt-record-not-checked", "unknown"),)),
}
UNSIGNED = {"island.example.": Domain((("tlsa-insecure", "warn"),), tlsa="3 1 1 " + "ab" * 32)}


def full_name(label: str) -> str:
    return label.rstrip(".") if label.endswith(".example.") else f"{label}.example"


ALL = {full_name(label): domain for label, domain in (DOMAINS | UNSIGNED).items()}


def records(name: str, domain: Domain, port: int, right: x509.Certificate) -> str:
    lines = [f"{name}. 60 IN A 127.0.0.1"]
    if domain.tlsrpt:
        lines.append(f"_smtp._tls.{name}. 60 IN TXT {domain.tlsrpt}")
    if domain.sts:
        lines.append(f"_mta-sts.{name}. 60 IN TXT {domain.sts}")
    if domain.host:
        lines.append(f"mta-sts.{name}. 60 IN A {domain.host}")
    for label in domain.mx:
        host = "." if label == "." else f"{label}.{name}."
        lines.append(f"{name}. 60 IN MX 10 {host}")
        lines += [f"{host} 60 IN A {address}" for address in domain.mx_address if label != "."]
    if domain.tlsa:
        text = record_for(right, "x").split(" TLSA ")[1] if domain.tlsa == "right" else domain.tlsa
        lines.append(f"_{port}._tcp.mx.{name}. 60 IN TLSA {text}")
    return "\n".join(lines) + "\n" + domain.more.format(domain=name)


@pytest.fixture(scope="module")
def ways(tmp_path_factory):
    ours, stranger = Authority("Our CA"), Authority("Stranger")
    hosts = [f"{label}.{name}" for name, domain in ALL.items() for label in domain.mx if label != "."]
    good = ours.issue(*hosts, days=(-10, 80))
    servers = {
        GOOD: MailServer(context_of(*good)),
        NO_STARTTLS: MailServer(None),
        WRONG_NAME: MailServer(context_of(*ours.issue("other.example", days=(-10, 80)))),
        EXPIRED: MailServer(context_of(*ours.issue(*hosts, days=(-90, -1)))),
        SELF_SIGNED: MailServer(context_of(*stranger.issue(*hosts, days=(-10, 80)))),
        OLD_TLS: MailServer(context_of(*good, oldest=ssl.TLSVersion.TLSv1_1)),
        ENDS_3: MailServer(context_of(*ours.issue(*hosts, days=(-10, 3)))),
        ENDS_10: MailServer(context_of(*ours.issue(*hosts, days=(-10, 10)))),
        ENDS_25: MailServer(context_of(*ours.issue(*hosts, days=(-10, 25)))),
    }
    pages, certificates = {}, {}
    for name, domain in ALL.items():
        host = f"mta-sts.{name}"
        authority = ours if domain.by_us else stranger
        certificates[host] = authority.issue(host if domain.names_host else "other.example", days=domain.days)
        pages[host] = domain.page or Page((domain.policy or "").format(domain=name).encode())
    ca_file = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca_file.write_bytes(ours.certificate_pem)
    with ExitStack() as held:
        smtp_port = held.enter_context(mail(servers))
        https_port = held.enter_context(web(pages, certificates))
        certificate = x509.load_pem_x509_certificate(good[0])
        signed = "".join(records(full_name(label), domain, smtp_port, certificate) for label, domain in DOMAINS.items())
        signed += "".join(f"{name} 60 IN NS ns.example.\n" for name in UNSIGNED)
        unsigned = {name: records(full_name(name), domain, smtp_port, certificate) for name, domain in UNSIGNED.items()}
        resolver = held.enter_context(names(signed, unsigned, spoil="_smtp._tls.spoilt.example"))
        yield Ways(resolver=resolver, timeout=3.0, ca_file=str(ca_file), https_port=https_port, smtp_port=smtp_port)


def trouble_of(checked) -> list[tuple[str, str]]:
    return [(finding.code, finding.severity) for finding in checked.findings if finding.severity != "ok"]


@pytest.mark.parametrize("name", ALL)
def test_each_fault_is_found_and_nothing_else(ways, name):
    checked = check_domain(name, ways, now=datetime.now(UTC))
    assert trouble_of(checked) == list(ALL[name].expected), checked.findings
    assert all(finding.why and finding.what for finding in checked.findings if finding.severity != "ok")


def test_a_healthy_domain_is_well_in_every_check(ways):
    checked = check_domain("dane.example", ways, now=datetime.now(UTC))
    assert [finding.code for finding in checked.findings] == [
        "tlsrpt-record-ok",
        "sts-record-ok",
        "policy-ok",
        "mx-covered",
        "smtp-ok",
        "tlsa-ok",
    ]
    assert checked.published.sts_id == "1"
    assert checked.published.mx_hosts == ("mx.dane.example",)


@pytest.mark.parametrize(
    ("identity", "line", "expected"),
    [
        ("1", "mode: enforce", []),
        ("0", "mode: testing", []),
        ("1", "mode: testing", [("id-unchanged", "error")]),
        ("0", "mode: enforce", [("text-unchanged", "warn")]),
    ],
)
def test_id_and_text_are_held_against_the_last_check(ways, identity, line, expected):
    lines = ("version: STSv1", line, "mx: mx.good.example", "max_age: 1209600")
    before = Published(sts_id=identity, policy_lines=lines)
    assert trouble_of(check_domain("good.example", ways, now=datetime.now(UTC), before=before)) == expected


def test_a_resolver_that_does_not_answer_makes_everything_unknown_and_nothing_bad(ways):
    checked = check_domain("good.example", ways._replace(resolver="127.0.0.1:1", timeout=0.3), now=datetime.now(UTC))
    assert {finding.severity for finding in checked.findings} == {"unknown"}
