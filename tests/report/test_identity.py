"""Copies of a report are one report, whatever they came in; different reports are two, however alike their ids."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.message.verdict import VOUCHED, Verdict
from pipeline.report.keys.identity import identity_of, organisational_domain, report_key, submitter_of
from pipeline.report.model import Envelope
from tests.report.samples import TLSA, detail, mail, policy, read_document, report, rows_of, text_of, window

NOBODY = Envelope(None, None, None, None, None, None, None, None, declared=False)
FAILING = report(
    policy(bad=3, details=[detail(), detail(result_type="starttls-not-supported", failed_session_count=1)]),
    policy(policy_type="tlsa", policy_string=[TLSA], mx_host=...),
)


def digest(document) -> str:
    return read_document(document).content_sha256


SAME = {
    "other order of members": dict(reversed(list(FAILING.items()))),
    "other order of policies": {**FAILING, "policies": FAILING["policies"][::-1]},
    "other order of details": {
        **FAILING,
        "policies": [
            {**FAILING["policies"][0], "failure-details": FAILING["policies"][0]["failure-details"][::-1]},
            FAILING["policies"][1],
        ],
    },
    "blanks and line breaks": json.dumps(FAILING, indent=3).encode(),
    "a byte order mark": b"\xef\xbb\xbf" + text_of(FAILING),
    "another zone": {
        **FAILING,
        "date-range": {"start-datetime": "2026-05-11T02:00:00+02:00", "end-datetime": "2026-05-12T01:59:59+02:00"},
    },
    "unknown members": {**FAILING, "x": 1},
    "counts as text": json.loads(json.dumps(FAILING).replace(": 10", ': "10"')),
    "mx-host as text": json.loads(json.dumps(FAILING).replace('["mx1.example.com"]', '"mx1.example.com"')),
    "capitals": json.loads(json.dumps(FAILING).replace('"certificate-expired"', '"Certificate-Expired"').replace('"sts"', '"STS"')),
    "an address spelt otherwise": json.loads(json.dumps(FAILING).replace('"192.0.2.10"', '"::ffff:192.0.2.10"')),
}


@pytest.mark.parametrize("document", SAME.values(), ids=SAME)
def test_the_digest_is_that_of_the_content_not_of_the_spelling(document):
    assert digest(document) == digest(FAILING)


DIFFERENT = {
    "id": {**FAILING, "report-id": "x"},
    "organisation": {**FAILING, "organization-name": "x"},
    "contact": {**FAILING, "contact-info": "x@reporter.example"},
    "window": {**FAILING, "date-range": window("2026-05-10T00:00:00Z", "2026-05-10T23:59:59Z")["date-range"]},
    "a policy twice": {**FAILING, "policies": [*FAILING["policies"], FAILING["policies"][1]]},
    **{
        f"{old} → {new}": json.loads(json.dumps(FAILING).replace(old, new))
        for old, new in (
            (": 10", ": 11"),
            (": 3", ": 4"),
            ('"failed-session-count": 1', '"failed-session-count": 2'),
            ("certificate-expired", "certificate-not-trusted"),
            ("192.0.2.10", "192.0.2.11"),
            ("mx1.example.com", "mx2.example.com"),
            ("max_age: 604800", "max_age: 604801"),
            ('"sts"', '"no-policy-found"'),
        )
    },
}


@pytest.mark.parametrize("document", DIFFERENT.values(), ids=DIFFERENT)
def test_the_digest_changes_with_the_content(document):
    assert digest(document) != digest(FAILING)


def test_texts_cannot_pretend_to_be_two_details():
    """A text that looks like the seam between two JSON arrays is only a text."""
    one = report(policy(details=[detail(failure_reason_code='a"],["b'), detail(failure_reason_code="c")]))
    two = report(policy(details=[detail(failure_reason_code="a"), detail(failure_reason_code="b"), detail(failure_reason_code="c")]))
    turned = report(policy(details=[detail(failure_reason_code="c"), detail(failure_reason_code='a"],["b')]))
    assert digest(one) == digest(turned) != digest(two)


def test_texts_cannot_trade_their_ends():
    """The digest sorts details; what it sorts are whole details."""
    one = report(policy(details=[detail(failure_reason_code="a],[b"), detail(failure_reason_code="c],[d")]))
    two = report(policy(details=[detail(failure_reason_code="a],[d"), detail(failure_reason_code="c],[b")]))
    assert digest(one) != digest(two)


def key_of(content: bytes, **more) -> tuple[str, str]:
    row = rows_of(content, **more).reports[0].report
    return row.identity, row.report_key


def test_a_file_and_a_mail_are_the_same_report():
    packed = mail(FAILING)
    plain = mail(text_of(FAILING), media_type="application/json", encoding="8bit", headers="")
    assert key_of(packed) == key_of(plain) == key_of(text_of(FAILING), bare=True)


def test_the_tier_tells_reports_of_one_identity_apart():
    verified = Verdict("verified", "dkim", "pass", authenticated_domain="reporter.example")
    (identity, key), (same, other) = key_of(mail()), key_of(mail(), verdict=verified)
    assert identity == same
    assert key != other


def test_a_forged_header_does_not_change_the_identity_of_a_report_that_names_its_domain():
    forged = mail(headers="TLS-Report-Domain: victim.example\r\nTLS-Report-Submitter: victim.example\r\n")
    assert key_of(forged) == key_of(mail())


def test_one_id_for_all_domains_of_a_run_makes_a_report_each():
    """Halon's script gives all reports of a run the same id."""
    assert key_of(mail()) != key_of(mail(report(policy(policy_domain="example.org"))))


