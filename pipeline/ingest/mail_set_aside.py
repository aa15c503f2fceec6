"""Erasure of a domain in mail that a spool has set aside: which of it names the domain, and goes."""

from __future__ import annotations

import re
import zlib
from contextlib import suppress
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator

_INFLATED_BYTES = 1 << 24
"""So far a compressed part is looked into."""


def forget_others(folder: str, domain: str) -> int:
    """Remove mails set aside that name a domain, and return how many: the operator erases it.

    Args:
        folder: Of the spool; the mails lie in its `other`.
        domain: The domain, as A-label.
    """
    named = [path for path in Spool(folder).others() if names_domain(Path(path).read_bytes(), domain)]
    for path in named:
        Path(path).unlink(missing_ok=True)
    return len(named)


def names_domain(content: bytes, domain: str) -> bool:
    """Say whether a mail names a domain or a name below it, as it lies or in what its headers and parts decode to."""
    forms = {domain, domain.encode("ascii").decode("idna")}
    any_form = b"|".join(re.escape(form.encode()) for form in sorted(forms))
    # A longer name that only begins or ends like it is somebody else's.
    pattern = re.compile(rb"(?<![a-z0-9_-])(?:" + any_form + rb")(?![a-z0-9_-]|\.[a-z0-9])")
    return any(pattern.search(text.decode("utf-8", "replace").lower().encode()) for text in _texts(content))


def _texts(content: bytes) -> Iterator[bytes]:
    yield content
    # What cannot be taken apart is searched as it lies: nobody is kept from erasing by a broken mail.
    with suppress(MessageError, ValueError, LookupError, AttributeError, RecursionError):
        for part in message_from_bytes(content).walk():
            for value in part.values():
                with suppress(MessageError, ValueError, LookupError):
                    yield str(make_header(decode_header(str(value)))).encode()
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                yield payload
                with suppress(zlib.error):
                    yield zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(payload, _INFLATED_BYTES)
