"""Each policy row says whose mail its sessions were for, and how that is known."""

from __future__ import annotations

import pytest

from pipeline.message.verdict import VOUCHED, Verdict
from pipeline.report.model import Envelope
from pipeline.report.policy_domains import report_domains
from pipeline.report.rows import Ownership
from tests.report.samples import TLSA, mail, policy, read_document, report, rows_of

SUBJECT = "subject.example"
HEADER = "header.example"
SIGNED = Verdict("verified", "dkim", "pass", authenticated_domain="x.example", dkim_signed_headers=("tls-report-domain", "subject"))
SUBJECT_SIGNED = SIGNED._replace(dkim_signed_headers=("subject",))
NOTHING_SIGNED = SIGNED._replace(dkim_signed_headers=("from",))
EMPTY = Envelope(None, None, None, None, None, None, None, None, declared=True)
FULL = EMPTY._replace(tls_report_domain=HEADER, subject_report_domain=SUBJECT)


def sts(domain="example.com"):
    return policy(policy_domain=domain)


def tlsa(domain="mx1.example.com"):
    return policy(policy_type="tlsa", policy_string=[TLSA], policy_domain=domain, mx_host=...)


def nopolicy(domain="example.com"):
    return policy(policy_type="no-policy-found", policy_string=..., policy_domain=domain, mx_host=...)


def domains(*policies, envelope=EMPTY, verdict=VOUCHED, own=(), mx=()):
    found = report_domains(read_document(report(*policies)), envelope, verdict, Ownership(tuple(own), tuple(mx)))
    return [(each.domain, each.source) for each in found] if isinstance(found, list) else found.code


def test_sts_and_no_policy_found_name_their_domain():
    assert domains(sts("a.example"), nopolicy("b.example"), envelope=FULL, verdict=SIGNED) == [
        ("a.example", "policy"),
        ("b.example", "policy"),
    ]


def test_tlsa_takes_the_domain_of_the_only_sts_policy():
    assert domains(sts("a.example"), tlsa(), envelope=FULL, verdict=SIGNED)[1] == ("a.example", "sts_policy")


def test_tlsa_takes_the_domain_of_the_only_neighbour_that_has_none():
    assert domains(nopolicy("a.example"), tlsa(), envelope=FULL)[1] == ("a.example", "sts_policy")


def test_tlsa_that_names_one_of_several_sts_domains_means_that_one():
    assert domains(sts("a.example"), sts("b.example"), tlsa("b.example"), envelope=FULL)[2] == ("b.example", "sts_policy")


@pytest.mark.parametrize(
    ("verdict", "own", "mx", "envelope", "expected"),
    [
        (SIGNED, ["mx1.example.com"], [], FULL, (HEADER, "signed_header")),
        (SUBJECT_SIGNED, ["mx1.example.com"], [], FULL, (SUBJECT, "signed_subject")),
        (NOTHING_SIGNED, ["mx1.example.com"], [], FULL, ("mx1.example.com", "policy_tlsa")),
        (NOTHING_SIGNED, ["example.com"], ["mx1.example.com"], FULL, ("example.com", "policy_tlsa")),
        (NOTHING_SIGNED, ["example.com", "example.org"], ["mx1.example.com"], FULL, (HEADER, "unsigned_header")),
        (VOUCHED, [], [], FULL, (HEADER, "unsigned_header")),
        (VOUCHED, [], [], EMPTY, ("mx1.example.com", "policy_tlsa")),
        (VOUCHED._replace(dkim_signed_headers=("tls-report-domain",)), [], [], FULL, (HEADER, "unsigned_header")),
    ],
)
def test_tlsa_alone_takes_the_best_proof_there_is(verdict, own, mx, envelope, expected):
    assert domains(tlsa(), envelope=envelope, verdict=verdict, own=own, mx=mx) == [expected]


def test_several_mx_hosts_are_of_one_domain():
    assert domains(tlsa("mx1.example.com"), tlsa("mx2.example.com"), envelope=FULL) == [(HEADER, "unsigned_header")] * 2


def test_a_policy_without_domain_takes_its_neighbours():
    assert domains(sts("a.example"), nopolicy(...)) == [("a.example", "policy"), ("a.example", "sts_policy")]


def test_a_policy_without_domain_and_neighbours_takes_what_the_mail_says():
    assert domains(nopolicy(...), envelope=FULL) == [(HEADER, "unsigned_header")]
    assert domains(nopolicy(...), envelope=EMPTY._replace(subject_report_domain=SUBJECT)) == [(SUBJECT, "unsigned_header")]
    assert domains(nopolicy(...), tlsa("a.example")) == [("a.example", "policy_tlsa")] * 2


def test_a_policy_domain_that_is_none_counts_as_absent():
    assert domains(sts("not a domain"), envelope=FULL) == [(HEADER, "unsigned_header")]
    assert domains(sts("*.example.com"), envelope=FULL) == [(HEADER, "unsigned_header")]


def test_where_nothing_names_a_domain_the_report_is_quarantined():
    assert domains(nopolicy(...)) == "report_domain_unknown"


def test_one_of_several_is_better_than_none():
    assert domains(sts("b.example"), sts("a.example"), nopolicy(...))[2] == ("a.example", "policy_tlsa")


def test_rows_carry_the_domain_and_say_where_it_was_derived():
    rows = rows_of(mail(report(sts("a.example"), nopolicy(...), tlsa())))
    report_row, policies, _ = rows.reports[0]
    assert report_row.report_domains == ("a.example",)
    assert [row.report_domain for row in policies] == ["a.example"] * 3
    assert [row.policy_domain for row in policies] == ["a.example", "a.example", "mx1.example.com"]
    assert [row.policy_domain_derived for row in policies] == [False, True, False]
    assert report_row.quirks == ("policy_domain_derived",)
