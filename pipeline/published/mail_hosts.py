"""Looking at the MX hosts of a domain: addresses, what the servers show, and the TLSA records; and what is found, judged."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from pipeline.published import dane, smtp
from pipeline.published.dns_lookup import DnsAnswer, LookUps, not_checked
from pipeline.published.finding import ADDRESS_NOT_CHECKED, Finding
from pipeline.published.look_settings import MOST_ADDRESSES
from pipeline.published.mx import NULL_MX, is_address
from pipeline.published.servers import Asks, judge_server
from pipeline.published.tlsa import DANE_TA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.x509 import Certificate

    from pipeline.published.look_settings import Ways
    from pipeline.published.sts import Sts

MOST_HOSTS = 20
"""MX hosts of one domain that are looked at; a sender would not try more."""


class Host(NamedTuple):
    """What was found of one MX host."""

    name: str
    names: dane.HostNames
    servers: tuple[smtp.Server, ...]
    """What its addresses show, in their order."""


def look_at_mail(names: LookUps, domain: str, ways: Ways, proposed: tuple[str, ...] = ()) -> tuple[DnsAnswer, bool, list[Host]]:
    """Look at the MX hosts of a domain, or at the domain itself where it has no MX record (RFC 5321 §5.1).

    Args:
        names: Looks up what the check asks of the DNS.
        domain: Lower-case A-label.
        ways: How to look.
        proposed: MX hosts to be, to look at instead of those there are.

    Returns:
        The MX records, whether mail goes to the domain itself, and what was found of each host.
    """
    mx = names.mail_hosts(domain)
    if proposed:
        mx = mx._replace(values=proposed, trouble="", no_name=False)
    if mx.trouble or list(mx.values) == [NULL_MX]:
        return mx, False, []
    listed = [host for host in mx.values if host != NULL_MX][:MOST_HOSTS] or [domain]
    with ThreadPoolExecutor(max_workers=64) as lookers, ThreadPoolExecutor(max_workers=len(listed)) as threads:

        def reach(host: str) -> tuple[str, dane.HostNames, list[Future[smtp.Server]]]:
            """Look at the servers as soon as their addresses are known, whatever else is not."""
            addresses = names.addresses(host)
            servers = [lookers.submit(_look, host, address, ways) for address in addresses.values[:MOST_ADDRESSES]]
            return host, dane.HostNames(mx, addresses, *names.tlsa_of(host, addresses, ways.smtp_port)), servers

        hosts = [Host(host, said, tuple(server.result() for server in servers)) for host, said, servers in threads.map(reach, listed)]
    own = hosts[0].names.addresses
    implicit = not mx.values and bool(own.values or own.trouble)
    return mx, implicit, hosts if mx.values or implicit else []


def _look(host: str, address: str, ways: Ways) -> smtp.Server:
    def look() -> smtp.Server:
        return smtp.look(host, address, port=ways.smtp_port, name=ways.helo, timeout=ways.timeout, ca_file=ways.ca_file)

    return look() if ways.looks is None else ways.looks.at(host, address, look)


def judge_hosts(hosts: Sequence[Host], domain: str, sts: Sts, ways: Ways, now: datetime) -> list[Finding]:
    """Judge what was found of MX hosts: addresses, certificates, TLSA records.

    Args:
        hosts: What was found of each.
        domain: The domain whose mail goes there.
        sts: What was found of its MTA-STS: whether a policy asks for certificates.
        ways: How it was looked: the port, and the private CA.
        now: The moment, aware, for certificates.
    """
    trusted = trusted_roots(ways) if any(record.usage == DANE_TA for host in hosts for record in host.names.records) else ()
    return [finding for host in hosts for finding in _of_host(host, domain, sts, ways, now, trusted)]


def trusted_roots(ways: Ways) -> tuple[Certificate, ...]:
    """Return the root certificates at hand."""
    import ssl

    from cryptography import x509

    context = ssl.create_default_context(cafile=ways.ca_file or None)
    found = []
    for each in context.get_ca_certs(binary_form=True):
        try:
            found.append(x509.load_der_x509_certificate(each))
        except ValueError:  # an old root that is not encoded as it should be
            continue
    return tuple(found)


def _of_host(host: Host, domain: str, sts: Sts, ways: Ways, now: datetime, trusted: Sequence[Certificate]) -> list[Finding]:  # noqa: PLR0917
    addresses = host.names.addresses
    if is_address(host.name):
        what, why = "the MX record names an address, where only the name of a host may be", "mail cannot be delivered to it (RFC 5321 §5.1)"
        fix = "give the server a name with that address, and let the MX record name it"
        return [Finding("smtp", "mx-is-address", "error", host.name, what, why, fix)]
    findings = [_no_address(host.name)] if not addresses.values and not addresses.trouble else []
    if addresses.trouble:
        findings.append(not_checked("smtp", host.name, addresses))
    if addresses.canonical:
        why = "an MX record must name a host, not an alias: some servers refuse to follow it (RFC 5321 §5.1)"
        fix = f"let the MX record name {addresses.canonical}, once policy and certificate name that"
        findings.append(Finding("smtp", "mx-is-alias", "warn", host.name, f"it is an alias of {addresses.canonical}", why, fix))
    asks = _asks(sts, host.names)
    seen = any(server.state != "no-network" for server in host.servers)
    for address, server in zip(addresses.values, host.servers, strict=False):
        judged = judge_server(host.name, address, server, now=now, port=ways.smtp_port, asks=asks)
        beside = seen and server.state == "no-network"
        findings += [finding._replace(code=ADDRESS_NOT_CHECKED) for finding in judged] if beside else judged
    return findings + dane.judge_tlsa(host.name, domain, host.names, host.servers, now=now, port=ways.smtp_port, trusted=trusted)


def _asks(sts: Sts, names: dane.HostNames) -> Asks:
    """Say who asks for the certificate; a policy that could not be read may be held by senders and counts as one."""
    if (sts.policy is not None and sts.policy.mode == "none") or sts.is_absent:
        return "dane" if names.applies else "nothing"
    return "policy"


def _no_address(host: str) -> Finding:
    why = "mail cannot be delivered to it"
    fix = "publish one, or remove the MX record"
    return Finding("smtp", "mx-without-address", "error", host, "the MX host has no address", why, fix)