def test_one_id_in_every_installation_makes_a_report_each():
    """sys4's tlsrpt-reporter counts its reports, so that ids repeat over installations."""
    assert key_of(mail()) != key_of(mail(report(contact_info="tls@other.example")))


def test_a_subdomain_of_the_reporter_is_the_reporter():
    """Mail.ru's contact address is in a subdomain of what signs."""
    one = read_document(report(contact_info="tls@reporter.example"))
    two = read_document(report(contact_info="tls@corp.reporter.example"))
    assert identity_of(one, "x", ["example.com"]) == identity_of(two, "y", ["example.com"])


def test_without_contact_the_submitter_stands_for_it():
    nameless = read_document(report(contact_info=None))
    assert identity_of(nameless, "mail.reporter.example", ["a.example"]) == identity_of(nameless, "reporter.example", ["a.example"])
    assert identity_of(nameless, "reporter.example", ["a.example"]) != identity_of(nameless, "other.example", ["a.example"])


@pytest.mark.parametrize(
    ("name", "organisation"),
    [
        ("mail.google.com", "google.com"),
        ("google.com", "google.com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
        ("x.y.unknown-tld-of-tests", "y.unknown-tld-of-tests"),
    ],
)
def test_the_organisational_domain_is_the_public_suffix_and_one_label(name, organisation):
    assert organisational_domain(name) == organisation


@pytest.mark.parametrize(
    ("verdict", "contact", "envelope", "expected"),
    [
        (Verdict("verified", "dkim", authenticated_domain="signer.example"), "a@contact.example", NOBODY, ("signer.example", "dkim")),
        (Verdict("attested", "authres", authenticated_domain="signer.example"), "a@contact.example", NOBODY, ("signer.example", "authres")),
        (VOUCHED, "a@contact.example", NOBODY, ("contact.example", "contact")),
        (VOUCHED, "nobody", NOBODY._replace(from_domain="from.example"), ("from.example", "from")),
        (VOUCHED, None, NOBODY._replace(tls_report_submitter="Header.example"), ("header.example", "header")),
        (VOUCHED, None, NOBODY, ("reporter-inc", "organization")),
    ],
)
def test_the_submitter_is_the_best_proved_name(verdict, contact, envelope, expected):
    assert submitter_of(read_document(report(contact_info=contact)), envelope, verdict) == expected


@pytest.mark.parametrize(("organisation", "name"), [("mx.Reporter.example", "mx.reporter.example"), (None, "unknown"), ("…", "unknown")])
def test_the_organisation_is_the_last_resort(organisation, name):
    document = report(contact_info=None, organization_name=organisation)
    assert submitter_of(read_document(document), NOBODY, VOUCHED) == (name, "organization")


def test_keys_are_sixty_four_hex_digits():
    for text in (report_key("i", "vouched", "c"), *key_of(mail())):
        assert len(text) == 64
        int(text, 16)


@given(st.permutations(range(4)), st.permutations(range(3)))
def test_no_order_of_policies_and_details_changes_the_key(policies, details):
    made = [policy(good=n, details=[detail(failed_session_count=n + m) for m in range(3)]) for n in range(4)]
    turned = [copy.deepcopy(made[n]) for n in policies]
    for entry in turned:
        entry["failure-details"] = [entry["failure-details"][m] for m in details]
    assert key_of(mail(report(*made))) == key_of(mail(report(*turned)))
