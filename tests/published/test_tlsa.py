"""TLSA records against certificates (RFC 6698 §2.1, RFC 7672 §3.1)."""

from __future__ import annotations

import pytest
from cryptography import x509

from pipeline.published.tlsa import associated, matches, parse_tlsa, record_for
from tests.authority import Authority


def test_records_are_read_as_zone_files_and_reports_write_them():
    record = parse_tlsa(" 3 1 1 ABCD 0102 ")
    assert (record.usage, record.selector, record.matching, record.association) == (3, 1, 1, "abcd0102")
    assert parse_tlsa("3 1 1") is None
    assert parse_tlsa("three 1 1 ab") is None


@pytest.mark.parametrize(
    ("text", "usable"), [("0 1 1 ab", False), ("1 1 1 ab", False), ("2 0 1 ab", True), ("3 1 2 ab", True), ("3 2 1 ab", False)]
)
def test_only_dane_ta_and_dane_ee_are_usable_for_smtp(text, usable):
    assert parse_tlsa(text).usable is usable


@pytest.fixture(scope="module")
def chain():
    authority = Authority("Test CA")
    leaf, _ = authority.issue("mx.example.org")
    return [x509.load_pem_x509_certificate(pem) for pem in (leaf, authority.certificate_pem)]


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_dane_ee_matches_the_servers_own_certificate_and_dane_ta_any_of_the_chain(chain, selector, matching):
    leaf, root = (associated(certificate, selector, matching) for certificate in chain)
    assert matches(parse_tlsa(f"3 {selector} {matching} {leaf}"), chain)
    assert not matches(parse_tlsa(f"3 {selector} {matching} {root}"), chain)
    assert matches(parse_tlsa(f"2 {selector} {matching} {root}"), chain)
    assert not matches(parse_tlsa(f"1 {selector} {matching} {leaf}"), chain)


def test_the_record_to_publish_matches(chain):
    name, text = record_for(chain[0], "_25._tcp.mx.example.org").split(" TLSA ")
    assert name == "_25._tcp.mx.example.org."
    assert matches(parse_tlsa(text), chain)
