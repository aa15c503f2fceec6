"""The registry is that of RFC 8460, and it is open."""

from __future__ import annotations

from pipeline.report.result_types import RESULT_TYPES, group_of


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


def test_every_type_has_a_group_and_what_is_not_registered_is_other():
    assert group_of("tlsa-invalid") == "dane"
    assert group_of("sts-policy-invalid") == "sts"
    assert group_of("validation-failure") == "general"
    assert group_of("certificate-expired") == "negotiation"
    assert group_of("quantum-failure") == group_of("") == "other"
