"""Commands that show a fault from outside, safe to paste: a name goes in only when it is a host name, an address only when it is one.

Report text never becomes part of a command otherwise; what is not a host name leaves the command out.
"""

from __future__ import annotations

import ipaddress
import re

_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z", re.ASCII)


def is_host(name: str | None) -> bool:
    """Say whether a text is a host name: lower-case letters, digits, hyphens and underscores in labels of at most 63, 253 in all."""
    return name is not None and _HOST.match(name) is not None


def shown(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names that may be shown in a sentence."""
    return tuple(name for name in names if is_host(name))


def is_address(text: str | None) -> bool:
    """Say whether a text is an IPv4 or IPv6 address without a zone."""
    try:
        return text is not None and "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def _target(host: str, node: str | None) -> str:
    if node is None or not is_address(node):
        return host
    return f"[{node}]" if ":" in node else node


def handshake(host: str, node: str | None = None) -> tuple[str, ...]:
    """The TLS handshake of an MX host, with its verdict on chain and name."""
    if not is_host(host):
        return ()
    options = f"-connect {_target(host, node)}:25 -servername {host} -verify_hostname {host}"
    return (f"openssl s_client -starttls smtp {options} -verify_return_error -brief </dev/null",)


def certificate(host: str, node: str | None = None) -> tuple[str, ...]:
    """Subject, names and dates of the certificate an MX host shows."""
    if not is_host(host):
        return ()
    fetch = f"openssl s_client -starttls smtp -connect {_target(host, node)}:25 -servername {host} </dev/null 2>/dev/null"
    return (f"{fetch} | openssl x509 -noout -subject -issuer -dates -ext subjectAltName",)


def chain(host: str, node: str | None = None) -> tuple[str, ...]:
    """Every certificate an MX host sends."""
    if not is_host(host):
        return ()
    return (f"openssl s_client -starttls smtp -connect {_target(host, node)}:25 -servername {host} -showcerts </dev/null",)


def key_digest(host: str) -> tuple[str, ...]:
    """The digest that a TLSA record `3 1 1` must have (RFC 7672 §3.1.1)."""
    if not is_host(host):
        return ()
    fetch = f"openssl s_client -starttls smtp -connect {host}:25 -servername {host} </dev/null 2>/dev/null"
    return (f"{fetch} | openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256",)


def tlsa(host: str) -> tuple[str, ...]:
    """The TLSA records of an MX host, with the flag that says whether DNSSEC validates (ad)."""
    return (f"dig +dnssec TLSA _25._tcp.{host}",) if is_host(host) else ()


def dnssec(host: str) -> tuple[str, ...]:
    """Where the chain of DNSSEC breaks."""
    return (f"delv TLSA _25._tcp.{host}", f"dig +dnssec +multiline DS {_parent(host)}") if is_host(host) else ()


def _parent(host: str) -> str:
    first, _, rest = host.partition(".")
    return rest if "." in rest else f"{first}.{rest}" if rest else first


def mx(domain: str) -> tuple[str, ...]:
    """The MX hosts in the DNS."""
    return (f"dig +short MX {domain}",) if is_host(domain) else ()


def sts_record(domain: str) -> tuple[str, ...]:
    """The TXT record that tells senders of a new policy (RFC 8461 §3.1)."""
    return (f"dig +short TXT _mta-sts.{domain}",) if is_host(domain) else ()


def policy(domain: str) -> tuple[str, ...]:
    """The policy as a sender fetches it: no redirect is followed (RFC 8461 §3.3)."""
    return (f"curl -sS -i --max-redirs 0 --max-time 60 https://mta-sts.{domain}/.well-known/mta-sts.txt",) if is_host(domain) else ()


def policy_host(domain: str) -> tuple[str, ...]:
    """The certificate of the policy host."""
    if not is_host(domain):
        return ()
    name = f"mta-sts.{domain}"
    return (f"openssl s_client -connect {name}:443 -servername {name} -verify_hostname {name} -verify_return_error -brief </dev/null",)
