"""What a domain publishes at this moment, without a look at its mail servers: what a plan and a proposed change begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.published import web
from pipeline.published.dns_lookup import Names
from pipeline.published.mx import NULL_MX
from pipeline.published.policy_text import PolicyText, read_policy
from pipeline.published.records import read_sts

if TYPE_CHECKING:
    from pipeline.published.ways import Ways


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
    """The longest of the MX and TLSA records, as far as the resolver says: less where it had them already."""


def look_at_published(domain: str, ways: Ways) -> Live:
    """Look up the policy, MX hosts and TLSA records of a domain, without connecting to its mail servers.

    A policy that is served counts without its TXT record, too: a sender that holds it may go on fetching it (RFC 8461 §3.3).
    """
    names = Names(ways.resolver, timeout=ways.timeout)
    policy, known = _live_policy(names, domain, ways)
    answer = names.mail_hosts(domain)
    hosts = answer.values
    if not hosts and not answer.trouble and names.addresses(domain).values:
        hosts = (domain,)
    record, _ = read_sts(domain, names.texts(f"_mta-sts.{domain}").values)
    tlsrpt = names.texts(f"_smtp._tls.{domain}")
    tlsa = [(host, *names.tlsa(host, ways.smtp_port)) for host in hosts if host != NULL_MX]
    return Live(
        policy,
        known,
        hosts,
        not answer.trouble,
        tuple(sorted(f"{host} {record}" for host, records, _ in tlsa for record in records)),
        not answer.trouble and not any(found.trouble for _, _, found in tlsa),
        record.id if record is not None else None,
        not tlsrpt.trouble and not any(text.lower().startswith("v=tlsrpt") for text in tlsrpt.values),
        max([answer.ttl_seconds, *(found.ttl_seconds for _, _, found in tlsa)]),
    )


def _live_policy(names: Names, domain: str, ways: Ways) -> tuple[PolicyText | None, bool]:
    host = f"mta-sts.{domain}"
    addresses = names.addresses(host)
    if not addresses.values:
        return None, not addresses.trouble
    answer = web.fetch(host, addresses.values, port=ways.https_port, timeout=ways.timeout, ca_file=ways.ca_file)
    if isinstance(answer, web.Trouble):
        return None, False
    if answer.status != 200:
        return None, answer.status in {404, 410}
    policy, _ = read_policy(host, answer.body)
    return policy, policy is not None
