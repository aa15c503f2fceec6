"""A stranger signs well with a domain of his own, and claims a known reporter: in the contact, in From, in the tags of the signature."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.rows import Ownership, RunStamp
from pipeline.settings.single_tables import TrustSettings
from pipeline.workers.reading_task import Job, read_chunk
from tests.trust.signing import fetched, key_record, report_json, report_mail, rsa_key, sign

OWN, KNOWN = "evil.example", "google.com"
KNOWN_SENDER = "noreply-smtp-tls-reporting@google.com"

HIS = ("verified", OWN)
"""Believed, as a report of his own: the known reporter has nothing to do with it."""
NOBODYS = ("unaligned", KNOWN)


def _claims(contact, *, sender=f"r@{OWN}", domain=OWN, key="evil", extra="", organization="Google Inc."):
    report = json.loads(report_json(contact="x@y.example"))
    report["organization-name"] = organization
    report["contact-info"] = contact
    return sign(report_mail(json.dumps(report).encode(), sender=sender, extra_headers=extra), rsa_key(key), domain=domain)


CONTACTS = {
    "his name before the known address": (f"x@{OWN} <y@{KNOWN}>", NOBODYS),
    "the known address as a name": (f"y@{KNOWN} <x@{OWN}>", HIS),
    "two at signs": (f"x@{KNOWN}@{OWN}", HIS),
    "two at signs, the other way": (f"x@{OWN}@{KNOWN}", NOBODYS),
    "a comment": (f"x@{KNOWN}(@{OWN})", HIS),
    "a NUL": (f"x@{OWN}\0@{KNOWN}", NOBODYS),
    "a line break": (f"x@{OWN}\r\n@{KNOWN}", NOBODYS),
    "an ideographic full stop": ("x@google\u3002com", NOBODYS),
    "a fullwidth letter": ("x@\uff47oogle.com", NOBODYS),
    "a soft hyphen": ("x@goo\u00adgle.com", NOBODYS),
    "a zero-width space": ("x@google\u200b.com", NOBODYS),
    "a dot at the end": (f"x@{KNOWN}.", NOBODYS),
    "an address literal": (f"x@[{KNOWN}]", HIS),
    "a mailto address": (f"mailto:x@{KNOWN}?cc=@{OWN}", HIS),
    "a quoted local part": (f'"x@{OWN}"@{KNOWN}', NOBODYS),
    "a list": (f"x@{OWN}, y@{KNOWN}", NOBODYS),
    "capitals": (f"X@{KNOWN.upper()}", NOBODYS),
    "an encoded word": (f"=?utf-8?q?x=40{OWN}?= <y@{KNOWN}>", NOBODYS),
    "below the known name": (f"x@a.{KNOWN}", ("unaligned", "a.google.com")),
    "plain": (f"x@{KNOWN}", NOBODYS),
}
SENDERS = {
    "a group": (f"{KNOWN_SENDER}: x@{OWN};", ("unaligned", "reporter.example")),
    "two addresses": (f"{KNOWN_SENDER}, x@{OWN}", HIS),
    "two addresses, the other way": (f"x@{OWN}, {KNOWN_SENDER}", NOBODYS),
    "an encoded word": (f"=?utf-8?q?a=40{KNOWN}=3E?= <x@{OWN}>", HIS),
    "a route": (f"<@{KNOWN}:x@{OWN}>", HIS),
    "nothing": ("", ("unaligned", "reporter.example")),
    "plain": (KNOWN_SENDER, NOBODYS),
}


def _taken(keys, mail):
    """Trust tier and submitter of the report as it is stored."""
    rules = TrustSettings(dkim="verify", resolver=keys.address, dns_timeout=0.5)
    job = Job(DEFAULT_LIMITS, Ownership(("rcpt.example",), ()), rules, RunStamp("run", datetime(2026, 5, 14, tzinfo=UTC), "0"))
    (rows,) = read_chunk([fetched(mail)], job)
    (report,) = rows.reports
    return report.report.trust_tier, report.report.submitter_domain


@pytest.mark.parametrize(("contact", "taken"), CONTACTS.values(), ids=CONTACTS)
def test_a_contact_that_looks_like_a_known_reporter_is_not_his(keys, contact, taken):
    assert _taken(keys, _claims(contact)) == taken


@pytest.mark.parametrize(("sender", "taken"), SENDERS.values(), ids=SENDERS)
def test_a_sender_that_looks_like_a_known_reporter_is_not_his(keys, sender, taken):
    assert _taken(keys, _claims(None, sender=sender)) == taken


@pytest.mark.parametrize("domain", [f"{KNOWN}.{OWN}", f"{OWN}.{KNOWN}", "com", "", "*", f"{OWN} {KNOWN}", f"{KNOWN}\t{OWN}"])
def test_a_signing_domain_that_contains_a_known_name_is_not_it(keys, domain):
    keys.zone[f"s1._domainkey.{domain}"] = key_record(rsa_key("evil"))
    tier, submitter = _taken(keys, _claims(f"x@{KNOWN}", domain=domain))
    assert (tier in {"unaligned", "unverified"}, submitter) == (True, KNOWN)
