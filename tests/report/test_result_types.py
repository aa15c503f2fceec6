"""The registry is that of RFC 8460, and it is open."""

from __future__ import annotations

from pipeline.report.result_types import GROUPS, RESULT_TYPES


def test_the_registry_has_the_eleven_entries_of_the_standard():
    assert set(RESULT_TYPES) == {
        "starttls-not-supported", "certificate-host-mismatch", "certificate-expired", "certificate-not-trusted", "validation-failure",
        "tlsa-invalid", "dnssec-invalid", "dane-required", "sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid",
    }  # fmt: skip


def test_every_entry_is_explained_in_plain_words():
    for name, entry in RESULT_TYPES.items():
        assert entry.name == name
        assert len(entry.meaning.split()) > 5
        assert entry.rfc.startswith("RFC 8460 §4.3")


def test_every_type_has_a_group():
    assert GROUPS["tlsa-invalid"] == "dane"
    assert GROUPS["sts-policy-invalid"] == "sts"
    assert GROUPS["validation-failure"] == "general"
    assert GROUPS["certificate-expired"] == "negotiation"
    assert GROUPS.keys() == RESULT_TYPES.keys()
    assert "other" not in GROUPS.values()
