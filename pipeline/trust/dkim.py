"""DKIM signatures of one mail, checked as of the time it was received (RFC 6376, RFC 8301, RFC 8463, RFC 8460 §3).

Alignment comes before any look-up: only a signature of the domain that the report claims to come from is checked, and three of those at
most. Nothing here raises on what a sender wrote: every mistake is a result.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, NamedTuple

from dkim import validate_signature_fields
from dkim.canonicalization import CanonicalizationPolicy

from pipeline.trust.alignment import aligned
from pipeline.trust.key_lookup import DnsTempError
from pipeline.trust.key_records import MINIMUM_BITS, Key, KeyUnusableError, read_key
from pipeline.trust.signature_coverage import not_covered, signed_names, tag_text, tags_of
from pipeline.trust.signed_mail import SignedMail

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.trust.key_lookup import Resolver

MAXIMUM_TRIED = 3
"""Aligned signatures checked per mail."""
MAXIMUM_SIGNATURES = 20
"""Signature fields looked at, to find the aligned ones."""
MAXIMUM_SIGNED_NAMES = 200
"""Names in h=."""
CLOCK_SLACK_SECONDS = 36_000
"""Ten hours for x=, as dkimpy grants: clocks and time zones of senders, and mail that waited in a queue."""

_SECONDS = re.compile(rb"[0-9]{1,12}")
_BEST_LAST = ("none", "unaligned", "permerror", "no_key", "weak", "fail", "expired", "not_covered", "not_reporter", "temperror", "pass")


class Signature(NamedTuple):
    """What became of one signature, or of a mail without one (result `none`)."""

    result: str
    """One of `pipeline.message.verdict.DKIM_RESULTS`."""
    domain: str | None = None
    selector: str | None = None
    algorithm: str | None = None
    key_bits: int | None = None
    key_record: str | None = None
    signed_headers: tuple[str, ...] = ()
    """Of a signature that verifies: the names that h= covers and that occur once in the mail, lower-case, sorted."""


class _RefusedError(Exception):
    """A signature is not believed; carries the result."""

    def __init__(self, result: str, key: tuple[int | None, str | None] = (None, None)) -> None:
        super().__init__(result)
        self.result = result
        self.key = key


def check_signatures(mail: SignedMail, *, claimed: str | None, received_at: datetime, resolver: Resolver) -> Signature:
    """Return the best of the signatures of `claimed`: the first that passes and is its word for the report, else the one closest to it.

    Where none is of that domain the result is `unaligned`, and nothing was looked up; without any it is `none`.

    Args:
        mail: Taken apart once for all signatures.
        claimed: The domain it claims to come from, see `pipeline.trust.alignment.claimed_domain`.
        received_at: INTERNALDATE. RFC 6376 §3.5 lets x= be judged by the time the mail was first received.
        resolver: Where keys come from.
    """
    read = [(value, tags_of(value)) for value in mail.values(b"dkim-signature")[:MAXIMUM_SIGNATURES]]
    ours = [(value, tags) for value, tags in read if aligned(tag_text(tags, b"d"), claimed)]
    best = Signature("none")
    for value, tags in read if not ours else ours[:MAXIMUM_TRIED]:
        result = _check(mail, value, tags, received_at, resolver) if ours else _named("unaligned" if tags else "permerror", tags)
        if result.result == "pass":
            reason = not_covered(mail, [signed_names(tags)], domain=result.domain or "", claimed=claimed)
            result = result._replace(result=reason or "pass")
        if _BEST_LAST.index(result.result) > _BEST_LAST.index(best.result):
            best = result
        if best.result == "pass":
            break
    return best


def _named(result: str, tags: dict[bytes, bytes], key: tuple[int | None, str | None] = (None, None)) -> Signature:
    algorithm = tags.get(b"a", b"")
    known = algorithm.decode() if algorithm in {b"rsa-sha1", b"rsa-sha256", b"ed25519-sha256"} else None
    return Signature(result, tag_text(tags, b"d"), tag_text(tags, b"s"), known, *key)


def _check(mail: SignedMail, value: bytes, tags: dict[bytes, bytes], received_at: datetime, resolver: Resolver) -> Signature:
    try:
        names = _refuse_early(tags, received_at)
        policy = CanonicalizationPolicy.from_c_value(tags.get(b"c"))
        # The body before the key: a changed mail costs no look-up.
        if mail.body_digest(policy) != base64.b64decode(tags[b"bh"]):
            return _named("fail", tags)
        key, found = _key(tags, resolver)
        if not key.verifies(base64.b64decode(tags[b"b"]), mail.header_digest(policy, names, value)):
            return _named("fail", tags, found)
    except _RefusedError as refused:
        return _named(refused.result, tags, refused.key)
    except DnsTempError:
        return _named("temperror", tags)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 -- whatever dkimpy stumbles on in a signature is the signature's fault
        return _named("permerror", tags)
    return _named("pass", tags, found)._replace(signed_headers=mail.occurring_once(names))


def _refuse_early(tags: dict[bytes, bytes], received_at: datetime) -> list[bytes]:
    """Refuse what needs no key to be refused, and return the names of h=.

    Raises:
        _RefusedError: l= (RFC 8460 §3), rsa-sha1 (RFC 8301 §3.1), From not signed (RFC 6376 §5.4), bad times, bad names.
        dkim.ValidationError: What dkimpy finds wrong with the tags.
    """
    if b"l" in tags or tag_text(tags, b"s") is None:
        raise _RefusedError("permerror")
    if tags.get(b"a") == b"rsa-sha1":
        raise _RefusedError("weak")
    # Without t= and x=: dkimpy holds them against the clock of this moment, we against the time of receipt.
    validate_signature_fields({name: value for name, value in tags.items() if name not in {b"t", b"x"}})
    _check_times(tags, received_at.timestamp())
    names = signed_names(tags)
    if b"from" not in names or len(names) > MAXIMUM_SIGNED_NAMES:
        raise _RefusedError("permerror")
    return names


def _check_times(tags: dict[bytes, bytes], received: float) -> None:
    """Hold x= against the time of receipt. A t= later than that is let pass, as it may (RFC 6376 §3.5): moved mailboxes have odd dates.

    Raises:
        _RefusedError: Expired, or no times at all.
    """
    for tag in (b"t", b"x"):
        if tag in tags and not _SECONDS.fullmatch(tags[tag]):
            raise _RefusedError("permerror")
    signed, expires = (int(tags[tag]) if tag in tags else None for tag in (b"t", b"x"))
    if signed is not None and expires is not None and expires < signed:
        raise _RefusedError("permerror")
    if expires is not None and expires < received - CLOCK_SLACK_SECONDS:
        raise _RefusedError("expired")


def _key(tags: dict[bytes, bytes], resolver: Resolver) -> tuple[Key, tuple[int, str]]:
    """Return the key that the signature needs, and its size and record for the verdict.

    Raises:
        _RefusedError: There is none (`no_key`), it is too short (`weak`), or cannot be used with this signature (`permerror`).
        DnsTempError: Nobody answered.
    """
    records = resolver.texts(tags[b"s"].decode(), tags[b"d"].decode())
    if not records:
        raise _RefusedError("no_key")
    # One record is the rule (RFC 6376 §3.6.2.2); among several, one that says it is a key goes first.
    record = next((text for text in records if text.startswith(b"v=DKIM1")), records[0])
    text = record[:4096].decode("ascii", "backslashreplace")
    try:
        key = read_key(record)
    except KeyUnusableError:
        raise _RefusedError("permerror", (None, text)) from None
    kind, _, hashing = tags[b"a"].decode().partition("-")
    if key.type != kind or (key.hashes and hashing.encode() not in key.hashes) or (key.strict and not _same_domain(tags)):
        raise _RefusedError("permerror", (key.bits, text))
    if key.type == "rsa" and key.bits < MINIMUM_BITS:
        raise _RefusedError("weak", (key.bits, text))
    return key, (key.bits, text)


def _same_domain(tags: dict[bytes, bytes]) -> bool:
    return b"i" not in tags or tags[b"i"].rpartition(b"@")[2].lower() == tags[b"d"].lower()
