"""Authentication-Results of a border server the operator trusts (RFC 8601): the way for mail that was changed after it was checked.

Believed is only the block of such fields at the very top of the header, each with an authserv-id from the configuration (RFC 8601 §5: the
operator confirms that the server removes foreign fields with that name). A server writes above what came with the mail and says something
of every signature: where it removes nothing, a field below its own that says another thing is not believed. `ARC-`, `X-` and `…-Original`
are other fields, never read.

The grammar is read here and not by the `authres` library, which has no bound on what it takes and would be another dependency for forty
lines; what it is said to be needed for, the field of Outlook, has no authserv-id and so can be trusted by nobody. Reading is strict: text
that a sender chose (a comment, a quoted local part) may hold `; dkim=pass`, so what is not understood voids the field.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pipeline.trust.alignment import aligned
from pipeline.trust.signature_coverage import not_covered, signed_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.trust.signed_mail import SignedMail

MAXIMUM_FIELDS = 10
MAXIMUM_FIELD_BYTES = 16 * 1024

_TOKEN = re.compile(
    r"""(?P<space>[\ \t\r\n]+)
      | (?P<open>\()
      | (?P<mark>[;=])
      | "(?P<quoted>(?:[^"\\\r\n]|\\[^\r\n])*+)"
      | (?P<word>[^\s;=()"\\]+)""",
    re.VERBOSE,
)
_COMMENT = re.compile(r"\\.|[()]|[^\\()]+", re.DOTALL)

Token = tuple[str, str]
"""Kind (`;`, `=`, `word`) and text."""


class Attested(NamedTuple):
    """A `dkim=` result of a server the operator trusts."""

    authserv_id: str
    result: str
    domain: str | None
    """header.d"""
    selector: str | None
    """header.s"""
    algorithm: str | None
    """header.a"""
    signed_headers: tuple[str, ...] = ()
    """Names that each signature in the mail that may be meant covers and that occur once, lower-case, sorted; see `word_of`."""


def attested_results(mail: SignedMail, authserv_ids: Sequence[str]) -> list[Attested]:
    """Return the DKIM results of the topmost block of Authentication-Results that name one of `authserv_ids`.

    Fields that the own server puts above its block (Return-Path, Received, and its X- fields) do not end the search. The block ends at the
    first other field after it, and at an authserv-id that is not one of `authserv_ids`.
    """
    results: list[Attested] = []
    for value in _topmost_block(mail):
        authserv_id, found = _read_field(value)
        if authserv_id is None or authserv_id.lower() not in {name.lower() for name in authserv_ids}:
            break
        said = [Attested(authserv_id, *result) for result in found]
        results.extend(said if not results else _not_denied(said, results, mail))
    return results


def _not_denied(said: list[Attested], above: list[Attested], mail: SignedMail) -> list[Attested]:
    """Return what a field may say below others of the same server: of signatures that are in the mail and that those do not speak of."""
    spoken_of = {one.domain for one in above}
    if None in spoken_of:
        return []  # `dkim=none`
    signed = bool(mail.values(b"dkim-signature"))
    return [one for one in said if one.domain not in spoken_of and (not signed or signed_by(mail, one.domain, None))]


def aligned_pass(results: Iterable[Attested], claimed: str | None) -> Attested | None:
    """Return the first result that is a pass for the claimed domain."""
    return next((one for one in results if one.result == "pass" and aligned(one.domain, claimed)), None)


def word_of(results: Iterable[Attested], mail: SignedMail, claimed: str | None) -> Attested | None:
    """Return the first pass for the claimed domain that is its word for the report, see `pipeline.trust.signature_coverage`.

    What the signature covers is read from the mail. A server that takes the signatures out leaves nothing to hold against its word, and no
    header of which it is known that it was signed.

    Args:
        results: What trusted servers say, topmost first.
        mail: Its header fields, in their order.
        claimed: The domain the report claims to come from, see `pipeline.trust.alignment.claimed_domain`; None: nothing is believed.
    """
    return aligned_pass(_believed(results, mail, claimed), claimed)


def _believed(results: Iterable[Attested], mail: SignedMail, claimed: str | None) -> Iterator[Attested]:
    for one in results:
        if one.domain is None:
            continue
        signed = signed_by(mail, one.domain, one.selector)
        if not_covered(mail, signed, domain=one.domain, claimed=claimed) is None:
            covered = set(signed[0]).intersection(*signed[1:]) if signed else set()
            yield one._replace(signed_headers=mail.occurring_once(covered))


def _topmost_block(mail: SignedMail) -> Iterator[bytes]:
    started = False
    taken = 0
    for name, value in mail.fields:
        if name == b"authentication-results":
            started, taken = True, taken + 1
            if taken > MAXIMUM_FIELDS or len(value) > MAXIMUM_FIELD_BYTES:
                return
            yield value
        elif started:
            return


def _read_field(value: bytes) -> tuple[str | None, list[tuple[str, str | None, str | None, str | None]]]:
    """Return the authserv-id and the dkim results; None where the field does not follow the grammar (RFC 8601 §2.2)."""
    parts = _parts(value.decode("utf-8", "replace"))
    if not parts or not parts[0] or parts[0][0][0] != "word":
        return None, []
    head = parts[0]
    if len(head) > 2 or (len(head) == 2 and not head[1][1].isdigit()):
        return None, []
    found = []
    for part in parts[1:]:
        pairs = _pairs(part)
        if pairs is None:
            return None, []
        if pairs and pairs[0][0] == "dkim":
            known = dict(pairs[1:])
            if len(known) < len(pairs) - 1:
                return None, []  # of two header.d nobody knows which one passed
            found.append((pairs[0][1], _lower(known.get("header.d")), _lower(known.get("header.s")), known.get("header.a")))
    return head[0][1], found


def _lower(text: str | None) -> str | None:
    return text.lower() if text is not None else None


def _parts(text: str) -> list[list[Token]] | None:
    """Split into tokens between semicolons, comments dropped; None where it cannot be split."""
    parts: list[list[Token]] = [[]]
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            return None
        place = match.end()
        if match.lastgroup == "open":
            end = _end_of_comment(text, place)
            if end is None:
                return None
            place = end
        elif match.lastgroup == "mark" and match[0] == ";":
            parts.append([])
        elif match.lastgroup != "space":
            parts[-1].append(_token(match))
    return parts


def _token(match: re.Match[str]) -> Token:
    if match.lastgroup == "mark":
        return "=", "="
    return "word", match["word"] or match["quoted"] or ""


def _end_of_comment(text: str, place: int) -> int | None:
    """Return where the comment that is open at `place` ends; comments nest (RFC 5322 §3.2.2)."""
    depth = 1
    for match in _COMMENT.finditer(text, place):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return None


def _pairs(part: list[Token]) -> list[tuple[str, str]] | None:
    """Read `method=result name=value …`; None where it is anything else than pairs, `none` or nothing."""
    if not part or [text for _, text in part] == ["none"]:
        return []
    if len(part) % 3:
        return None
    pairs: list[tuple[str, str]] = []
    for name, equals, value in zip(part[0::3], part[1::3], part[2::3], strict=True):
        if (name[0], equals[0], value[0]) != ("word", "=", "word"):
            return None
        pairs.append((name[1].lower(), value[1] if pairs else value[1].lower()))
    return pairs
