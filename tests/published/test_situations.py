"""What the standards say must, may and must not be, each on real servers, with the section: the right finding, and no other."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import re
import socketserver
import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import NamedTuple

import dns.flags
import dns.message
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pipeline.published.check import check_domain
from pipeline.published.look_settings import Ways
from pipeline.published.published_now import look_at_published
from pipeline.published.records import ReportAddresses
from pipeline.published.time_limit import LookDeadline
from pipeline.published.tlsa import associated
from tests.authority import Authority
from tests.published.servers import MailServer, Page, context_of, mail, names, web

(
    GOOD,
    SELF,
    EXPIRED,
    OTHER,
    BLOCKED,
    BUSY,
    EHLO,
    TEMPORARY,
    HANGS,
    CUT,
    REFUSES,
    LINES,
    LOWER,
    CHAIN,
    CHAIN_OTHER,
    NOBODY,
    SOON,
    CHAIN_EXPIRED,
) = (f"127.0.4.{n}" for n in range(1, 19))
SIX = "::1"
"""An IPv6 address; the machine of these tests has no such network."""
POLICY = "version: STSv1\nmode: enforce\nmx: mx.{d}\nmax_age: 1209600\n"
RUA = '"v=TLSRPTv1; rua=mailto:tls@good.example"'
NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
NOTHING_PUBLISHED = ("tlsrpt-record-missing", "!sts-record-missing")


class Is(NamedTuple):
    """One domain, healthy but for what is said, the section it is about, and the findings that are not ok."""

    section: str
    expected: tuple[str, ...] = ()
    """`code` of a bad finding, `?code` unknown, `!code` a warning."""
    policy: str | bytes | Page | None = POLICY
    tlsrpt: tuple[str, ...] = (RUA,)
    sts: tuple[str, ...] = ('"v=STSv1; id=1;"',)
    host: tuple[str, ...] = ("127.0.0.1",)
    mx: tuple[str, ...] = ("mx.{d}.",)
    address: str = GOOD
    tlsa: tuple[str, ...] = ()
    """`%digest of GOOD` and others are filled in."""
    more: str = ""
    names_host: str = "mta-sts.{d}"
    says: str = ""
    """Part of a finding's words."""


def bare(section: str, *expected: str, **how) -> Is:
    """A domain without MTA-STS."""
    return Is(section, ("!sts-record-missing", *expected), policy=None, sts=(), host=(), **how)


def lines(*more: str, mode: str = "enforce", mx: str = "mx: mx.{d}") -> str:
    return "\n".join(("version: STSv1", f"mode: {mode}", *((mx,) if mx else ()), "max_age: 1209600", *more, ""))


