"""What holds for any bytes: the judge never raises, agrees with dkimpy on what verifies, and believes no changed report."""

from __future__ import annotations

import dkim
import pytest
from dkim.canonicalization import CanonicalizationPolicy
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.message.verdict import DKIM_RESULTS
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.report.mime.headers import read_headers
from pipeline.report.model import Envelope, Reading, ReadPart, Rejected
from pipeline.settings.single_tables import TrustSettings
from pipeline.tables.schema import TRUST_TIERS
from pipeline.trust import signed_mail
from pipeline.trust.authres import attested_results
from pipeline.trust.judge import Judge
from pipeline.trust.key_lookup import Resolver
from pipeline.trust.key_records import KeyUnusableError, read_key
from pipeline.trust.signed_mail import SignedMail, without_b
from tests.trust.conftest import KEYS
from tests.trust.signing import fetched, report_mail, rsa_key, sign

FORMS = ("relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple")
SIGNED = {form: sign(report_mail(), rsa_key("s1"), form=form) for form in FORMS}
CLAIM = Envelope(None, None, None, "reporter.example", None, None, None, None, declared=True)
READING = Reading(CLAIM, (ReadPart(None, None, None, Rejected("schema_invalid", "")),), None)


class Zone(Resolver):
    """The keys of the tests without a server: thousands of look-ups a second."""

    def texts(self, selector: str, domain: str) -> tuple[bytes, ...]:
        found = KEYS.get(f"{selector}._domainkey.{domain}")
        return () if found is None else (found.encode(),)


JUDGE = Judge(TrustSettings(authserv_ids=("mx.rcpt.example",)), Zone())


def _verdict(mail: bytes):
    (verdict,) = JUDGE.judge(fetched(mail), READING)
    assert verdict.trust_tier in TRUST_TIERS
    assert verdict.dkim_result in DKIM_RESULTS
    return verdict


def _dkimpy(mail: bytes) -> bool:
    def record(name: bytes, timeout: float = 5) -> bytes | None:
        found = KEYS.get(name.decode().rstrip("."))
        return None if found is None else found.encode()

    try:
        return dkim.verify(mail, dnsfunc=record, minkey=1024, tlsrpt=True)
    except Exception:  # noqa: BLE001 -- it raises what it stumbles on
        return False


EDITS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.integers(0, 2000),
        st.sampled_from([b" ", b"\t", b"  ", b"\r\n", b"\r\n ", b"\n", b"\r", b"x", b":", b";", b"=", b"\x00", b"\xff", b"", b"a: b\r\n"]),
        st.integers(0, 3),
    ),
    max_size=4,
)
"""Place (from the front or the back), what to put there, and how much of what was there goes."""


def _edited(mail: bytes, edits) -> bytes:
    for from_back, at, new, gone in edits:
        place = max(0, len(mail) - at) if from_back else min(at, len(mail))
        mail = mail[:place] + new + mail[place + gone :]
    return mail


@settings(max_examples=400)
@given(st.sampled_from(FORMS), EDITS)
@example("relaxed/relaxed", [(1, 0, b"\r\n", 0), (1, 0, b" ", 0)])
@example("simple/simple", [(1, 0, b"\r\n", 0)])
@example("relaxed/relaxed", [(0, 972, b"\r\n", 3)])
def test_a_changed_mail_verifies_here_exactly_when_it_does_in_dkimpy(form, edits):
    mail = _edited(SIGNED[form], edits)
    verdict = _verdict(mail)
    if (verdict.trust_tier == "verified") != _dkimpy(mail):
        # We are stricter: dkimpy does not mind a signature that leaves From out.
        assert verdict.dkim_result in {"permerror", "unaligned", "no_key"}


@settings(max_examples=300)
@given(EDITS)
def test_a_report_that_was_changed_is_not_verified(edits):
    mail = _edited(SIGNED["relaxed/relaxed"], edits)
    packed = report_mail().partition(b"base64")[2].split()
    if _verdict(mail).trust_tier == "verified":
        assert mail.partition(b"base64")[2].split() == packed


