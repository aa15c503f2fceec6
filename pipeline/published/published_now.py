"""What a domain publishes at this moment, without a look at its mail servers: what a plan and a proposed change begin with."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from pipeline.published import dane, web
from pipeline.published.dns_lookup import DnsAnswer, LookUps
from pipeline.published.mail_hosts import MOST_HOSTS
from pipeline.published.mx import NULL_MX
from pipeline.published.records import is_record, read_sts
from pipeline.published.sts import fetch_policy, read_served

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.published.look_settings import Ways
    from pipeline.published.policy_text import PolicyText


class Live(NamedTuple):
    """What a domain publishes at this moment, as far as it could be looked at; `known` says that an empty answer is an answer."""

    policy: PolicyText | None = None
    policy_known: bool = False
    mx_hosts: tuple[str, ...] = ()
    """The domain itself where it has no MX record and takes mail at its own address (RFC 5321 §5.1)."""
    mx_known: bool = False
    tlsa: tuple[str, ...] = ()
    tlsa_known: bool = False
    sts_id: str | None = None
    has_no_tlsrpt: bool = False
    """Whether it is sure that there is no `_smtp._tls` record."""
    ttl_seconds: int = 0
    """The longest of the MX and TLSA records."""
    ttl_of_zone: bool = False
    """Whether all of these TTLs are those that the zones give; a resolver tells what is left of them."""
    tlsa_owners: tuple[tuple[str, str], ...] = ()
    """The MX hosts with TLSA records, and the name that the records are at, where it is not the usual one."""


def look_at_published(domain: str, ways: Ways) -> Live:
    """Look up the policy, MX hosts and TLSA records of a domain, without connecting to its mail servers.

    A policy that is served counts without its TXT record, too: a sender that holds it may go on fetching it (RFC 8461 §3.3).
    """
    names = LookUps(ways.resolver, timeout=ways.timeout)
    policy, known = _live_policy(names, domain, ways)
    answer = names.mail_hosts(domain)
    hosts = answer.values
    if not hosts and not answer.trouble and names.addresses(domain).values:
        hosts = (domain,)
    record, _ = read_sts(domain, names.texts(f"_mta-sts.{domain}").values)
    tlsrpt = names.texts(f"_smtp._tls.{domain}")
    said = _tlsa(names, [host for host in hosts if host != NULL_MX][:MOST_HOSTS], ways)
    if answer.values:
        answer = names.with_source_ttl(answer, answer.canonical or domain, "MX")
    kept = [each.answer for each in said.values() if each.records] + ([answer] if answer.values else [])
    usual = ways.smtp_port
    return Live(
        policy,
        known,
        hosts,
        not answer.trouble,
        tuple(sorted(f"{host} {record}" for host, each in said.items() for record in each.records)),
        not answer.trouble and not any(each.answer.trouble for each in said.values()),
        record.id if record is not None else None,
        not tlsrpt.trouble and not any(is_record(text, "v=TLSRPTv1") for text in tlsrpt.values),
        max((each.ttl_seconds for each in kept), default=0),
        bool(kept) and all(each.ttl_of_zone for each in kept),
        tuple((host, each.owner(host, 25)) for host, each in said.items() if each.owner(host, usual) != f"_{usual}._tcp.{host}"),
    )


def _tlsa(names: LookUps, hosts: Sequence[str], ways: Ways) -> dict[str, dane.HostNames]:
    """Look up the TLSA records of MX hosts, also where a host is an alias."""

    def look(host: str) -> dane.HostNames:
        addresses = names.addresses(host)
        return dane.HostNames(DnsAnswer(), addresses, *names.tlsa_of(host, addresses, ways.smtp_port))

    with ThreadPoolExecutor(max_workers=max(1, len(hosts))) as threads:
        return dict(zip(hosts, threads.map(look, hosts), strict=True))


def _live_policy(names: LookUps, domain: str, ways: Ways) -> tuple[PolicyText | None, bool]:
    host = f"mta-sts.{domain}"
    addresses = names.addresses(host)
    if not addresses.values:
        return None, not addresses.trouble
    answer = fetch_policy(host, addresses, ways)
    if isinstance(answer, web.Trouble):
        return None, False
    if answer.status != 200:
        return None, answer.status in {404, 410}
    policy, _ = read_served(host, answer)
    return policy, policy is not None
