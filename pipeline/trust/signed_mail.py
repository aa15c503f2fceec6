"""A mail taken apart for its DKIM signatures: header fields, body and canonical forms (RFC 6376 §3.4), once for all signatures.

The pieces are dkimpy's, driven by us for three reasons: its `verify` judges x= and t= by the clock of the moment; it splits the whole
message into lines once per signature; and three of its regular expressions take quadratic time on runs of spaces, which a sender is free
to mail.
"""

from __future__ import annotations

import hashlib
import re
from functools import cached_property
from typing import TYPE_CHECKING

from dkim import select_headers
from dkim.canonicalization import CanonicalizationPolicy, Relaxed, Simple, correct_empty_body

if TYPE_CHECKING:
    from collections.abc import Collection

MAXIMUM_FIELDS = 1_000
"""Header fields of a mail whose signatures are checked at all; real mail has some dozens."""

_NAME = re.compile(rb"([!-~]+?):")
_SPACES = re.compile(rb"[\t ]+")
_OTHER_SPACE = re.compile(rb"[\v\f]|\r(?!\n)")
"""White space at which Python splits words, and the relaxed form does not."""

Field = tuple[bytes, bytes]


class SignedMail:
    """The header fields and the body of one mail."""

    def __init__(self, content: bytes) -> None:
        """Take the mail apart; the body is not looked at before a signature needs it.

        Raises:
            ValueError: The header block is not a sequence of header fields, or has more than `MAXIMUM_FIELDS`.
        """
        block, self._raw_body = _halves(content)
        self._original = _fields(block)
        self.fields: list[Field] = [(name.lower(), value) for name, value in self._original]
        self._body_digests: dict[str, bytes] = {}

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of the fields of that (lower-case) name, topmost first, folded as they came."""
        return self._by_name.get(name, [])

    @cached_property
    def _by_name(self) -> dict[bytes, list[bytes]]:
        found: dict[bytes, list[bytes]] = {}
        for name, value in self.fields:
            found.setdefault(name, []).append(value)
        return found

    def occurring_once(self, names: Collection[bytes]) -> tuple[str, ...]:
        """Return those of the (lower-case) names that the mail has exactly once, sorted."""
        present = [name for name, _ in self.fields]
        return tuple(sorted(name.decode("ascii", "replace") for name in set(names) if present.count(name) == 1))

    def body_digest(self, policy: CanonicalizationPolicy) -> bytes:
        """Return the SHA-256 of the canonical body, all of it (RFC 8460 §3 forbids l=)."""
        relaxed = policy.body_algorithm is not Simple
        kind = "relaxed" if relaxed else "simple"
        if kind not in self._body_digests:
            self._body_digests[kind] = hashlib.sha256(_relaxed_body(self._body) if relaxed else _simple_body(self._body)).digest()
        return self._body_digests[kind]

    def header_digest(self, policy: CanonicalizationPolicy, names: list[bytes], signature: bytes) -> bytes:
        """Return the SHA-256 over the signed fields and the signature field without its b= (RFC 6376 §3.7).

        Args:
            policy: From c=.
            names: From h=, lower-case, in order. `from` is taken once more than it says, so that a second From breaks the signature.
            signature: The value of the DKIM-Signature field as it came.
        """
        wanted = set(names)
        candidates = [field for field, (name, _) in zip(self._original, self.fields, strict=True) if name in wanted]
        canonical = _canonical(policy, candidates)
        own = _canonical(policy, [(self._name_of(signature), without_b(signature))])
        digest = hashlib.sha256()
        for name, value in [*select_headers(canonical, [*names, b"from"]), *((name, value.rstrip()) for name, value in own)]:
            digest.update(name + b":" + value)
        return digest.digest()

    def _name_of(self, signature: bytes) -> bytes:
        return next(name for name, value in self._original if value is signature)

    @cached_property
    def _body(self) -> bytes:
        # Two passes in C: a regular expression keeps every piece it cuts, gigabytes for a body of bare line feeds.
        return self._raw_body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _halves(content: bytes) -> tuple[bytes, bytes]:
    """Return the header block and the body, without the empty line between them."""
    if content.startswith((b"\n", b"\r\n")):
        return b"", content[content.index(b"\n") + 1 :]
    # twice as fast as a regular expression
    crlf = content.find(b"\n\r\n")
    bare = content.find(b"\n\n", 0, crlf + 1 if crlf >= 0 else len(content))
    if bare >= 0:
        return content[: bare + 1], content[bare + 2 :]
    return (content[: crlf + 1], content[crlf + 3 :]) if crlf >= 0 else (content, b"")


def _fields(block: bytes) -> list[Field]:
    """Take the header fields apart as dkimpy does, folded values with CRLF; an mbox's `From ` line is passed over."""
    fields: list[tuple[bytes, list[bytes]]] = []
    for line in block.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n"):
        if line.startswith((b" ", b"\t")) and fields:
            fields[-1][1].append(line)
        elif (match := _NAME.match(line)) is not None:
            fields.append((match[1], [line[match.end() :]]))
        elif line and not line.startswith(b"From "):
            raise ValueError("a line of the header is not a field")
    if len(fields) > MAXIMUM_FIELDS:
        raise ValueError(f"the mail has {len(fields):,} header fields")
    return [(name, b"\r\n".join(lines) + b"\r\n") for name, lines in fields]


def without_b(signature: bytes) -> bytes:
    """Return the signature field with the value of b= removed, and all else as it came (RFC 6376 §3.5)."""
    tags = signature.split(b";")
    for place, tag in enumerate(tags):
        name, equals, _ = tag.partition(b"=")
        if name.strip() == b"b":
            tags[place] = name + equals
    return b";".join(tags)


def _canonical(policy: CanonicalizationPolicy, fields: list[Field]) -> list[Field]:
    """Return the fields as they are signed; relaxed is words with one space between, unless there is other white space than the usual."""
    if policy.header_algorithm is not Relaxed or any(_OTHER_SPACE.search(value) for _, value in fields):
        canonical: list[Field] = policy.canonicalize_headers(fields)
        return canonical
    return [(name.lower(), b" ".join(value.split()) + b"\r\n") for name, value in fields]


def _simple_body(body: bytes) -> bytes:
    """Ignore all empty lines at the end; an empty body is one CRLF (RFC 6376 §3.4.3)."""
    return _without_last_lines(body) + b"\r\n"


def _relaxed_body(body: bytes) -> bytes:
    """Make each run of white space one space, none at the end of a line, no empty lines at the end (RFC 6376 §3.4.4)."""
    squeezed = _SPACES.sub(b" ", body).replace(b" \r\n", b"\r\n")
    canonical: bytes = correct_empty_body(_without_last_lines(squeezed) + b"\r\n")
    return canonical


def _without_last_lines(body: bytes) -> bytes:
    """Return the body without the CRLFs at its end."""
    end = len(body)
    for lines in (4096, 1):
        run = b"\r\n" * lines
        while body.endswith(run, 0, end):
            end -= len(run)
    return body[:end]
