"""The reporters that verdicts may rest on without anybody vouching for them (`[trust] reporters` names more).

A signature proves that a domain said something, not that it is true: anybody can mail verified reports from a domain bought this morning.
So readiness and incidents that block something ask for known reporters. Whoever is not in this list becomes known by the configuration,
or by reports received on fourteen distinct days.

On the list is who is seen to send reports in public samples *and* does not give mailboxes under its signing domain to the public: whoever
has a mailbox at a web mail service can send mail that its domain signs. That leaves out, on purpose, senders such as mail.ru and
fastmail.com, whose reports are real; an operator who knows the risk names them in the configuration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Reporter(NamedTuple):
    """A sender of TLS reports."""

    domain: str
    """Organisational domain of its signatures."""
    name: str
    addresses: frozenset[str]
    """The From addresses its reports come from, lower-case. Its domain signs other mail too, with the words of strangers in it."""
    seen: str
    """What is known of its reports, and since when."""
    usually: str
    """When its reports usually come."""


REPORTERS = (
    Reporter(
        "google.com",
        "Google (Gmail, Workspace)",
        frozenset({"noreply-smtp-tls-reporting@google.com"}),
        "sts and no-policy-found, 2048 bit, expires after seven days; consumer mail is gmail.com",
        "usually daily, to every domain that gets mail from Gmail or Google Workspace",
    ),
    Reporter(
        "microsoft.com",
        "Microsoft (Exchange Online, Outlook)",
        frozenset({"tlsrpt-noreply@microsoft.com"}),
        "sts and tlsa, 1024 bit; consumer mail is outlook.com and hotmail.com",
        "usually daily, to every domain that gets mail from Microsoft 365 or Outlook",
    ),
)
"""Who is known without configuration."""


def known_names(configured: Iterable[str]) -> frozenset[str]:
    """Return the reporters known by name: the shipped list and the configured ones."""
    return frozenset(reporter.domain for reporter in REPORTERS) | {name.strip().rstrip(".").lower() for name in configured}


def shipped_reporter(domain: str) -> Reporter | None:
    """Return the reporter of the shipped list with that (lower-case) domain."""
    return next((reporter for reporter in REPORTERS if reporter.domain == domain), None)


def is_known_reporter(submitter_domain: str, configured: Iterable[str] = ()) -> bool:
    """Whether the (lower-case) domain is one of the shipped or configured reporters. A domain below one of them is a reporter of its own.

    Ask this of an authenticated domain only (tiers `verified` and `attested`): anything else is a claim.
    """
    return submitter_domain in known_names(configured)