SITUATIONS = {
    # The policy file
    "crlf": Is("RFC 8461 §3.2", policy=POLICY.replace("\n", "\r\n")),
    "unknown-key": Is("RFC 8461 §3.2", policy=lines("x-later: 1")),
    "mode-twice": Is("RFC 8461 §3.2", ("policy-key-twice",), policy=lines("mode: testing")),
    "age-too-long": Is("RFC 8461 §3.2", ("policy-max-age-invalid",), policy=POLICY.replace("1209600", "31557601")),
    "age-longest": Is("RFC 8461 §3.2", policy=POLICY.replace("1209600", "31557600")),
    "no-version": Is("RFC 8461 §3.2", ("policy-version-missing",), policy=POLICY.replace("version: STSv1\n", "")),
    "version-2": Is("RFC 8461 §3.2", ("policy-version-invalid",), policy=POLICY.replace("STSv1", "STSv2")),
    "none-without-mx": Is("RFC 8461 §3.2", policy=lines(mode="none", mx="")),
    "bom": Is("RFC 8461 §3.2", ("policy-bom",), policy=b"\xef\xbb\xbf" + POLICY.format(d="bom.example").encode()),
    "page": Is("RFC 8461 §3.2", ("policy-html",), policy=Page(b"<!DOCTYPE html>\n<html>\n" + b"<p>x</p>\n" * 400, media_type="text/html")),
    "zipped": Is("RFC 9110 §8.4", ("policy-encoded",), policy=gzip.compress(POLICY.encode(), mtime=0), says="gzip"),
    "encoded": Is("RFC 9110 §8.4", ("policy-encoded",), policy=Page(b"\x0b\x02\x80", encoding="br"), says="br"),
    "cr": Is("RFC 8461 §3.2", ("policy-line-ends",), policy=POLICY.replace("\n", "\r")),
    "utf-16": Is("RFC 8461 §3.2", ("policy-not-text",), policy=POLICY.encode("utf-16")),
    "empty": Is("RFC 8461 §3.2", ("policy-empty",), policy="\n"),
    "json": Is("RFC 8461 §3.2", ("policy-json",), policy='{"version": "STSv1"}'),
    "ipv4": Is("RFC 8461 §3.2", ("policy-mx-invalid",), policy=lines("mx: 192.0.2.7"), says="an address matches no host"),
    "ipv6": Is("RFC 8461 §3.2", ("policy-mx-invalid",), policy=lines("mx: [2001:db8::1]"), says="an address matches no host"),
    "numeric": Is("RFC 8461 §3.2", ("policy-mx-invalid",), policy=lines("mx: mail.123")),
    "u-label": Is("RFC 8461 §3.2", ("policy-mx-invalid",), policy=lines("mx: m\u00fcx.example"), says="mx: xn--mx-xka.example"),
    "star-inside": Is("RFC 8461 §3.2", ("policy-mx-invalid",), policy=lines("mx: m*.example")),
    "final-dot": Is("RFC 8461 §3.2", ("policy-mx-invalid",), policy=POLICY.replace("mx.{d}", "mx.{d}."), says="mx: mx.final-dot.example"),
    "comma": Is(
        "RFC 8461 §3.2",
        ("policy-mx-invalid", "mx-not-in-policy"),
        policy=lines(mx="mx: mx.{d}, b.{d}"),
        says="mx: mx.comma.example; mx: b.comma.example",
    ),
    "preference": Is("RFC 8461 §3.2", ("policy-mx-invalid",), policy=lines("mx: 10 b.{d}"), says="mx: b.preference.example"),
    "star-alone": Is("RFC 8461 §3.2", ("policy-mx-invalid",), policy=lines("mx: *")),
    "mode-upper-case": Is("RFC 8461 §3.2", ("policy-mode-invalid",), policy=POLICY.replace("enforce", "Enforce")),
    "key-upper-case": Is(
        "RFC 8461 §3.2", ("policy-key-misspelt", "policy-mode-missing"), policy=POLICY.replace("mode:", "Mode:"), says="did you mean mode?"
    ),
    "space-before-colon": Is("RFC 8461 §3.2", ("policy-line-invalid", "!mx-pattern-unused"), policy=lines("mx : b.{d}")),
    "one-line": Is("RFC 8461 §3.2", ("policy-one-line",), policy=POLICY.replace("\n", "; ")),
    "backslash-n": Is("RFC 8461 §3.2", ("policy-one-line",), policy=POLICY.replace("\n", r"\n"), says="instead of line ends"),
    "record-as-policy": Is("RFC 8461 §3.2", ("policy-is-record",), policy="v=STSv1; id=1;\n"),
    "mx-six-alone": Is("RFC 5321 §5.1", ("?mx-not-checked",), address="", more="mx.{d}. 60 IN AAAA ::1\n"),
    "mx-six-beside": Is("RFC 5321 §5.1", ("?mx-address-not-checked",), more="mx.{d}. 60 IN AAAA ::1\n"),
    "zstd": Is("RFC 9110 §8.4", ("policy-encoded",), policy=b"\x28\xb5\x2f\xfd\x04\x00", says="zstd"),
    "page-not-found": Is("RFC 8461 §3.3", ("policy-status",), policy=Page(b"<html>gone</html>", 410, "text/html")),
    "media-type-missing": Is(
        "RFC 8461 §3.2", ("!policy-media-type",), policy=Page(lines().replace("{d}", "media-type-missing.example").encode(), media_type="")
    ),
    "many-lines": Is("RFC 8461 §3.2", ("policy-line-invalid",) * 9 + ("policy-more-findings",), policy=lines(*("?",) * 500)),
    "upper-case": Is("RFC 8461 §4.1", policy=lines(mx="mx: MX.{d}"), mx=("Mx.{d}.",)),
    "no-content": Is("RFC 8461 §3.3", ("policy-status",), policy=Page(b"", 204)),
    "wildcard-certificate": Is("RFC 8461 §3.3", names_host="*.{d}"),
    "host-other-name": Is(
        "RFC 8461 §3.3", ("policy-host-certificate",), names_host="mta-sts.provider.example", says="names mta-sts.host-other"
    ),
    "host-six-alone": Is("RFC 8461 §3.3", ("?policy-host-not-checked",), host=(SIX,), says="this machine has no IPv6"),
    "host-six-beside": Is("RFC 8461 §3.3", ("?policy-host-not-checked",), host=("127.0.0.1", SIX), says=SIX),
    "host-two-of-one-name": Is("RFC 8461 §3.3", ("policy-host-address-dead",), host=(NOBODY, "127.0.0.1"), says="another address serves"),
    "host-alias": Is("RFC 8461 §8.2", host=(), more="mta-sts.{d}. 60 IN CNAME mta-sts.crlf.example.\n"),
    "host-alias-of-nothing": Is("RFC 8461 §3.3", ("policy-host-missing",), host=(), more="mta-sts.{d}. 60 IN CNAME nobody.good.example.\n"),
    "dead-beside-good": Is("RFC 8461 §3.3", ("policy-host-address-dead",), host=("127.0.0.1", NOBODY), says=NOBODY),
    # Wildcards in the zone
    "star-text": Is(
        "RFC 8461 §3.1",
        NOTHING_PUBLISHED,
        policy=None,
        sts=(),
        host=(),
        tlsrpt=(),
        more='*.{d}. 60 IN TXT "v=spf1 -all"\n',
        says="its one TXT record does not begin with",
    ),
    "star-address": bare("RFC 8461 §3.1", more="*.{d}. 60 IN A 127.0.0.1\n", says="first serve a policy"),
    "star-address-alone": Is("RFC 8461 §3.3", ("policy-status",), policy=None, host=(), more="*.{d}. 60 IN A 127.0.0.1\n"),
    "star-alias": Is(
        "RFC 8461 §3.1",
        NOTHING_PUBLISHED,
        policy=None,
        sts=(),
        host=(),
        tlsrpt=(),
        more='*.{d}. 60 IN CNAME {d}.\n{d}. 60 IN TXT "v=spf1 -all"\n',
        says="its one TXT record",
    ),
    "star-record": Is("RFC 8461 §3.1", sts=(), more='*.{d}. 60 IN TXT "v=STSv1; id=1;"\n'),
    "star-policy-served": Is(
        "RFC 8461 §3.1", ("!sts-record-missing",), sts=(), host=(), more="*.{d}. 60 IN A 127.0.0.1\n", says='TXT "v=STSv1'
    ),
    # The records
    "others": Is("RFC 8461 §3.1", sts=('"v=spf1 -all"', '"v=STSv1; id=1;"')),
    "long-id": Is("RFC 8461 §3.1", ("sts-id-invalid",), sts=(f'"v=STSv1; id={"a" * 33};"',)),
    "no-delimiter": Is("RFC 8461 §3.1", sts=('"v=STSv1; id=1"',)),
    "quoted-twice": Is("RFC 8461 §3.1", ("sts-version-invalid",), sts=(r'"\"v=STSv1; id=1;\""',), says="quotation marks"),
    "alias": Is(
        "RFC 8461 §8.2",
        ("policy-status",),
        policy=Page(b"", 404),
        sts=(),
        more="_mta-sts.{d}. 60 IN CNAME _mta-sts.crlf.example.\n",
        says="alias",
    ),
    "sts-misplaced": Is(
        "RFC 8461 §3.1", ("sts-record-misplaced",), sts=(), more='mta-sts.{d}. 60 IN TXT "v=STSv1; id=1;"\n', says="mta-sts.sts-misplaced"
    ),
    "sts-misplaced-first": Is(
        "RFC 8461 §8.1",
        ("sts-record-misplaced",),
        policy=None,
        sts=(),
        host=(),
        more='_sts.{d}. 60 IN TXT "v=STSv1; id=1;"\n',
        says="first serve a policy",
    ),
    "policy-first": bare("RFC 8461 §8.1", says="first serve a policy"),
    "tlsrpt-misplaced": Is("RFC 8460 §3", ("tlsrpt-record-misplaced",), tlsrpt=(), more=f"_tlsrpt.{{d}}. 60 IN TXT {RUA}\n"),
    "two-records": Is("RFC 8460 §3", ("tlsrpt-record-several",), tlsrpt=(RUA, RUA.replace("tls@", "b@"))),
    "rua-twice": Is(
        "RFC 8460 §3", ("!tlsrpt-rua-repeated",), tlsrpt=('"v=TLSRPTv1; rua=mailto:tls@good.example; rua=mailto:b@good.example"',)
    ),
    "rua-upper-case": Is("RFC 8460 §3", ("tlsrpt-rua-missing",), tlsrpt=(RUA.replace("rua", "RUA"),), says="lower case"),
    "rua-size": Is("RFC 8460 §3", ("tlsrpt-rua-invalid",), tlsrpt=('"v=TLSRPTv1; rua=mailto:tls@good.example!10m"',)),
    "not-first": Is("RFC 8460 §3", ("!tlsrpt-rua-not-first",), tlsrpt=('"v=TLSRPTv1; rua=https://r.example/x,mailto:tls@good.example"',)),
    "not-ours": Is("RFC 8460 §3", ("!tlsrpt-rua-not-ours",), tlsrpt=('"v=TLSRPTv1; rua=mailto:a@crlf.example"',)),
    "rua-extension": Is("RFC 8460 §3", tlsrpt=('"v=TLSRPTv1; rua=mailto:tls@good.example; x=1"',)),
    # MX
    "implicit": Is("RFC 5321 §5.1", ("!mx-missing",), policy=lines(mx="mx: {d}"), mx=(), more="{d}. 60 IN A " + GOOD + "\n"),
    "implicit-uncovered": Is(
        "RFC 5321 §5.1", ("!mx-missing", "mx-not-in-policy", "!mx-pattern-unused"), mx=(), more="{d}. 60 IN A " + GOOD + "\n"
    ),
    "implicit-no-starttls": Is(
        "RFC 5321 §5.1", ("!mx-missing", "certificate-name"), policy=lines(mx="mx: {d}"), mx=(), more="{d}. 60 IN A " + OTHER + "\n"
    ),
    "null": Is("RFC 7505 §3", policy=lines(mode="none", mx=""), mx=(".",)),
    "null-beside": Is("RFC 7505 §3", ("mx-null-beside-others",), mx=(".", "mx.{d}.")),
    "mx-alias": Is(
        "RFC 5321 §5.1", ("!mx-is-alias",), policy=lines(mx="mx: mx.{d}"), address="", more="mx.{d}. 60 IN CNAME mx.crlf.example.\n"
    ),
    "mx-address": Is("RFC 5321 §5.1", ("mx-is-address",), mx=("mx.{d}.", "192.0.2.7."), address=GOOD, says="names an address"),
    # Mail servers
    "blocked": Is("RFC 5321 §3.1", ("?mx-refuses-prober",), address=BLOCKED, says="554 5.7.1"),
    "busy": Is("RFC 5321 §3.8", ("?mx-refuses-prober",), address=BUSY, says="421"),
    "ehlo-refused": Is("RFC 5321 §4.1.4", ("?mx-refuses-prober",), address=EHLO, says="helo"),
    "temporary": Is("RFC 3207 §4", ("?starttls-temporary",), address=TEMPORARY, says="454"),
    "hangs-up": Is("RFC 5321 §3.8", ("?mx-unreachable",), address=HANGS),
    "cut": Is("RFC 5321 §3.8", ("?mx-unreachable",), address=CUT),
    "refuses-starttls": Is("RFC 8461 §4.2", ("starttls-missing",), address=REFUSES, says="502"),
    "greeting-lines": Is("RFC 5321 §4.2.1", address=LINES),
    "lower-keyword": Is("RFC 5321 §2.4", address=LOWER),
    # DANE
    "ee-self-signed": bare("RFC 7672 §3.1.1", address=SELF, tlsa=("3 1 1 %self",)),
    "ee-expired": bare("RFC 7672 §3.1.1", address=EXPIRED, tlsa=("3 1 1 %expired",)),
    "ee-other-name": bare("RFC 7672 §3.1.1", address=OTHER, tlsa=("3 1 1 %other",)),
    "ee-certificate": bare("RFC 6698 §2.1.2", tlsa=("3 0 1 %good",)),
    "ee-sha-512": bare("RFC 6698 §2.1.3", tlsa=("3 1 2 %good",)),
    "ee-whole-key": bare("RFC 6698 §2.1.3", tlsa=("3 1 0 %good",)),
    "ee-and-sts": Is("RFC 8461 §2", ("certificate-untrusted",), address=SELF, tlsa=("3 1 1 %self",)),
    "no-dane-no-sts": bare("RFC 8461 §4.2", "!certificate-untrusted", address=SELF),
    "one-of-two-matches": bare("RFC 7671 §8.1", tlsa=("3 1 1 %good", "3 1 1 " + "ab" * 32)),
    "none-matches": bare("RFC 7672 §2.2", "tlsa-mismatch", tlsa=("3 1 1 " + "ab" * 32,)),
    "ta-sent": bare("RFC 7672 §3.1.2", address=CHAIN, tlsa=("2 1 1 %root",)),
    "ta-not-sent": bare("RFC 7672 §3.1.2", "tlsa-mismatch", tlsa=("2 1 1 %root",), says="the server does not send"),
    "ta-other-name": bare("RFC 7672 §3.2.2", "tlsa-mismatch", address=CHAIN_OTHER, tlsa=("2 1 1 %root",), says="names neither"),
    "pkix-alone": bare("RFC 7672 §3.1.3", "!certificate-untrusted", "tlsa-unusable", address=SELF, tlsa=("1 1 1 %self",)),
    "pkix-beside": bare("RFC 7672 §3.1.3", "!tlsa-record-invalid", tlsa=("1 1 1 %good", "3 1 1 %good")),
    "of-nothing": bare("RFC 6698 §2.1.3", "tlsa-unusable", tlsa=(f"3 1 1 {NOTHING}",), says="the digest of empty input"),
    "of-a-file": bare("RFC 6698 §2.1.3", "tlsa-mismatch", tlsa=("3 1 1 %pem",), says="PEM file"),
    "of-the-certificate": bare("RFC 6698 §2.1.2", "tlsa-mismatch", tlsa=("3 1 1 %certificate",), says="whole certificate"),
    "of-the-issuer": bare("RFC 6698 §2.1.1", "tlsa-mismatch", address=CHAIN, tlsa=("3 1 1 %root",), says="digest of the issuer"),
    "tlsa-alias": bare("RFC 7671 §7", more="_{port}._tcp.mx.{d}. 60 IN CNAME _tlsa.{d}.\n_tlsa.{d}. 60 IN TLSA 3 1 1 %good\n"),
    "mx-alias-dane": bare(
        "RFC 7672 §2.2.2",
        "!mx-is-alias",
        address="",
        more="mx.{d}. 60 IN CNAME real.{d}.\nreal.{d}. 60 IN A 127.0.4.1\n_{port}._tcp.real.{d}. 60 IN TLSA 3 1 1 %good\n",
        tlsa=("3 1 1 " + "ab" * 32,),
    ),
    "mx-alias-dane-wrong": bare(
        "RFC 7672 §2.2.2",
        "!mx-is-alias",
        "tlsa-mismatch",
        address="",
        more="mx.{d}. 60 IN CNAME real.{d}.\nreal.{d}. 60 IN A 127.0.4.1\n_{port}._tcp.real.{d}. 60 IN TLSA 3 1 1 %other\n",
        tlsa=("3 1 1 %good",),
        says="_tcp.real.mx-alias-dane-wrong.example",
    ),
    "ta-of-the-leaf": bare("RFC 7671 §5.2", "tlsa-mismatch", address=CHAIN, tlsa=("2 1 1 %good",), says="usage 3 is the one"),
    "ta-expired": bare("RFC 7672 §3.1.2", "tlsa-mismatch", address=CHAIN_EXPIRED, tlsa=("2 1 1 %root",), says="not valid now"),
    "ta-and-ee": bare("RFC 7671 §8.1", address=CHAIN, tlsa=("2 1 1 %root", "3 1 1 " + "ab" * 32)),
    "roll-over-ahead": bare("RFC 7671 §8.1", "!dane-roll-over", address=SOON, tlsa=("3 1 1 %soon",), says="two TTLs later"),
    "roll-over-prepared": bare("RFC 7671 §8.1", address=SOON, tlsa=("3 1 1 %soon", "3 1 1 " + "cd" * 32)),
    "bogus-tlsa": bare("RFC 7672 §2.1.2", "dnssec-broken", tlsa=("3 1 1 %good",)),
}
ISLANDS = {
    "insecure.example.": bare("RFC 7672 §2.2.2", "!tlsa-insecure", tlsa=("3 1 1 " + "ab" * 32,)),
}
ALL = {f"{label}.example": situation for label, situation in SITUATIONS.items()} | {label[:-1]: each for label, each in ISLANDS.items()}


