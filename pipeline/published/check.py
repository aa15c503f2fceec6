"""Checks what one domain publishes: looks everything up, and returns findings and the documents they rest on.

Names are looked up and connections made only for the domain that was asked for, and for the policy host and MX hosts that it
publishes itself; never for a name out of a report. What does not depend on another look is looked at at the same time, each with one
deadline, so that a check takes about as long as its slowest look.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from pipeline.published import dane, smtp, web
from pipeline.published.dns_lookup import Answer, Names
from pipeline.published.finding import Finding
from pipeline.published.history import Published, judge_change
from pipeline.published.mx import NULL_MX, is_address, judge_mx
from pipeline.published.policy_text import PolicyText, encoded, read_policy
from pipeline.published.records import NEAR_STS, NEAR_TLSRPT, Ours, TlsrptRecord, judge_near_miss, read_sts, read_tlsrpt
from pipeline.published.servers import Asks, judge_fetch, judge_media_type, judge_server
from pipeline.published.tlsa import DANE_TA

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cryptography.x509 import Certificate

    from pipeline.published.tlsa import Tlsa

MOST_HOSTS = 20
"""MX hosts of one domain that are looked at; a sender would not try more."""
MOST_ADDRESSES = 8
"""Addresses of one host that are looked at."""


class Looks:
    """The mail servers looked at in one run: each address once, also where many domains have the same MX hosts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str], Future[smtp.Server]] = {}

    def at(self, host: str, address: str, look: Callable[[], smtp.Server]) -> smtp.Server:
        """Return what an address shows, by looking, or by waiting for the thread that looks."""
        with self._lock:
            known = self._found.get((host, address))
            future = known or self._found.setdefault((host, address), Future())
        if known is None:
            try:
                future.set_result(look())
            except BaseException as err:
                future.set_exception(err)
                raise
        return future.result()


class Ways(NamedTuple):
    """How to look: resolver, ports and patience."""

    resolver: str = ""
    timeout: float = 10.0
    ca_file: str = ""
    https_port: int = 443
    smtp_port: int = 25
    helo: str = ""
    ours: Ours | None = None
    looks: Looks | None = None


class Checked(NamedTuple):
    """One domain, checked."""

    domain: str
    at: datetime
    findings: tuple[Finding, ...]
    published: Published


class Sts(NamedTuple):
    """What was found of a domain's MTA-STS."""

    id: str | None
    policy: PolicyText | None
    findings: list[Finding]
    is_absent: bool = False
    """Whether it is sure that there is none: neither a record nor a policy."""


class Host(NamedTuple):
    """What was found of one MX host."""

    name: str
    names: dane.Names
    servers: tuple[smtp.Server, ...]
    """What its addresses show, in their order."""


def check_domain(domain: str, ways: Ways, *, now: datetime, before: Published | None = None) -> Checked:
    """Look up and judge everything a domain publishes about TLS for its mail.

    Args:
        domain: The domain, as a lower-case A-label.
        ways: How to look.
        now: The time, for certificates.
        before: What the last check saw.
    """
    names = Names(ways.resolver, timeout=ways.timeout)
    with ThreadPoolExecutor(max_workers=3) as threads:
        looking_for_record = threads.submit(_tlsrpt, names, domain, ways)
        looking_for_policy = threads.submit(_sts, names, domain, ways)
        mx, implicit, hosts = threads.submit(look_at_mail, names, domain, ways).result()
        record, findings = looking_for_record.result()
        sts = looking_for_policy.result()
    if mx.no_name:
        what, why = "the name does not exist in the DNS", "nothing can be published below a name that does not exist (RFC 8020)"
        finding = Finding("mx", "domain-missing", "bad", domain, what, why, "check that the name is spelled correctly and still registered")
        return Checked(domain, now, (finding,), Published())
    findings += sts.findings
    if mx.trouble:
        findings.append(_unknown("mx", domain, mx))
    else:
        findings += judge_mx(domain, mx.values, sts.policy, implicit=implicit)
    if len(mx.values) > MOST_HOSTS:
        what = f"there are {len(mx.values)} MX hosts; only the first {MOST_HOSTS} were checked"
        findings.append(Finding("mx", "mx-many", "warn", domain, what, "senders try a few of them", "keep those you need"))
    findings += judge_hosts(hosts, domain, sts, ways, now)
    published = Published(
        sts_id=sts.id,
        policy_lines=sts.policy.lines if sts.policy else None,
        tlsrpt_text=record.text if record else None,
        mx_hosts=mx.values or ((domain,) if implicit else ()),
        tlsa=tuple(sorted(f"{host.name} {each}" for host in hosts for each in host.names.records)),
    )
    if before is not None:
        published = _as_last_known(published, before, mx, hosts)
    return Checked(domain, now, (*findings, *judge_change(domain, before, published)), published)


