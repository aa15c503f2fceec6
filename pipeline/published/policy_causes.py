"""The one cause why a text as a whole is no policy, told instead of a finding for each of its lines (RFC 8461 §3.2). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class TextCause(NamedTuple):
    """One kind of text that is no policy."""

    applies: Callable[[str, str], bool]
    """Whether a text, and its beginning in lower case, is of that kind."""
    code: str
    what: str
    why: str
    fix: str


def whole_text_cause(text: str) -> TextCause | None:
    """Return why a text as a whole is no policy; None where it may be one."""
    start = text.lstrip("\ufeff \t\r\n")[:200].lower()
    return next((cause for cause in _CAUSES if cause.applies(text, start)), None)


def _is_one_line(text: str, start: str) -> bool:
    return len(text.splitlines()) == 1 and sum(f"{key}:" in start for key in ("version", "mode", "max_age", "mx")) > 1


def _ends_in_cr(text: str, _start: str) -> bool:
    rest = text.replace("\r\n", "")
    return "\r" in rest and "\n" not in rest


_CAUSES = (
    TextCause(
        lambda text, _: not text.strip("\ufeff \t\r\n"),
        "policy-empty",
        "the file is empty",
        "senders find no policy in it (RFC 8461 §3.2)",
        "put the policy there",
    ),
    TextCause(
        lambda _, start: start.startswith(("<!doctype", "<html", "<head", "<body", "<?xml", "<!--", "<script")),
        "policy-html",
        "a web page (HTML) is served where the policy should be",
        "senders find no policy in it (RFC 8461 §3.2); a site that answers every address with its start page does this",
        "serve the policy file itself at this address",
    ),
    TextCause(
        lambda _, start: start.startswith(("{", "[")),
        "policy-json",
        "JSON is served where the policy should be",
        "a policy is lines of `key: value` (RFC 8461 §3.2)",
        "write it as lines",
    ),
    TextCause(
        lambda _, start: start.startswith(("v=stsv1", '"v=stsv1')),
        "policy-is-record",
        "the text of the TXT record is served where the policy should be",
        "the record and the file are two things: the file has version, mode, mx and max_age (RFC 8461 §3.2)",
        "serve the policy file at this address",
    ),
    TextCause(
        lambda text, _: text.startswith("\ufeff"),
        "policy-bom",
        "the file begins with a byte order mark",
        "it belongs to the first key, so that senders find no version (RFC 8461 §3.2)",
        "save it as UTF-8 without a byte order mark",
    ),
    TextCause(
        _ends_in_cr,
        "policy-line-ends",
        "lines end in CR alone",
        "lines end in CRLF or LF; senders read one long line (RFC 8461 §3.2)",
        "save it with the line ends of Unix or Windows",
    ),
    TextCause(
        lambda text, start: _is_one_line(text, start) and "\\n" in start,
        "policy-one-line",
        "the whole policy stands in one line, with \\n written out instead of line ends",
        "every `key: value` has a line of its own; senders find no policy in it (RFC 8461 §3.2)",
        "write each key in a line of its own",
    ),
    TextCause(
        _is_one_line,
        "policy-one-line",
        "the whole policy stands in one line",
        "every `key: value` has a line of its own; senders find no policy in it (RFC 8461 §3.2)",
        "write each key in a line of its own",
    ),
)
"""The first that applies is the cause."""