def digests(certificates: dict[str, bytes]) -> dict[str, str]:
    """What the `%words` stand for, by the record's beginning."""
    read = {name: x509.load_pem_x509_certificate(pem) for name, pem in certificates.items()}
    found = {
        f"{selector} {matching} %{name}": f"{selector} {matching} {associated(each, selector, matching)}"
        for name, each in read.items()
        for selector in (0, 1)
        for matching in (0, 1, 2)
    }
    key = read["good"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    found["1 1 %pem"] = f"1 1 {hashlib.sha256(key).hexdigest()}"
    found["1 1 %certificate"] = f"1 1 {associated(read['good'], 0, 1)}"
    return found


def records(name: str, situation: Is, port: int, known: dict[str, str]) -> str:
    found = [f"_smtp._tls.{name}. 60 IN TXT {text}" for text in situation.tlsrpt]
    found += [f"_mta-sts.{name}. 60 IN TXT {text}" for text in situation.sts]
    found += [f"mta-sts.{name}. 60 IN {'AAAA' if ':' in address else 'A'} {address}" for address in situation.host]
    for place, host in enumerate(situation.mx):
        found.append(f"{name}. 60 IN MX {place} {host.format(d=name)}")
        if situation.address and host != ".":
            found.append(f"{host.format(d=name).lower()} 60 IN A {situation.address}")
    for text in situation.tlsa:
        usage, _, rest = text.partition(" ")
        found.append(f"_{port}._tcp.mx.{name}. 60 IN TLSA {usage} {known.get(rest, rest)}")
    more = re.sub(r"(?<=TLSA \d )(\d \d %\w+)", lambda match: known[match[1]], situation.more)
    return "\n".join(found) + "\n" + more.replace("{d}", name).replace("{port}", str(port))


@pytest.fixture(scope="module")
def ways(tmp_path_factory):
    ours, stranger = Authority("Our CA"), Authority("Stranger")
    hosts = [host.format(d=name)[:-1].lower() for name, each in ALL.items() for host in each.mx if host != "."] + list(ALL)
    good, self_signed = ours.issue(*hosts, days=(-10, 80)), stranger.issue(*hosts, days=(-10, 80))
    expired, other = ours.issue(*hosts, days=(-90, -1)), ours.issue("other.example", days=(-10, 80))
    soon = ours.issue(*hosts, days=(-60, 40))

    def chain(pair: tuple[bytes, bytes]):
        return context_of(pair[0] + ours.certificate_pem, pair[1])

    usual = context_of(*good)
    servers = {
        GOOD: MailServer(usual),
        SELF: MailServer(context_of(*self_signed)),
        EXPIRED: MailServer(context_of(*expired)),
        OTHER: MailServer(context_of(*other)),
        BLOCKED: MailServer(usual, b"554 5.7.1 go away\r\n"),
        BUSY: MailServer(usual, b"421 4.7.0 too many connections\r\n"),
        EHLO: MailServer(usual, ehlo=b"550 5.7.1 who are you\r\n"),
        TEMPORARY: MailServer(usual, starttls=b"454 4.7.0 not now\r\n"),
        HANGS: MailServer(usual, b""),
        CUT: MailServer(usual, starttls=b"220 bye\r\n"),
        REFUSES: MailServer(usual, starttls=b"502 5.5.1 no\r\n"),
        LINES: MailServer(usual, b"220-mx\r\n220-says much\r\n220 ESMTP\r\n"),
        LOWER: MailServer(usual, ehlo=b"250-mx\r\n250-starttls\r\n250 size\r\n"),
        CHAIN: MailServer(chain(good)),
        CHAIN_OTHER: MailServer(chain(other)),
        SOON: MailServer(context_of(*soon)),
        CHAIN_EXPIRED: MailServer(chain(expired)),
    }
    known = digests(
        {"good": good[0], "self": self_signed[0], "expired": expired[0], "other": other[0], "soon": soon[0], "root": ours.certificate_pem}
    )
    pages, certificates = {}, {}
    for name, each in ALL.items():
        host = f"mta-sts.{name}"
        certificates[host] = ours.issue(each.names_host.format(d=name), days=(-10, 80))
        policy = each.policy or Page(b"", 404)
        text = policy.replace("{d}", name).encode() if isinstance(policy, str) else policy
        pages[host] = text if isinstance(text, Page) else Page(text)
    ca_file = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca_file.write_bytes(ours.certificate_pem)
    with ExitStack() as held, pytest.MonkeyPatch.context() as patch:
        patch.setattr(LookDeadline, "connect", without_ipv6(errno.ENETUNREACH))
        smtp_port = held.enter_context(mail(servers))
        https_port = held.enter_context(web(pages, certificates))
        signed = "good.example. 60 IN MX 10 mx.good.example.\nmx.good.example. 60 IN A 127.0.4.1\n"
        signed += "".join(records(f"{label}.example", each, smtp_port, known) for label, each in SITUATIONS.items())
        signed += "".join(f"{name} 60 IN NS ns.example.\n" for name in ISLANDS)
        unsigned = {name: records(name[:-1], each, smtp_port, known) for name, each in ISLANDS.items()}
        spoil = f"_{smtp_port}._tcp.mx.bogus-tlsa.example"
        resolver = held.enter_context(names(signed, unsigned, spoil=spoil, spoil_type="TLSA"))
        ours_is = ReportAddresses(("tls@good.example",), ("good.example",))
        yield Ways(resolver=resolver, timeout=4.0, ca_file=str(ca_file), https_port=https_port, smtp_port=smtp_port, ours=ours_is)


def without_ipv6(number: int):
    """`LookDeadline.connect`, of a machine on which a connection by IPv6 ends with this error."""

    def connect(self, address, port):
        if ":" in address:
            raise OSError(number, os.strerror(number))
        return reach(self, address, port)

    reach = LookDeadline.connect
    return connect


MARKS = {"error": "", "warn": "!", "unknown": "?"}


@pytest.mark.parametrize("name", ALL)
def test_each_situation_has_its_finding_and_no_other(ways, name):
    situation = ALL[name]
    checked = check_domain(name, ways, now=datetime.now(UTC))
    trouble = [finding for finding in checked.findings if finding.severity != "ok"]
    assert [MARKS[each.severity] + each.code for each in trouble] == list(situation.expected), (situation.section, trouble)
    if situation.says:
        said = [word for each in trouble for word in (each.what, each.why, each.fix, each.publish, each.where)]
        assert any(situation.says in word for word in said), said


@pytest.mark.parametrize(
    ("label", "code"), [("host-six-alone", "policy-host-unreachable"), ("host-six-beside", "policy-host-address-dead")]
)
def test_an_address_that_refuses_by_ipv6_is_a_fault_and_named(ways, monkeypatch, label, code):
    monkeypatch.setattr(LookDeadline, "connect", without_ipv6(errno.ECONNREFUSED))
    (finding,) = (each for each in check_domain(f"{label}.example", ways, now=datetime.now(UTC)).findings if each.severity != "ok")
    assert (finding.code, finding.severity) == (code, "error")
    assert SIX in finding.where + finding.what


@pytest.mark.parametrize("label", ["zipped", "encoded"])
def test_a_policy_that_no_sender_can_read_is_none_to_a_plan_either(ways, label):
    live = look_at_published(f"{label}.example", ways)
    assert (live.policy, live.policy_known) == (None, False)
    assert look_at_published("crlf.example", ways).policy is not None


def test_there_are_as_many_situations_as_the_standards_deserve():
    assert len(ALL) > 60
    assert all(each.section.startswith("RFC ") for each in ALL.values())


def test_a_domain_in_unicode_is_the_same_as_in_a_labels_and_shown_in_both():
    from pipeline.published.idn import a_label, shown

    assert a_label("b\u00fccher.example") == a_label("B\u00dcCHER.example") == "xn--bcher-kva.example"
    assert a_label("stra\u00dfe.example") == "xn--strae-oqa.example"  # IDNA 2008: not strasse (RFC 5891 §5.4)
    assert shown("xn--bcher-kva.example") == "xn--bcher-kva.example (b\u00fccher.example)"
    assert (shown("plain.example"), a_label("a..b\u00fc")) == ("plain.example", "")


def test_a_name_that_is_not_there_is_one_finding(ways):
    (finding,) = check_domain("nobody.example", ways, now=datetime.now(UTC)).findings
    assert (finding.code, finding.severity) == ("domain-missing", "error")


def test_a_tlsa_record_of_the_wrong_length_is_named_and_not_taken_for_a_name_server_that_fails():
    def answer(query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AD | dns.flags.RA
        name, kind = query.question[0].name, query.question[0].rdtype
        if kind == dns.rdatatype.MX:
            response.answer.append(dns.rrset.from_text(name, 60, "IN", "MX", "10 mx.short.example."))
        elif kind == dns.rdatatype.A and str(name) == "mx.short.example.":
            response.answer.append(dns.rrset.from_text(name, 60, "IN", "A", NOBODY))
        elif kind == dns.rdatatype.TLSA:
            rrset = dns.rrset.RRset(name, dns.rdataclass.IN, kind)
            rrset.add(dns.rdata.GenericRdata(dns.rdataclass.IN, kind, b"\x03\x01\x01\xab\xcd"), 60)
            response.answer.append(rrset)
        return response

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            content, asking = self.request
            asking.sendto(answer(dns.message.from_wire(content)).to_wire(), self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        ways = Ways(resolver=f"127.0.0.1:{server.server_address[1]}", timeout=2.0, smtp_port=9)
        checked = check_domain("short.example", ways, now=datetime.now(UTC))
        server.shutdown()
        thread.join()
    (finding,) = (each for each in checked.findings if each.check == "tlsa")
    assert (finding.code, finding.severity) == ("tlsa-malformed", "error")
    assert "length" in finding.what
