"""The two TXT records: `_smtp._tls` (RFC 8460 §3) and `_mta-sts` (RFC 8461 §3.1), from their texts to findings. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from pipeline.published.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

_FIELD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_MAIL = re.compile(r"[^@\s]+@([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)")


class TlsrptRecord(NamedTuple):
    """A `_smtp._tls` record that senders can use."""

    text: str
    rua: tuple[str, ...]
    """Addresses as published: `mailto:` or `https:`."""

    @property
    def mail_domains(self) -> tuple[str, ...]:
        """The domains reports are mailed to."""
        found = (_MAIL.fullmatch(urlsplit(each).path) for each in self.rua if each.lower().startswith("mailto:"))
        return tuple(dict.fromkeys(match[1].lower() for match in found if match))


class StsRecord(NamedTuple):
    """An `_mta-sts` record that senders can use."""

    text: str
    id: str


class ReportAddresses(NamedTuple):
    """Where this installation gets its reports, as far as its configuration says."""

    addresses: tuple[str, ...] = ()
    """Of its mailboxes."""
    domains: tuple[str, ...] = ()
    """Own domains, and those of the mailboxes: an address in one of them may be an alias of a mailbox."""

    def gets(self, rua: str) -> bool:
        """Whether an address may be ours."""
        address = unquote(urlsplit(rua).path).lower()
        return address in self.addresses or address.rpartition("@")[2] in self.domains


NEAR_TLSRPT = (
    "_tlsrpt.{0}",
    "_smtp-tlsrpt.{0}",
    "_smtp._tlsrpt.{0}",
    "_smtp_tls.{0}",
    "_tls._smtp.{0}",
    "smtp._tls.{0}",
    "_smtp._tls.{0}.{0}",
    "{0}",
)
NEAR_STS = ("mta-sts.{0}", "_mta_sts.{0}", "_mtasts.{0}", "_sts.{0}", "_mta-sts.{0}.{0}", "{0}")
"""Names at which the record was found in the wild where it should have been at another."""


def judge_near_miss(kind: str, name: str, at: str, texts: Sequence[str]) -> Finding | None:
    """Say that the record that is missing is at a name where nobody looks for it.

    Args:
        kind: `tlsrpt` or `sts`.
        name: The name at which the record is missing.
        at: Another name.
        texts: The TXT records there, the strings of each joined.
    """
    version, section = ("v=TLSRPTv1", "RFC 8460 §3") if kind == "tlsrpt" else ("v=STSv1", "RFC 8461 §3.1")
    text = next((text for text in texts if is_record(text, version)), None)
    if text is None:
        return None
    what = f"there is no record here, and one at {at}, where no sender looks for it"
    why = f"senders ask for this name alone ({section})"
    return Finding(
        f"{kind}-record", f"{kind}-record-misplaced", "error", name, what, why, f"move it from {at}", f'{name}. TXT "{text[:255]}"'
    )


def read_tlsrpt(domain: str, texts: Sequence[str], ours: ReportAddresses | None = None) -> tuple[TlsrptRecord | None, list[Finding]]:
    """Read the TXT records at `_smtp._tls.<domain>`, the strings of each joined without a space (RFC 8460 §3).

    Args:
        domain: Lower-case A-label.
        texts: All TXT records at the name, also those that are something else.
        ours: Where this installation gets its reports; None: not known, and nothing is said of it.
    """
    name = f"_smtp._tls.{domain}"
    mailbox = next(iter(ours.addresses), f"tls-reports@{domain}") if ours is not None else f"tls-reports@{domain}"
    example = f'{name}. TXT "v=TLSRPTv1; rua=mailto:{mailbox}"'
    own = [text for text in texts if is_record(text, "v=TLSRPTv1")]
    if not own:
        return None, [
            _no_record("tlsrpt", name, texts, version="v=TLSRPTv1", why="no sender mails a report (RFC 8460 §3)", example=example)
        ]
    if len(own) > 1:
        return None, [_several("tlsrpt", name, own, "senders treat the domain as having no TLSRPT (RFC 8460 §3)")]
    fields, findings = _fields("tlsrpt", name, own[0])
    repeated = [value for key, value in fields if key == "rua"]
    addresses = tuple(part.strip() for value in repeated for part in value.split(",") if part.strip())
    if not addresses:
        why = "rua is required, and without it there is nowhere to send a report (RFC 8460 §3)"
        other = next((key for key, _ in fields if key.lower() == "rua" and key != "rua"), "")
        what = f"the record has {other}, and senders look for rua in lower case" if other else "the record has no rua"
        findings.append(Finding("tlsrpt-record", "tlsrpt-rua-missing", "error", name, what, why, "name an address", example))
        return None, findings
    findings += [finding for address in addresses if (finding := _judge_rua(name, address)) is not None]
    if len(repeated) > 1:
        why = "some senders read the first rua alone, some the last (RFC 8460 §3)"
        publish = f'{name}. TXT "v=TLSRPTv1; rua={",".join(addresses)}"'
        what = f"rua occurs {len(repeated)} times"
        findings.append(
            Finding("tlsrpt-record", "tlsrpt-rua-repeated", "warn", name, what, why, "write one, addresses with commas between", publish)
        )
    if ours is not None and not any(finding.code == "tlsrpt-rua-invalid" for finding in findings):
        findings += _judge_ours(name, addresses, ours)
    record = TlsrptRecord(own[0], addresses)
    if all(finding.severity == "ok" for finding in findings):
        findings.append(Finding("tlsrpt-record", "tlsrpt-record-ok", "ok", name, f"one record, reports go to {', '.join(addresses)}"))
    return record, findings


def _judge_ours(name: str, addresses: Sequence[str], ours: ReportAddresses) -> list[Finding]:
    """Say that our address is missing, or not the first."""
    places = [place for place, address in enumerate(addresses) if ours.gets(address)]
    if not places and ours.addresses:
        what = f"reports go to {', '.join(addresses)[:200]}, and none of them is a mailbox of this configuration"
        why = "reports delivered elsewhere are missing from these numbers"
        fix = f"add mailto:{ours.addresses[0]}, as the first address"
        return [Finding("tlsrpt-record", "tlsrpt-rua-not-ours", "warn", name, what, why, fix)]
    if not places or places[0] == 0:
        return []
    first = addresses[places[0]]
    publish = f'{name}. TXT "v=TLSRPTv1; rua={",".join([first, *(each for each in addresses if each != first)])}"'
    what = f"{first} is not the first of {len(addresses)} addresses"
    why = "some large senders, Microsoft among them, report to the first address alone (RFC 8460 §3 lets them)"
    return [Finding("tlsrpt-record", "tlsrpt-rua-not-first", "warn", name, what, why, "put it first", publish)]


def read_sts(domain: str, texts: Sequence[str]) -> tuple[StsRecord | None, list[Finding]]:
    """Read the TXT records at `_mta-sts.<domain>` (RFC 8461 §3.1)."""
    name = f"_mta-sts.{domain}"
    example = f'{name}. TXT "v=STSv1; id=20260101T000000;"'
    ours = [text for text in texts if is_record(text, "v=STSv1")]
    if not ours:
        why = "without it senders look for no policy, and mail may be sent without authenticated TLS (RFC 8461 §3.1)"
        return None, [_no_record("sts", name, texts, version="v=STSv1", why=why, example=example)]
    if len(ours) > 1:
        return None, [_several("sts", name, ours, "senders take no new policy from it (RFC 8461 §3.1)")]
    fields, findings = _fields("sts", name, ours[0])
    identity = next((value for key, value in fields if key == "id"), "")
    if not _ID.fullmatch(identity):
        what = f"id is {identity!r}" if identity else "there is no id"
        why = "an id is 1 to 32 letters and digits; otherwise senders take no new policy (RFC 8461 §3.1)"
        findings.append(Finding("sts-record", "sts-id-invalid", "error", name, what, why, "set an id, a new one at every change", example))
        return None, findings
    if not findings:
        findings.append(Finding("sts-record", "sts-record-ok", "ok", name, f"one record, id {identity}"))
    return StsRecord(ours[0], identity), findings


def is_record(text: str, version: str) -> bool:
    """Whether a text is a record of this version: the version is case-sensitive, and a `;` or the end follows it."""
    return re.match(re.escape(version) + r"[ \t]*(;|$)", text) is not None


def _no_record(kind: str, name: str, texts: Sequence[str], *, version: str, why: str, example: str) -> Finding:
    near = next((text for text in texts if version.lower() in text.lower().replace(" ", "")), None)
    if near is not None:
        what = f"the record {near[:200]!r} does not begin with {version};"
        fix = f"begin it with {version};"
        if near.strip().startswith(('"', "'", "\\")):
            fix = "remove the quotation marks inside the text: the DNS provider adds its own"
            plain = near.strip().strip("\"'\\ ")
            example = f'{name}. TXT "{plain[:255]}"' if is_record(plain, version) and '"' not in plain else example
        return Finding(f"{kind}-record", f"{kind}-version-invalid", "error", name, what, why, fix, example)
    what = "its one TXT record does not begin" if len(texts) == 1 else f"none of its {len(texts)} TXT records begins"
    what = f"{what} with {version};" if texts else "there is no record"
    return Finding(
        f"{kind}-record", f"{kind}-record-missing", "error" if kind == "tlsrpt" else "warn", name, what, why, "publish one", example
    )


def _several(kind: str, name: str, texts: Sequence[str], why: str) -> Finding:
    """Judge several records; those of TLSRPT become one, to all addresses: which of them is right is for their owner to say."""
    what = f"there are {len(texts)} records, and only one is allowed"
    fix, one = "remove all but one", min(texts)
    if kind == "tlsrpt":
        values = (value for text in sorted(texts) for key, value in _fields(kind, name, text)[0] if key == "rua")
        addresses = dict.fromkeys(part.strip() for value in values for part in value.split(",") if part.strip())
        if len(addresses) > 1:
            fix, one = "make one record of them", f"v=TLSRPTv1; rua={','.join(addresses)}"
    return Finding(f"{kind}-record", f"{kind}-record-several", "error", name, what, why, fix, f'{name}. TXT "{one[:1000]}"')


def _fields(kind: str, name: str, text: str) -> tuple[list[tuple[str, str]], list[Finding]]:
    """Return the fields after the version; a field that does not parse is a finding."""
    fields: list[tuple[str, str]] = []
    findings = []
    for part in (piece.strip() for piece in text.split(";")[1:]):
        key, equals, value = (each.strip() for each in part.partition("="))
        if not part:
            continue
        if not equals or not _FIELD.fullmatch(key):
            why = "a record that does not parse may be ignored as a whole (RFC 8460 §3, RFC 8461 §3.1)"
            findings.append(
                Finding(
                    f"{kind}-record", f"{kind}-field-invalid", "error", name, f"{part!r} is not name=value", why, "correct or remove it"
                )
            )
        else:
            fields.append((key, value))
    return fields, findings[:10]


def _judge_rua(name: str, address: str) -> Finding | None:
    parts = urlsplit(address)
    if parts.scheme.lower() == "mailto" and _MAIL.fullmatch(parts.path):
        return None
    if parts.scheme.lower() == "https" and parts.hostname:
        return None
    why = "reports go to mailto: or https: addresses; senders cannot use any other kind (RFC 8460 §3)"
    fix = "write mailto:NAME@DOMAIN or https://HOST/PATH; a comma, ! or ; inside must be percent-encoded"
    if _MAIL.fullmatch(address):
        fix = f"write mailto:{address}"
    elif size := re.fullmatch(r"(mailto:[^!]+)![0-9]+[kmgt]?", address, re.IGNORECASE):
        fix = f"write {size[1]}: a size limit (!10m) belongs to DMARC, not here"
    elif parts.scheme.lower() == "http":
        fix = f"write https:{address[5:][:200]}: reports are not sent over plain HTTP"
    return Finding("tlsrpt-record", "tlsrpt-rua-invalid", "error", name, f"rua {address!r} is not an address for reports", why, fix)
