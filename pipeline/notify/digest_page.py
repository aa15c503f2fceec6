"""The digest as text, and as a page that asks nobody outside for anything. Pure."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from pipeline.output.markup import Html, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.notify.digest import Digest, DigestLine

_COLUMNS = 78
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:1.5rem auto;padding:0 1rem;color:#1c2430;background:#fff}"
    "h1{font-size:1.25rem}h2{font-size:1rem;margin:1.4rem 0 .3rem;border-bottom:1px solid #ccd3dc}ul{margin:.3rem 0;padding-left:1.2rem}"
    "li{margin:.5rem 0;overflow-wrap:anywhere}.o{font-size:1.05rem}time{white-space:nowrap}.s{color:#414b5a}"
    ".c{color:#5a6575;font-size:.9rem;margin-top:2rem}a{color:#1f5fbf}"
    "@media print{body{margin:0;max-width:none}h2{break-after:avoid}li{break-inside:avoid}}"
)


def as_text(digest: Digest) -> str:
    """Return the digest as plain text."""
    blocks = [_wrapped(digest.opening, "", "")]
    for section in digest.sections:
        lines = [_wrapped(part, "    " if place else "  - ", "    ") for line in section.lines for place, part in enumerate(line) if part]
        blocks.append("\n".join((section.title, *lines)))
    return "\n\n".join((*blocks, _wrapped(digest.closing, "", ""))) + "\n"


def _wrapped(words: str, first: str, others: str) -> str:
    return textwrap.fill(words, _COLUMNS, initial_indent=first, subsequent_indent=others, break_long_words=False, break_on_hyphens=False)


def as_html(digest: Digest) -> str:
    """Return the digest as a page without anything from outside, to be read in a mail program and printed."""
    sections = "".join(f"<h2>{text(one.title)}</h2><ul>{_items(one.lines)}</ul>" for one in digest.sections)
    return Html(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{text(digest.subject)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{text(digest.subject)}</h1><p class=o>{text(digest.opening)}</p>{sections}"
        f"<p class=c>{text(digest.closing)}</p></body></html>\n"
    )


def _items(lines: Iterable[DigestLine]) -> str:
    return "".join(
        f"<li>{_dated(line.says)}"
        + (f"<br><span class=s>{_dated(line.step)}</span>" if line.step else "")
        + (f' <a href="{text(line.link)}">See the evidence</a>' if line.link else "")
        + "</li>"
        for line in lines
    )


def _dated(words: str) -> str:
    """Return words for HTML, in which no line breaks within a date."""
    return re.sub(r"\d{4}-\d\d-\d\d", r"<time>\g<0></time>", text(words))