def _as_last_known(now: Published, before: Published, mx: Answer, hosts: Sequence[Host]) -> Published:
    """Return what is published; MX hosts and TLSA records that could not be looked at are those of the last check, no change of them."""
    if mx.trouble:
        return now._replace(mx_hosts=before.mx_hosts, tlsa=before.tlsa)
    unseen = {host.name for host in hosts if host.names.answer.trouble}
    kept = [text for text in before.tlsa if text.partition(" ")[0] in unseen]
    return now._replace(tlsa=tuple(sorted({*now.tlsa, *kept})))


def _unknown(check: str, where: str, answer: Answer) -> Finding:
    why = "it could not be checked, which proves nothing"
    fix = "re-sign the zone, or correct its DS record" if answer.bogus else "run the check again; ask the name servers if it persists"
    return Finding(check, f"{check}-not-checked", "unknown", where, answer.trouble, why, fix)


def _near_miss(names: Names, kind: str, name: str, domain: str) -> Finding | None:
    """Look for a record that is missing at the names where others have put it."""
    places = [place.format(domain) for place in (NEAR_TLSRPT if kind == "tlsrpt" else NEAR_STS)]
    with ThreadPoolExecutor(max_workers=len(places)) as threads:
        answers = list(threads.map(names.texts, places))
    found = (judge_near_miss(kind, name, place, answer.values) for place, answer in zip(places, answers, strict=True))
    return next((finding for finding in found if finding is not None), None)


def _tlsrpt(names: Names, domain: str, ways: Ways) -> tuple[TlsrptRecord | None, list[Finding]]:
    name = f"_smtp._tls.{domain}"
    answer = names.texts(name)
    if answer.trouble:
        return None, [_unknown("tlsrpt-record", name, answer)]
    record, findings = read_tlsrpt(domain, answer.values, ways.ours)
    if any(finding.code == "tlsrpt-record-missing" for finding in findings):
        near = _near_miss(names, "tlsrpt", name, domain)
        findings = [near] if near is not None else findings
    for target in (record.mail_domains if record else ())[:5]:
        mail = names.mail_hosts(target)
        addresses = names.addresses(target) if not mail.trouble and not mail.values else Answer()
        if mail.trouble or addresses.trouble:
            findings.append(_unknown("tlsrpt-record", target, mail if mail.trouble else addresses))
        elif mail.values == (NULL_MX,) or (not mail.values and not addresses.values):
            why = "reports cannot be delivered there (RFC 8460 §3)"
            findings = [each for each in findings if each.severity != "ok"]
            what = f"{target} takes no mail"
            findings.append(Finding("tlsrpt-record", "tlsrpt-rua-unreachable", "bad", name, what, why, "correct the address"))
    return record, findings


def _sts(names: Names, domain: str, ways: Ways) -> Sts:
    """Look for the record and the policy; the policy, too, where there is no record: the advice depends on it."""
    host, name = f"mta-sts.{domain}", f"_mta-sts.{domain}"
    with ThreadPoolExecutor(max_workers=2) as threads:
        looking = threads.submit(names.texts, name)
        addresses = threads.submit(names.addresses, host).result()
        addresses = addresses._replace(values=addresses.values[:MOST_ADDRESSES])
        answer = looking.result()
    policy, of_policy = _policy(host, addresses, ways)
    if answer.trouble:
        unknown = [_unknown("sts-record", name, answer)]
        return Sts(None, policy, unknown + (of_policy if addresses.values else []))
    record, findings = read_sts(domain, answer.values)
    if record is None and all(finding.code == "sts-record-missing" for finding in findings):
        near = _near_miss(names, "sts", name, domain)
        if near is not None:
            findings = [near]
        elif policy is None:
            findings = [_first_the_policy(domain, finding) for finding in findings]
        return Sts(None, policy, findings, is_absent=policy is None and not addresses.trouble and near is None)
    if answer.canonical:
        of_policy = [_of_alias(finding, domain, answer.canonical) for finding in of_policy]
    return Sts(record.id if record else None, policy, [*findings, *of_policy])


def _first_the_policy(domain: str, finding: Finding) -> Finding:
    """Advise the order that breaks nothing: a record without a policy makes every sender report a failure to fetch it."""
    fix = (
        f"first serve a policy in mode testing at https://mta-sts.{domain}{web.PATH} (`tlsrpt policy render {domain} --mode testing` "
        "writes it), and only when it is served publish the record"
    )
    return finding._replace(fix=fix, publish="")


def _of_alias(finding: Finding, domain: str, target: str) -> Finding:
    if finding.severity != "bad":
        return finding
    fix = (
        f"{finding.fix}; the record is an alias of {target}, which is not enough: senders fetch from mta-sts.{domain}, so that name has to "
        "lead to a host that serves the policy with a certificate of that name (RFC 8461 §8.2)"
    )
    return finding._replace(fix=fix)


