"""What mail servers and policy hosts show, judged (RFC 8461 §3.3 and §4.2); what could not be looked at is unknown, never a fault. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pipeline.published.finding import Finding, Severity
from pipeline.published.web import PolicyAnswer, Trouble

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from pipeline.published.smtp import Server

EXPIRY_DAYS = (7, 14, 30)
"""A certificate is told of so many days before it ends; an error from the first number on, for renewal has failed by then."""

Asks = Literal["policy", "dane", "nothing"]
"""Who asks for a certificate: a policy (a CA, the name, the dates), DANE (by its TLSA records, judged elsewhere), or nothing published."""

_CANNOT = "senders cannot fetch the policy: they apply none, or the one they hold until it ends (RFC 8461 §3.3)"
_PROVES_NOTHING = "it could not be checked from here, which proves nothing"
_HOST_CODES = {"certificate": "policy-host-certificate", "protocol": "policy-host-tls"}


def days_left(certificate: Certificate, now: datetime) -> int:
    """Return the whole days until a certificate ends; negative where it has."""
    return (certificate.not_valid_after_utc - now.astimezone(UTC)).days


def judge_fetch(url: str, host: str, answer: PolicyAnswer | Trouble) -> list[Finding]:
    """Judge how the policy file was served; what it says is another matter (`policy_text`).

    Args:
        url: Where the policy was looked for, for the findings.
        host: The policy host.
        answer: What came.
    """
    if isinstance(answer, Trouble):
        return [_of_trouble(host, answer)]
    beside = [_dead(host, trouble) for trouble in answer.troubles]
    if 300 <= answer.status < 400:
        why = "senders must not follow redirects (RFC 8461 §3.3)"
        what = f"it redirects to {answer.location[:200]!r}"
        return [*beside, Finding("sts-policy", "policy-redirect", "error", url, what, why, "serve the file at this address itself")]
    if answer.status != 200:
        what = f"the answer is {answer.status}, not 200"
        return [*beside, Finding("sts-policy", "policy-status", "error", url, what, _CANNOT, "serve the file there")]
    return beside


def judge_media_type(url: str, media_type: str) -> list[Finding]:
    """Judge the media type of a policy file that can be read."""
    if media_type == "text/plain":
        return []
    why = "senders should refuse a policy that is not text/plain (RFC 8461 §3.2)"
    what = f"the media type is {media_type[:80] or 'missing'}"
    return [Finding("sts-policy", "policy-media-type", "warn", url, what, why, "serve it as text/plain", "Content-Type: text/plain")]


def _of_trouble(host: str, trouble: Trouble) -> Finding:
    if trouble.kind in {"no-answer", "no-network"}:
        fix = (
            "run the check from a machine with that network" if trouble.kind == "no-network" else "run the check again, from elsewhere, too"
        )
        return Finding("sts-policy", "policy-host-not-checked", "unknown", host, trouble.says, _PROVES_NOTHING, fix)
    code = _HOST_CODES.get(trouble.kind, "policy-host-unreachable")
    fix = f"serve it with a certificate that names {host}" if trouble.kind == "certificate" else f"let {host} answer on port 443 by HTTPS"
    return Finding("sts-policy", code, "error", host, trouble.says, _CANNOT, fix)


def _dead(host: str, trouble: Trouble) -> Finding:
    """Judge one address of a policy host of which another one serves the file."""
    if trouble.kind == "no-network":
        return _of_trouble(host, trouble)
    code = _HOST_CODES.get(trouble.kind, "policy-host-address-dead")
    why = "senders that try this address first fetch late or not at all (RFC 8461 §3.3)"
    fix = f"let {trouble.address} serve the file as the other addresses do, or remove its record"
    return Finding("sts-policy", code, "error", f"{host} [{trouble.address}]", f"{trouble.says}; another address serves the file", why, fix)


def judge_server(host: str, address: str, server: Server, *, now: datetime, port: int, asks: Asks) -> list[Finding]:
    """Judge one address of one MX host; without trouble the only finding is that it is well.

    Args:
        host: The MX host.
        address: One of its addresses.
        server: What it shows.
        now: The time, for its certificate.
        port: 25, unless a check is told otherwise.
        asks: Who asks for its certificate.
    """
    where = f"{host} [{address}]"
    if server.state == "tls":
        return _judge_shown(where, host, server, now, asks)
    return [_judge_state(where, server, port, "RFC 7672 §2.2" if asks == "dane" else "RFC 8461 §4.2")]


def _judge_state(where: str, server: Server, port: int, section: str) -> Finding:
    code, severity, why, fix = _STATES.get(server.state, _UNREACHABLE)
    what = server.trouble if server.state in _STATES else f"port {port}: {server.trouble}"
    return Finding("smtp", code, severity, where, what, why.format(section=section), fix)


_UNREACHABLE: tuple[str, Severity, str, str] = (
    "mx-unreachable",
    "unknown",
    "from here, which proves nothing: many networks block port 25",
    "try from another network",
)
_STATES: dict[str, tuple[str, Severity, str, str]] = {
    "no-starttls": ("starttls-missing", "error", "senders that ask for TLS deliver nothing to it ({section})", "enable STARTTLS"),
    "no-tls": (
        "tls-too-old",
        "error",
        "senders ask for TLS 1.2 or newer (RFC 8461 §4.2, RFC 8996)",
        "allow TLS 1.2 and 1.3, and choose a usual cipher",
    ),
    "refused": (
        "mx-refuses-prober",
        "unknown",
        "it rejects this machine, not mail in general: block lists and limits are for single addresses",
        "run the check from a machine that sends mail; look whether this address is on a block list; set `helo` in [check] to its name",
    ),
    "ehlo-refused": (
        "mx-refuses-prober",
        "unknown",
        "it rejects the name this machine uses in EHLO, which says nothing about other senders",
        "set `helo` in [check] to a name of this machine that its address resolves to",
    ),
    "temporary": (
        "starttls-temporary",
        "unknown",
        "a temporary reply (4xx) proves nothing: senders try again (RFC 5321 §4.2.1)",
        "run the check again; fix it if it persists",
    ),
    "no-network": ("mx-not-checked", "unknown", _PROVES_NOTHING, "run the check from a machine with that network"),
}
"""Code, severity, why and fix by what an address did instead of showing a certificate."""


def _judge_shown(where: str, host: str, server: Server, now: datetime, asks: Asks) -> list[Finding]:
    if not server.chain:
        return [
            Finding(
                "smtp", "certificate-not-checked", "unknown", where, "no certificate could be read", _PROVES_NOTHING, "run the check again"
            )
        ]
    left, shown = days_left(server.chain[0], now), _shown(server.chain[0])
    if asks == "dane":
        what = f"{server.tls_version}; the TLSA records decide, not the CA, the name or the dates"
        return [Finding("smtp", "smtp-ok", "ok", where, what, **shown)]
    found = _judge_certificate(where, host, server, now)
    if found is None:
        what = f"{server.tls_version}, the certificate verifies and is valid for {left} more days"
        return [Finding("smtp", "smtp-ok", "ok", where, what, **shown)]
    if asks == "nothing":
        why = "no policy asks for it yet; with MTA-STS under enforce senders would deliver nothing (RFC 8461 §4.2)"
        found = found._replace(severity="warn", why=why)
    return [found._replace(**shown)]


def _shown(certificate: Certificate) -> dict[str, Any]:
    """Return what is kept of a certificate with what is found about it."""
    from cryptography.hazmat.primitives import hashes

    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
    return {"expires_at": certificate.not_valid_after_utc, "certificate_sha256": fingerprint}


def _judge_certificate(where: str, host: str, server: Server, now: datetime) -> Finding | None:
    left = days_left(server.chain[0], now)
    ends = server.chain[0].not_valid_after_utc
    refused = "under enforce senders deliver nothing to it (RFC 8461 §4.2)"
    if ends <= now:
        what = f"the certificate expired on {ends:%Y-%m-%d}"
        return Finding("smtp", "certificate-expired", "error", where, what, refused, "renew it, and make the server load it")
    if not server.verifies:
        named = "mismatch" in server.verify_says.lower()
        code, fix = (
            ("certificate-name", f"get a certificate that covers {host}")
            if named
            else ("certificate-untrusted", "use a certificate of a public CA, and serve its full chain")
        )
        return Finding("smtp", code, "error", where, server.verify_says, refused, fix)
    for limit in EXPIRY_DAYS:
        if left <= limit:
            severity: Severity = "error" if limit == EXPIRY_DAYS[0] else "warn"
            what = f"the certificate expires on {ends:%Y-%m-%d}, in {left} {'day' if left == 1 else 'days'}"
            why = "renewal should have happened"
            return Finding("smtp", f"certificate-expires-{limit}", severity, where, what, why, "find out why it was not renewed")
    return None
