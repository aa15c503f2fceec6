"""What mail servers and policy hosts show, judged (RFC 8461 §3.3 and §4.2, RFC 7672 §3). Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.published.finding import Finding, Severity
from pipeline.published.tlsa import matches, record_for
from pipeline.published.web import Fetched, Trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.x509 import Certificate

    from pipeline.published.smtp import Server
    from pipeline.published.tlsa import Tlsa

EXPIRY_DAYS = (7, 14, 30)
"""A certificate is told of so many days before it ends; bad from the first number on, for renewal has failed by then."""


def days_left(certificate: Certificate, now: datetime) -> int:
    """Return the whole days until a certificate ends; negative where it has."""
    return (certificate.not_valid_after_utc - now.astimezone(UTC)).days


def judge_fetch(url: str, host: str, answer: Fetched | Trouble) -> list[Finding]:
    """Judge how the policy file was served; what it says is another matter (`policy_text`)."""
    cannot = "senders cannot fetch the policy: they apply none, or the one they hold until it ends (RFC 8461 §3.3)"
    if isinstance(answer, Trouble):
        code = {"certificate": "policy-host-certificate", "protocol": "policy-host-tls"}.get(answer.kind, "policy-host-unreachable")
        fix = (
            f"serve it with a certificate that names {host}" if answer.kind == "certificate" else f"let {host} answer on port 443 by HTTPS"
        )
        return [Finding("sts-policy", code, "bad", host, answer.says, cannot, fix)]
    if 300 <= answer.status < 400:
        why = "senders must not follow redirects (RFC 8461 §3.3)"
        return [
            Finding(
                "sts-policy",
                "policy-redirect",
                "bad",
                url,
                f"it redirects to {answer.location!r}",
                why,
                "serve the file at this address itself",
            )
        ]
    if answer.status != 200:
        return [
            Finding("sts-policy", "policy-status", "bad", url, f"the answer is {answer.status}, not 200", cannot, "serve the file there")
        ]
    if answer.media_type != "text/plain":
        why = "senders should refuse a policy that is not text/plain (RFC 8461 §3.2)"
        what = f"the media type is {answer.media_type or 'missing'}"
        return [Finding("sts-policy", "policy-media-type", "warn", url, what, why, "serve it as text/plain", "Content-Type: text/plain")]
    return []


def judge_server(host: str, address: str, server: Server, *, now: datetime, port: int = 25) -> list[Finding]:
    """Judge one address of one MX host; without trouble the only finding is that it is well."""
    where = f"{host} [{address}]"
    if not server.reachable:
        what = f"port {port} cannot be reached: {server.trouble}"
        return [
            Finding("smtp", "mx-unreachable", "unknown", where, what, "from here; many networks block port 25", "try from another network")
        ]
    if not server.starttls:
        why = "under enforce senders deliver nothing to it (RFC 8461 §4.2)"
        return [Finding("smtp", "starttls-missing", "bad", where, server.trouble or "STARTTLS is not offered", why, "switch STARTTLS on")]
    if not server.chain:
        why = "senders ask for TLS 1.2 or newer (RFC 8461 §4.2)"
        return [Finding("smtp", "tls-too-old", "bad", where, server.trouble, why, "allow TLS 1.2 and 1.3, and choose a usual cipher")]
    findings = _judge_certificate(where, host, server, now)
    if not findings:
        left = days_left(server.chain[0], now)
        findings = [
            Finding("smtp", "smtp-ok", "ok", where, f"{server.tls_version}, the certificate verifies and is valid for {left} more days")
        ]
    return findings


def _judge_certificate(where: str, host: str, server: Server, now: datetime) -> list[Finding]:
    left = days_left(server.chain[0], now)
    ends = server.chain[0].not_valid_after_utc
    refused = "under enforce senders deliver nothing to it (RFC 8461 §4.2)"
    if ends <= now:
        what = f"the certificate expired on {ends:%Y-%m-%d}"
        return [Finding("smtp", "certificate-expired", "bad", where, what, refused, "renew it, and make the server load it")]
    if not server.verifies and server.verify_says:
        named = "mismatch" in server.verify_says.lower()
        code, fix = (
            ("certificate-name", f"get a certificate whose names hold {host}")
            if named
            else ("certificate-untrusted", "use a certificate of a public CA, and serve its whole chain")
        )
        return [Finding("smtp", code, "bad", where, server.verify_says, refused, fix)]
    if not server.verifies:
        return [
            Finding("smtp", "certificate-not-checked", "unknown", where, server.trouble, "the second look failed", "run the check again")
        ]
    for limit in EXPIRY_DAYS:
        if left <= limit:
            severity: Severity = "bad" if limit == EXPIRY_DAYS[0] else "warn"
            what = f"the certificate ends on {ends:%Y-%m-%d}, in {left} days"
            return [
                Finding(
                    "smtp",
                    f"certificate-expires-{limit}",
                    severity,
                    where,
                    what,
                    "renewal should have happened",
                    "look why it was not renewed",
                )
            ]
    return []


def judge_tlsa(host: str, records: Sequence[Tlsa], *, secure: bool, servers: Sequence[Server], port: int = 25) -> list[Finding]:
    """Hold the TLSA records of an MX host against the certificates its addresses serve.

    Args:
        host: The MX host.
        records: Its TLSA records; none: the host has no DANE, which is no fault.
        secure: Whether the answer was validated with DNSSEC.
        servers: What its addresses show.
        port: Of the service, for the record to publish.
    """
    where = f"_{port}._tcp.{host}"
    if not records:
        return []
    if not secure:
        why = "senders ignore TLSA records that DNSSEC does not prove (RFC 7672 §2.1)"
        return [
            Finding(
                "tlsa",
                "tlsa-insecure",
                "warn",
                where,
                "the answer is not validated by DNSSEC",
                why,
                "sign the zone, or ask a validating resolver",
            )
        ]
    if not any(record.usable for record in records):
        why = "only usages 2 and 3 can be used; senders encrypt without authenticating (RFC 7672 §3.1.3)"
        return [Finding("tlsa", "tlsa-unusable", "bad", where, "none of the records can be used for SMTP", why, "publish a record 3 1 1")]
    shown = [server.chain for server in servers if server.chain]
    failing = [chain for chain in shown if not any(matches(record, chain) for record in records)]
    if failing:
        what = f"no record matches the certificate that {len(failing)} of {len(shown)} addresses serve"
        why = "senders that know DANE deliver nothing to it (RFC 7672 §2.2)"
        fix = "publish the new record beside the old one, and remove that only after its TTL and the old certificate are gone"
        return [Finding("tlsa", "tlsa-mismatch", "bad", where, what, why, fix, record_for(failing[0][0], port, host))]
    if not shown:
        return [Finding("tlsa", "tlsa-not-checked", "unknown", where, "no address showed a certificate", "nothing to match with", "")]
    return [Finding("tlsa", "tlsa-ok", "ok", where, f"{len(records)} records, validated, and they match what is served")]
