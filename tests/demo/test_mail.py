"""The mails: each sender's form, signatures that dkimpy verifies against the zone, reports that the parser reads."""

from __future__ import annotations

import email
import gzip
import io
import json
import re
import stat
from datetime import UTC, date, datetime, timedelta

import dkim
import pytest

from pipeline.demo.demo_folder import WORLD_FILE
from pipeline.demo.mail_forms import FORMS
from pipeline.demo.signing_keys import KeyRing
from pipeline.demo.simulated_reporters import BY_KEY, REPORTERS
from pipeline.demo.world import World
from pipeline.demo.worldfile import read_spec
from pipeline.report.model import ParsedReport
from pipeline.report.read import read_mail

LAST = date(2026, 11, 22)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return KeyRing(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def world(keys):
    return World(read_spec(WORLD_FILE, last_day=LAST), keys)


@pytest.fixture(scope="module")
def mails(world):
    return list(world.mails(LAST - timedelta(days=16), LAST))


@pytest.fixture(scope="module")
def one_of_each(mails):
    return {mail.reporter: mail for mail in mails if mail.reporter}


def verified(mail, world, monkeypatch):
    """What dkimpy says at the time the mail came in."""
    monkeypatch.setattr("dkim.time.time", mail.received_at.timestamp)
    zone = {name: text.encode() for name, text in world.keys.items()}
    checker = dkim.DKIM(mail.content, minkey=1024, tlsrpt=True)
    return checker.verify(dnsfunc=lambda name, timeout=5: zone.get(name.decode().rstrip("."))), checker


@pytest.mark.parametrize("reporter", [r.key for r in REPORTERS])
def test_dkimpy_verifies_every_senders_signature(reporter, one_of_each, world, monkeypatch):
    passed, checker = verified(one_of_each[reporter], world, monkeypatch)
    assert passed
    assert checker.domain.decode() == BY_KEY[reporter].signing_domain
    assert checker.keysize == BY_KEY[reporter].key_bits
    assert b"l" not in checker.signature_fields


def test_a_mail_that_was_changed_does_not_verify(one_of_each, world, monkeypatch):
    mail = one_of_each["google"]
    changed = mail._replace(content=mail.content.replace(b"This is an aggregate", b"That is an aggregate"))
    with pytest.raises(dkim.ValidationError, match="body hash mismatch"):
        verified(changed, world, monkeypatch)


def test_google_signs_the_report_headers_and_microsoft_does_not(one_of_each, world, monkeypatch):
    _, google = verified(one_of_each["google"], world, monkeypatch)
    _, microsoft = verified(one_of_each["microsoft"], world, monkeypatch)
    assert b"tls-report-domain" in google.signature_fields[b"h"].lower()
    assert b"content-type" not in google.signature_fields[b"h"].lower()
    assert int(google.signature_fields[b"x"]) - int(google.signature_fields[b"t"]) == 7 * 86_400
    assert b"tls-report" not in microsoft.signature_fields[b"h"].lower()
    assert b"x" not in microsoft.signature_fields


def test_the_same_keys_give_the_same_bytes(world, mails):
    again = World(read_spec(WORLD_FILE, last_day=LAST), world.keyring)
    assert list(again.mails(LAST - timedelta(days=16), LAST)) == mails


def test_keys_are_kept_in_the_folder_for_their_owner_alone(tmp_path):
    first = KeyRing(tmp_path / "keys").record("example.net", "s1", 1024)
    assert KeyRing(tmp_path / "keys").record("example.net", "s1", 1024) == first
    (file,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_mails_come_in_the_order_in_which_they_were_received(mails):
    moments = [mail.received_at for mail in mails]
    assert moments == sorted(moments)
    assert all(moment.tzinfo is UTC for moment in moments)


def test_lines_end_in_crlf(mails):
    assert not any(re.search(rb"(?<!\r)\n|\r(?!\n)", mail.content) for mail in mails)


@pytest.mark.parametrize("reporter", [r.key for r in REPORTERS])
def test_the_mail_holds_the_document_packed_as_that_sender_does(reporter, one_of_each, world):
    mail = one_of_each[reporter]
    message = email.message_from_bytes(mail.content)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "tlsrpt"
    assert message["TLS-Report-Domain"] == mail.domain
    text, part = message.get_payload()
    packed = FORMS[BY_KEY[reporter].manner].packed
    assert part.get_content_type() == f"application/tlsrpt+{'gzip' if packed else 'json'}"
    payload = part.get_payload(decode=True)
    document = json.load(gzip.GzipFile(fileobj=io.BytesIO(payload))) if packed else json.loads(payload)
    # In the order of the sender's own members, too.
    expected = [r.document for r in world.reports() if r.reporter == reporter and r.domain == mail.domain]
    assert json.dumps(document) in [json.dumps(candidate) for candidate in expected]
    assert text.get_content_maintype() == "text"
    assert (text.get_content_subtype() == "html") == (reporter == "microsoft")


def test_subjects_are_those_of_the_senders(one_of_each):
    def subject(key):
        return re.sub(r"\r?\n\s+", " ", email.message_from_bytes(one_of_each[key].content)["Subject"])

    assert re.search(r"Report-ID: <\d{4}\.\d\d\.\d\dT00\.00\.00Z\+\S+@google\.com>$", subject("google"))
    assert re.search(r"Report-ID: \d{18}\+\S+$", subject("microsoft"))
    assert re.search(r"Report-ID: <\d+_\d+>$", subject("studio"))
    assert subject("mailru").startswith("Report Domain: ")


def test_halon_ends_its_content_type_with_a_semicolon(one_of_each):
    assert re.search(rb'boundary="[^"]+";\r\n', one_of_each["parcel"].content)


def test_the_parser_reads_every_report_and_loses_no_session(mails, world):
    expected = {}
    for report in world.reports(LAST - timedelta(days=16), LAST):
        expected[report.document["report-id"], report.domain] = sum(sum(p["summary"].values()) for p in report.document["policies"])
    read = 0
    for mail in mails:
        if not mail.reporter:
            continue
        (part,) = read_mail(mail.content, received_at=mail.received_at).parts
        assert isinstance(part.result, ParsedReport), part
        read += 1
        if (part.result.report_id, mail.domain) in expected and mail.reporter != "microsoft":
            counted = sum(policy.success_count + policy.failure_count for policy in part.result.policies)
            assert counted == expected[part.result.report_id, mail.domain]
    assert read >= len(expected)


def test_quirks_are_those_of_the_senders(one_of_each):
    quirks = {}
    for key, mail in one_of_each.items():
        (part,) = read_mail(mail.content, received_at=mail.received_at).parts
        quirks[key] = set(part.result.quirks)
    assert quirks["google"] == set()
    assert "contact_missing" in quirks["studio"]
    assert {"key_underscore", "mx_host_scalar"} <= quirks["fastmail"]


def test_odd_mail_is_what_it_says(world):
    zone = world.keys
    by_kind = dict(zip(sorted(world.spec.odd_mail, key=lambda odd: odd.day), [], strict=False))
    for odd in world.spec.odd_mail:
        (mail,) = World(world.spec._replace(odd_mail=(odd,)), world.keyring).odd_mails(odd.day, odd.day)
        by_kind[odd.kind] = mail
    readings = {kind: read_mail(mail.content, received_at=mail.received_at) for kind, mail in by_kind.items()}
    assert b"DKIM-Signature" not in by_kind["forged"].content
    assert b"d=mallory.example" in by_kind["impostor"].content
    assert "m1._domainkey.mallory.example" in zone
    assert isinstance(readings["forged"].parts[0].result, ParsedReport)
    assert {kind: readings[kind].parts[0].result.code for kind in ("broken-gzip", "broken-json")} == {
        "broken-gzip": "gzip_corrupt",
        "broken-json": "json_malformed",
    }
    assert readings["dmarc"].rejected.code == readings["photo"].rejected.code == "not_tlsrpt"


@pytest.mark.parametrize("kind", ["impostor", "duplicate", "conflict"])
def test_signed_odd_mail_verifies(kind, world, monkeypatch):
    odd = next(odd for odd in world.spec.odd_mail if odd.kind == kind)
    (mail,) = World(world.spec._replace(odd_mail=(odd,)), world.keyring).odd_mails(odd.day, odd.day)
    assert verified(mail, world, monkeypatch)[0]


def test_a_duplicate_is_the_same_report_in_other_bytes(world):
    odd = next(odd for odd in world.spec.odd_mail if odd.kind == "duplicate")
    (again,) = World(world.spec._replace(odd_mail=(odd,)), world.keyring).odd_mails(odd.day, odd.day)
    first = next(m for m in world.mails(odd.day, odd.day) if (m.reporter, m.domain) == (odd.reporter, odd.domain))
    assert first.content != again.content
    assert first.content.partition(b"DKIM-Signature")[2] == again.content.partition(b"DKIM-Signature")[2]


def test_a_signature_over_awkward_white_space_verifies():
    keys = KeyRing()
    message = b"From:  a@example.net \r\nSubject: one\r\n\ttwo   three \r\nTo: b@example.com\r\n\r\nline \t one \r\n\r\n\r\n"
    signed = keys.sign(
        message, domain="example.net", selector="s", headers=("from", "subject", "to", "cc"), signed_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    record = keys.record("example.net", "s").encode()
    assert dkim.verify(signed, dnsfunc=lambda name, timeout=5: record)
