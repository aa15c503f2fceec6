"""DNS look-ups of a check: what a name has, whether the resolver validated it, or that nobody could tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.published.finding import Finding
from pipeline.published.source_ttl import Sources, exchange
from pipeline.published.tlsa import Tlsa
from pipeline.trust.key_lookup import parse_address

if TYPE_CHECKING:
    import dns.resolver


class DnsAnswer(NamedTuple):
    """What the DNS said of one name and type."""

    values: tuple[str, ...] = ()
    """TXT: strings joined without a space (RFC 8460 §3); MX: hosts by preference; addresses as text."""
    secure: bool = False
    """Whether the resolver set the AD bit: it validated the answer with DNSSEC (RFC 4035 §3.2.3)."""
    canonical: str = ""
    """Where CNAMEs led, if they did."""
    trouble: str = ""
    """Why there is no answer: SERVFAIL, timeout; empty where there is one, also where it says that nothing is there."""
    bogus: bool = False
    """Whether the resolver answers when asked not to validate: the name is there, and its DNSSEC is broken."""
    no_name: bool = False
    """Whether there is no such name, and none below it (NXDOMAIN, RFC 8020)."""
    malformed: str = ""
    """Why a record that is there cannot be read; senders cannot read it either."""
    ttl_seconds: int = 0
    """Seconds that the resolver may keep the answer; what is left of them where it had it already, unless `ttl_of_zone`."""
    ttl_of_zone: bool = False
    """Whether the TTL is the one that the authoritative servers give."""


def not_checked(check: str, where: str, answer: DnsAnswer) -> Finding:
    """Return the finding where a look-up gave no answer.

    Args:
        check: As in `Finding.check`; it begins the code of the finding, too.
        where: The name or host that the finding is about.
        answer: With its trouble.
    """
    why = "it could not be checked, which proves nothing"
    fix = "re-sign the zone, or correct its DS record" if answer.bogus else "run the check again; ask the name servers if it persists"
    return Finding(check, f"{check}-not-checked", "unknown", where, answer.trouble, why, fix)


class LookUps:
    """Asks one resolver; may be used from several threads.

    Args:
        resolver: host:port; empty: the system's. DNSSEC is only seen through a resolver that validates.
        timeout: Seconds one look-up may take, all tries together.

    Raises:
        ConfigError: The address is not of the form host:port.
    """

    def __init__(self, resolver: str = "", *, timeout: float = 5.0) -> None:
        address = parse_address(resolver) if resolver else None
        self._timeout = timeout
        self._resolver = _resolver(address)
        self._trusting = _resolver(address, checking=False)
        self._sources = Sources(self._name_servers, lambda host: self.addresses(host).values, timeout)

    def texts(self, name: str) -> DnsAnswer:
        """Return the TXT records of a name; CNAMEs are followed (RFC 8461 §3.1)."""
        return self._ask(name, "TXT", lambda each: b"".join(each.strings).decode("utf-8", "replace"))

    def mail_hosts(self, domain: str) -> DnsAnswer:
        """Return the MX hosts of a domain, the most preferred first, lower-case; `.` for a null MX (RFC 7505)."""
        answer = self._ask(domain, "MX", lambda each: f"{each.preference:05} {_host(each.exchange)}")
        return answer._replace(values=tuple(dict.fromkeys(value.split(" ", 1)[1] for value in sorted(answer.values))))

    def addresses(self, host: str) -> DnsAnswer:
        """Return the IPv4 and IPv6 addresses of a host, both looked up at once; secure if all that there are were validated."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max_workers=2) as threads:
            four, six = threads.map(lambda kind: self._ask(host, kind, lambda each: str(each.address)), ("A", "AAAA"))
        found = [each for each in (four, six) if each.values] or [four, six]
        return DnsAnswer(
            (*four.values, *six.values),
            all(each.secure for each in found),
            four.canonical or six.canonical,
            four.trouble or six.trouble,
            four.bogus or six.bogus,
            ttl_seconds=max(each.ttl_seconds for each in found),
        )

    def tlsa(self, host: str, port: int) -> tuple[list[Tlsa], DnsAnswer]:
        """Return the TLSA records of a host, and the answer they came with: only a secure one counts (RFC 7672 §2.1)."""
        name = f"_{port}._tcp.{host}"
        answer = self._ask(name, "TLSA", lambda each: f"{each.usage} {each.selector} {each.mtype} {each.cert.hex()}")
        return [Tlsa(int(u), int(s), int(m), a) for u, s, m, a in (f"{value} ".split(" ")[:4] for value in answer.values)], answer

    def tlsa_of(self, host: str, addresses: DnsAnswer, port: int) -> tuple[list[Tlsa], DnsAnswer, str]:
        """Return the TLSA records of an MX host, and the name they are below, where that is the one the host is an alias of.

        Those below the name it is an alias of come first (RFC 7672 §2.2.2). The TTL is that of the zone, where that can be asked.

        Args:
            host: The MX host.
            addresses: What `addresses` returned for it: where it is an alias, and whether that was validated.
            port: Of the service: 25, but for tests.
        """
        base = ""
        records, answer = self.tlsa(host, port)
        if addresses.canonical and addresses.secure:
            followed, of_alias = self.tlsa(addresses.canonical, port)
            if followed or of_alias.trouble or of_alias.malformed:
                records, answer, base = followed, of_alias, addresses.canonical
        if records:
            answer = self.with_source_ttl(answer, answer.canonical or f"_{port}._tcp.{base or host}", "TLSA")
        return records, answer, base

    def with_source_ttl(self, answer: DnsAnswer, owner: str, kind: str) -> DnsAnswer:
        """Return an answer with the TTL that the zone gives, where an authoritative server could be asked.

        Args:
            answer: What the resolver gave.
            owner: The name the records are at, behind all aliases.
            kind: The type of the records, such as TLSA.
        """
        ttl = self._sources.ttl_seconds(owner, kind)
        return answer._replace(ttl_seconds=max(ttl, answer.ttl_seconds), ttl_of_zone=ttl > 0)

    def _name_servers(self, zone: str) -> tuple[str, ...]:
        return self._ask(zone, "NS", lambda each: _host(each.target)).values

    def _ask(self, name: str, kind: str, text: Any) -> DnsAnswer:
        import dns.exception
        import dns.flags
        import dns.resolver

        try:
            found = self._resolver.resolve(name, kind, raise_on_no_answer=False, lifetime=self._timeout)
        except dns.resolver.NXDOMAIN as err:
            responses: Any = err.kwargs.get("responses") or {}
            return DnsAnswer(secure=any(bool(response.flags & dns.flags.AD) for response in responses.values()), no_name=True)
        except dns.resolver.NoNameservers:
            return self._failed(name, kind)
        except (dns.exception.DNSException, OSError, ValueError) as err:
            # The library waits on for a better answer where it cannot read the one there is.
            unreadable = self._unreadable(name, kind) if kind == "TLSA" else None
            return unreadable or DnsAnswer(trouble=f"{name} {kind}: {_why(err)}")
        canonical = _host(found.canonical_name)
        followed = canonical if canonical != name.rstrip(".").lower() else ""
        values = tuple(text(each) for each in found.rrset or ())
        ttl = found.rrset.ttl if found.rrset is not None else 0
        return DnsAnswer(values, bool(found.response.flags & dns.flags.AD), followed, ttl_seconds=ttl)

    def _failed(self, name: str, kind: str) -> DnsAnswer:
        """Tell broken DNSSEC from name servers that fail: ask once more, without validation (RFC 4035 §3.2.2)."""
        import dns.exception
        import dns.resolver

        try:
            self._trusting.resolve(name, kind, raise_on_no_answer=False, lifetime=min(self._timeout, 2.0))
        except dns.resolver.NXDOMAIN:
            pass
        except (dns.exception.DNSException, OSError, ValueError):
            return DnsAnswer(
                trouble=f"{name} {kind}: the resolver gives no answer (SERVFAIL: the name's servers fail, or DNSSEC is broken)"
            )
        return DnsAnswer(
            trouble=f"{name} {kind}: there is an answer, and its DNSSEC is broken (without validation the resolver gives it)", bogus=True
        )

    def _unreadable(self, name: str, kind: str) -> DnsAnswer | None:
        """Ask once more and read what can be read: one record that is not well-formed makes the library refuse the whole answer."""
        import dns.exception
        import dns.flags
        import dns.message

        query = dns.message.make_query(name, kind, want_dnssec=True)
        query.flags |= dns.flags.AD
        server, port = str(self._resolver.nameservers[0]), self._resolver.port
        try:
            answer = exchange(query.to_wire(), server, port, min(self._timeout, 0.9))
            response = dns.message.from_wire(answer, continue_on_error=True)
        except (dns.exception.DNSException, OSError, ValueError):
            return None
        if response.id != query.id or not response.errors:
            return None
        why = str(response.errors[0].exception)
        return DnsAnswer(secure=bool(response.flags & dns.flags.AD), malformed=f"a {kind} record of {name} cannot be read: {why}")


def _resolver(address: tuple[str, int] | None, *, checking: bool = True) -> dns.resolver.Resolver:
    import dns.flags
    import dns.resolver

    made = dns.resolver.Resolver(configure=address is None)
    if address is not None:
        made.nameservers, made.port = [address[0]], address[1]
    made.use_edns(0, dns.flags.DO, 1232)
    made.flags = dns.flags.RD | (dns.flags.AD if checking else dns.flags.CD)
    return made


def _host(name: Any) -> str:
    text: str = name.to_text().lower()
    return text.rstrip(".") or "."


def _why(err: Exception) -> str:
    import dns.exception

    return "no answer in time" if isinstance(err, dns.exception.Timeout) else f"{type(err).__name__}"