def _policy(host: str, addresses: Answer, ways: Ways) -> tuple[PolicyText | None, list[Finding]]:
    url = f"https://{host}{web.PATH}"
    if not addresses.values:
        if addresses.trouble:
            return None, [_unknown("sts-policy", host, addresses)]
        why = "senders cannot fetch the policy (RFC 8461 §3.3)"
        what = "the policy host has no address"
        return None, [Finding("sts-policy", "policy-host-missing", "bad", host, what, why, "publish one", f"{host}. A …")]
    answer = web.fetch(host, addresses.values, port=ways.https_port, timeout=ways.timeout, ca_file=ways.ca_file)
    findings = judge_fetch(url, host, answer)
    if addresses.trouble:
        findings.append(_unknown("sts-policy", host, addresses))
    if isinstance(answer, web.Trouble) or answer.status != 200:
        return None, findings
    if answer.encoding not in {"", "identity"}:
        return None, [*findings, encoded(url, answer.encoding)]
    policy, of_text = read_policy(url, answer.body)
    if policy is not None or not of_text:
        findings += judge_media_type(url, answer.media_type)
    findings += of_text
    if not findings and policy is not None:
        says = f"mode {policy.mode}, max_age {policy.max_age_seconds:,} seconds, {len(policy.mx)} mx patterns"
        findings = [Finding("sts-policy", "policy-ok", "ok", url, says)]
    return policy, findings


def look_at_mail(names: Names, domain: str, ways: Ways, proposed: tuple[str, ...] = ()) -> tuple[Answer, bool, list[Host]]:
    """Look at the MX hosts of a domain, or at the domain itself where it has no MX record (RFC 5321 §5.1).

    Args:
        names: Asks.
        domain: The domain.
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
    with ThreadPoolExecutor(max_workers=64) as lookers, ThreadPoolExecutor(max_workers=2 * len(listed)) as threads:

        def reach(host: str) -> tuple[Answer, list[Future[smtp.Server]]]:
            """Look at the servers as soon as their addresses are known, whatever else is not."""
            found = names.addresses(host)
            return found, [lookers.submit(_look, host, address, ways) for address in found.values[:MOST_ADDRESSES]]

        looking = [(host, threads.submit(reach, host), threads.submit(names.tlsa, host, ways.smtp_port)) for host in listed]
        hosts = []
        for host, reaching, asking in looking:
            addresses, servers = reaching.result()
            found = _below(names, asking.result(), addresses, ways.smtp_port)
            hosts.append(Host(host, dane.Names(mx, addresses, *found), tuple(server.result() for server in servers)))
    own = hosts[0].names.addresses
    implicit = not mx.values and bool(own.values or own.trouble)
    return mx, implicit, hosts if mx.values or implicit else []


def _below(names: Names, own: tuple[list[Tlsa], Answer], addresses: Answer, port: int) -> tuple[list[Tlsa], Answer, str]:
    """Return the TLSA records of an MX host: those below the name it is an alias of come first (RFC 7672 §2.2.2)."""
    if addresses.canonical and addresses.secure:
        followed, answer = names.tlsa(addresses.canonical, port)
        if followed or answer.trouble or answer.malformed:
            return followed, answer, addresses.canonical
    return *own, ""


def _look(host: str, address: str, ways: Ways) -> smtp.Server:
    def look() -> smtp.Server:
        return smtp.look(host, address, port=ways.smtp_port, name=ways.helo, timeout=ways.timeout, ca_file=ways.ca_file)

    return look() if ways.looks is None else ways.looks.at(host, address, look)


def judge_hosts(hosts: Sequence[Host], domain: str, sts: Sts, ways: Ways, now: datetime) -> list[Finding]:
    """Judge what was found of MX hosts: addresses, certificates, TLSA records."""
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
        return [Finding("smtp", "mx-is-address", "bad", host.name, what, why, fix)]
    findings = [_no_address(host.name)] if not addresses.values and not addresses.trouble else []
    if addresses.trouble:
        findings.append(_unknown("smtp", host.name, addresses))
    if addresses.canonical:
        why = "an MX record must name a host, not an alias: some servers refuse to follow it (RFC 5321 §5.1)"
        fix = f"let the MX record name {addresses.canonical}, once policy and certificate name that"
        findings.append(Finding("smtp", "mx-is-alias", "warn", host.name, f"it is an alias of {addresses.canonical}", why, fix))
    asks = _asks(sts, host.names)
    for address, server in zip(addresses.values, host.servers, strict=False):
        findings += judge_server(host.name, address, server, now=now, port=ways.smtp_port, asks=asks)
    return findings + dane.judge_tlsa(host.name, domain, host.names, host.servers, now=now, port=ways.smtp_port, trusted=trusted)


def _asks(sts: Sts, names: dane.Names) -> Asks:
    """Say who asks for the certificate; a policy that could not be read may be held by senders and counts as one."""
    if (sts.policy is not None and sts.policy.mode == "none") or sts.is_absent:
        return "dane" if names.applies else "nothing"
    return "policy"


def _no_address(host: str) -> Finding:
    why = "mail cannot be delivered to it"
    fix = "publish one, or remove the MX record"
    return Finding("smtp", "mx-without-address", "bad", host, "the MX host has no address", why, fix)


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
