"""The TLSA records of an MX host, held against what its addresses serve (RFC 7672), and a roll-over that will break them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pipeline.insight.phrases import count_of
from pipeline.published.finding import Finding
from pipeline.published.tlsa import DANE_EE, DANE_TA, Tlsa, associated, is_of, matches, mistake_of, names_one_of, record_fault, record_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.x509 import Certificate

    from pipeline.published.dns_lookup import DnsAnswer
    from pipeline.published.smtp import Server

ROLL_DAYS = 45
"""Days before a certificate ends on which its renewal is near: usual clients renew when a third of the lifetime is left, and the new TLSA
record comes before that."""
_REFUSED = "senders that support DANE deliver nothing to it (RFC 7672 §2.2)"
_LEAST_TTL = 3_600


class HostNames(NamedTuple):
    """What the DNS says of one MX host."""

    mx: DnsAnswer
    """The MX records that name it."""
    addresses: DnsAnswer
    records: Sequence[Tlsa]
    answer: DnsAnswer
    """That came with the records."""
    base: str = ""
    """The name they are below, where that is the one the host is an alias of."""

    def owner(self, host: str, port: int) -> str:
        """Return the name that the records are at: an alias has no records of its own."""
        return self.answer.canonical or f"_{port}._tcp.{self.base or host}"

    @property
    def applies(self) -> bool:
        """Whether senders that know DANE authenticate this host by it: address and TLSA records validated, and one usable."""
        return self.addresses.secure and self.answer.secure and any(record.usable and not record_fault(record) for record in self.records)


class _Judged(NamedTuple):
    """One MX host, and what its records are held against."""

    where: str
    host: str
    """The name that its records are below."""
    domain: str
    names: HostNames
    now: datetime
    port: int
    trusted: Sequence[Certificate]


def judge_tlsa(
    host: str,
    domain: str,
    names: HostNames,
    servers: Sequence[Server],
    *,
    now: datetime,
    port: int,
    trusted: Sequence[Certificate],
) -> list[Finding]:
    """Hold the TLSA records of an MX host against the certificates its addresses serve.

    Args:
        host: The MX host.
        domain: Whose mail it takes: a certificate under DANE-TA may name either (RFC 7672 §3.2.2).
        names: What the DNS says of it; without records the host has no DANE, which is not a fault.
        servers: What its addresses show.
        now: The time, for the certificates of a chain under DANE-TA.
        port: Of the service, for the record to publish.
        trusted: Root certificates at hand, to name one that is not sent.
    """
    base = names.base or host
    where = f"_{port}._tcp.{base}"
    if names.answer.malformed:
        why = "senders cannot read it either; some then hold back mail to this host (RFC 7672 §2.1.2)"
        fix = "replace it; a digest of type 1 has 64 hex digits, of type 2 128 (RFC 6698 §2.1.3)"
        return [Finding("tlsa", "tlsa-malformed", "error", where, names.answer.malformed, why, fix)]
    if names.answer.trouble or not names.records:
        return _of_trouble(where, names) if names.answer.trouble else []
    if not names.addresses.secure or not names.answer.secure:
        what = "the address of the host is" if not names.addresses.secure else "the records are"
        why = "senders ask for no TLSA records unless address and records are in signed zones (RFC 7672 §2.2.2, §2.1)"
        fix = "sign the zone, or ask a validating resolver (`resolver` in [check])"
        return [Finding("tlsa", "tlsa-insecure", "warn", where, f"{what} not validated by DNSSEC", why, fix)]
    return _of_records(_Judged(where, base, domain, names, now, port, trusted), servers)


def _of_records(judged: _Judged, servers: Sequence[Server]) -> list[Finding]:
    where, names = judged.where, judged.names
    usable = [record for record in names.records if not record_fault(record)]
    if not usable:
        why = "senders that support DANE encrypt without authenticating, or look at MTA-STS (RFC 7672 §2.2)"
        fix = "publish a record 3 1 1 of the key that is served"
        what = f"none of the records can be used for SMTP: {record_fault(names.records[0])}"
        return [Finding("tlsa", "tlsa-unusable", "error", where, what, why, fix)]
    found = _faults(where, names)
    if not names.mx.secure:
        why = "an attacker who changes the answer redirects mail; many senders skip DANE then (RFC 7672 §2.2.1)"
        found.append(Finding("tlsa", "tlsa-mx-insecure", "warn", where, "the MX records are not validated by DNSSEC", why, "sign the zone"))
    shown = [server.chain for server in servers if server.chain]
    if not shown:
        why = "nothing to match with"
        return [
            *found,
            Finding("tlsa", "tlsa-not-held", "unknown", where, "no address showed a certificate", why, "run the check again"),
        ]
    failing = [chain for chain in shown if not any(_holds(record, chain, judged) for record in usable)]
    if failing:
        return [*found, _mismatch(judged, usable, failing, len(shown))]
    found += _roll_over(judged, usable, shown)
    if not found:
        found.append(
            Finding("tlsa", "tlsa-ok", "ok", where, f"{count_of(len(usable), 'validated record')}, and one matches all that is served")
        )
    return found


def _of_trouble(where: str, names: HostNames) -> list[Finding]:
    """A failing look-up stops mail only where the address is signed: elsewhere nobody asks (RFC 7672 §2.2.2)."""
    if names.addresses.values and not names.addresses.secure:
        return []
    why = "if senders that support DANE see the same, they hold back mail to this host (RFC 7672 §2.1.2)"
    fix = "ask the name servers of the zone; some firewalls drop record types they do not know, TLSA included"
    if names.answer.bogus:
        return [Finding("tlsa", "dnssec-broken", "error", where, names.answer.trouble, why, "re-sign the zone, or correct its DS record")]
    return [Finding("tlsa", "tlsa-not-checked", "unknown", where, names.answer.trouble, why, fix)]


def _faults(where: str, names: HostNames) -> list[Finding]:
    """Records that cannot be right, whatever is served."""
    found = []
    for record in names.records:
        if fault := record_fault(record):
            why = "senders skip a record that they cannot use (RFC 7672 §2.2, §3.1.3)"
            what = f"the record {str(record)[:40]} cannot be right: {fault}"
            found.append(Finding("tlsa", "tlsa-record-invalid", "warn", where, what, why, "replace it by a record 3 1 1"))
    return found[:10]


def _holds(record: Tlsa, chain: Sequence[Certificate], judged: _Judged) -> bool:
    return matches(record, chain) and not (record.usage == DANE_TA and _fault_of_chain(record, chain, judged))


def _fault_of_chain(record: Tlsa, chain: Sequence[Certificate], judged: _Judged) -> str:
    """Return what is wrong with a chain up to the certificate that a DANE-TA record names (RFC 7672 §3.1.2); empty: nothing."""
    from cryptography.exceptions import InvalidSignature

    place = next(place for place, each in enumerate(chain) if place and is_of(record, each))
    if not names_one_of(chain[0], {judged.host, judged.domain}):
        return f"the certificate names neither {judged.host} nor {judged.domain}"
    for number, certificate in enumerate(chain[: place + 1]):
        if not certificate.not_valid_before_utc <= judged.now.astimezone(UTC) < certificate.not_valid_after_utc:
            which = "the certificate" if number == 0 else "a certificate of the chain"
            return f"{which} is not valid now (it expires on {certificate.not_valid_after_utc:%Y-%m-%d})"
        if number < place:
            try:
                certificate.verify_directly_issued_by(chain[number + 1])
            except (ValueError, TypeError, InvalidSignature):
                return "the chain is not complete or not in order up to the certificate of the record"
    return ""


def _mismatch(judged: _Judged, usable: Sequence[Tlsa], failing: Sequence[Sequence[Certificate]], shown: int) -> Finding:
    host, owner = judged.host, judged.names.owner(judged.host, judged.port)
    chain = failing[0]
    what = f"no record matches the certificate that {len(failing)} of {shown} addresses serve"
    fix = "publish the new record beside the old one, and remove that only after its TTL and the old certificate are gone"
    publish = record_for(chain[0], owner)
    anchors = [record for record in usable if record.usage == DANE_TA]
    if mistake := next((said for record in usable if (said := mistake_of(record, chain))), ""):
        what += f": {mistake}"
        fix = "publish the record of the key instead"
    elif anchors and any(matches(record, chain) for record in anchors):
        fault = next(said for record in anchors if matches(record, chain) and (said := _fault_of_chain(record, chain, judged)))
        what = f"under usage 2 {fault}"
        fix = f"serve a valid certificate for {host} with its chain up to the one that the record names (RFC 7672 §3.1.2)"
        publish = ""
    elif anchors:
        root = next((each for each in judged.trusted for record in anchors if is_of(record, each)), None)
        named = f"the root {root.subject.rfc4514_string()[:80]}" if root is not None else "a CA"
        what += (
            f": usage 2 names {named}, whose certificate the server does not send"
            if root is not None
            else f": usage 2 names {named} that is not in the chain sent"
        )
        fix = "send it in the chain, also where it is a root, or publish the digest of the issuer that is sent (RFC 7672 §3.1.2)"
        if len(chain) > 1:
            publish = f"{owner}. TLSA {DANE_TA} 1 1 {associated(chain[-1], 1, 1)}"
        else:
            fix = "send it in the chain, also where it is a root (RFC 7672 §3.1.2), or publish the record of the server's own key"
    return Finding("tlsa", "tlsa-mismatch", "error", judged.where, what, _REFUSED, fix, publish)


def _roll_over(judged: _Judged, usable: Sequence[Tlsa], shown: Sequence[Sequence[Certificate]]) -> list[Finding]:
    """Warn where a certificate is soon renewed, and every record is of what is served now: a new key or issuer will match none."""
    if any(not any(matches(record, chain) for chain in shown) for record in usable):
        return []  # a record of what is to come is there already
    chain = min(shown, key=lambda each: each[0].not_valid_after_utc)
    records = [record for record in usable if matches(record, chain)]
    ends = chain[0].not_valid_after_utc
    near = min(timedelta(days=ROLL_DAYS), (ends - chain[0].not_valid_before_utc) / 3 + timedelta(days=14))
    if all(record.usage == DANE_TA for record in records):
        ends = min([ends, *(each.not_valid_after_utc for record in records for each in chain if is_of(record, each))])
        what = "is renewed by another issuer, or the issuer changes its key"
    elif all(record.usage == DANE_EE and record.selector == 1 for record in records):
        what = "is renewed with a new key"
    else:
        what = "is renewed"
    if not timedelta() < ends - judged.now <= near or {record.usage for record in records} == {DANE_TA, DANE_EE}:
        return []
    ready = judged.now + timedelta(seconds=2 * max(_LEAST_TTL, judged.names.answer.ttl_seconds))
    says = f"the certificate expires on {ends:%Y-%m-%d}, and every record matches only what is served now: when it {what}, none matches"
    why = "renewal with a new key under one record is how DANE breaks: senders that support it deliver nothing then (RFC 7671 §8.1)"
    fix = (
        f"1. now: make the new key, and publish its record beside the old one; 2. not before {ready:%Y-%m-%d %H:%M} UTC (two TTLs later): "
        "serve the new certificate; 3. then remove the old record. Or keep the key when renewing (certbot: --reuse-key)"
    )
    publish = f"{judged.names.owner(judged.host, judged.port)}. TLSA 3 1 1 DIGEST-OF-THE-NEW-KEY"
    return [Finding("tlsa", "dane-roll-over", "warn", judged.where, says, why, fix, publish, ends)]