@settings(max_examples=300)
@given(st.binary(max_size=2000), st.booleans())
@example(b"", False)
@example(b" x\r\n", True)
@example(b"DKIM-Signature: v=1; d=reporter.example; s=s1; a=rsa-sha256; i=x; h=from; bh=; b=\r\n\r\n", False)
def test_no_bytes_make_the_judge_raise(noise, in_front):
    _verdict(noise + SIGNED["relaxed/relaxed"] if in_front else noise)


@settings(max_examples=500)
@given(st.text(alphabet="\r\na: ", max_size=30))
@example("a: b\r\n\n\r\nc")
@example("\na: b\n\nc")
def test_what_was_signed_as_body_is_what_is_read_as_body(text):
    mail = text.encode()
    _, body_at = read_headers(mail, 0, len(mail), DEFAULT_LIMITS)
    assert signed_mail._halves(mail)[1] == mail[body_at:]


TAG = st.tuples(
    st.sampled_from(["v", "a", "b", "bh", "c", "d", "h", "i", "l", "q", "s", "t", "x", "z"]),
    st.text(alphabet="0123456789abrsx-:.@/=+ \t\x00é", max_size=20),
)


@settings(max_examples=300)
@given(st.lists(TAG, max_size=14))
def test_no_tags_make_the_judge_raise_or_believe(tags):
    value = "; ".join(f"{name}={text}" for name, text in [("d", "reporter.example"), *tags])
    assert _verdict(f"DKIM-Signature: {value}\r\n".encode("utf-8", "replace") + report_mail()).trust_tier != "verified"


@settings(max_examples=300)
@given(st.text(alphabet=' ;=()"\\\n\tadkimps.=1hern-xov,', max_size=80))
def test_no_results_field_makes_the_judge_raise_or_believe(text):
    folded = text.replace("\r", "").replace("\n", "\r\n ")
    mail = f"Authentication-Results: mx.rcpt.example;{folded}\r\nFrom: a@reporter.example\r\n\r\n".encode()
    assert "reporter.example" not in [one.domain for one in attested_results(SignedMail(mail), ["mx.rcpt.example"])]


@settings(max_examples=300)
@given(st.binary(max_size=300))
@example(b"p=" + b"M" * 200)
@example(b"k=ed25519; p=AAAA")
@example(b"")
@example(b"=")
def test_a_record_is_a_key_or_says_that_it_is_none(record):
    try:
        key = read_key(record)
    except KeyUnusableError:
        return
    assert key.bits > 0


@pytest.mark.parametrize("digits", [20_000, 100_000])
def test_a_key_out_of_all_proportion_costs_nothing(digits):
    import base64

    def number(length):
        body = b"\x7f" * length
        return b"\x02\x83" + len(body).to_bytes(3, "big") + body

    inner = number(digits // 8) + number(digits // 8)
    der = b"\x30\x83" + len(inner).to_bytes(3, "big") + inner
    with pytest.raises(KeyUnusableError):
        read_key(b"v=DKIM1; p=" + base64.b64encode(der))


@pytest.mark.parametrize(
    ("field", "bare"),
    [
        (b" v=1; b=abc; d=x", b" v=1; b=; d=x"),
        (b" v=1; bh=abc=; b =\r\n\ta b\r\n\tc=\r\n", b" v=1; bh=abc=; b ="),
        (b"b=abc", b"b="),
        (b" v=1; z=a b=c", b" v=1; z=a b=c"),
    ],
)
def test_only_the_value_of_b_is_left_out_of_what_is_signed(field, bare):
    assert without_b(field) == bare


@given(st.lists(st.text(" \t\r\n\v\fab\x1c\x85", max_size=12), max_size=4), st.sampled_from(FORMS))
def test_a_field_is_signed_in_the_form_that_dkimpy_gives_it(values, form):
    fields = [(b"Subject", value.encode("latin-1").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n ") + b"\r\n") for value in values]
    policy = CanonicalizationPolicy.from_c_value(form.encode())
    assert signed_mail._canonical(policy, fields) == policy.canonicalize_headers(fields)
