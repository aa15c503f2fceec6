"""What is said: for every cause and result type, in words of ours, with commands that are safe to paste."""

from __future__ import annotations

import re
import shlex

import pytest

from pipeline.insight.advice.advice_facts import Facts
from pipeline.insight.advice.explanations import explain, explain_result_type
from pipeline.insight.detect.causes import CAUSES
from pipeline.insight.incident import PROMISED, as_json
from pipeline.insight.phrases import sentence_start
from pipeline.insight.safe_commands import is_host
from pipeline.report.result_types import RESULT_TYPES
from tests.insight.asking import only
from tests.insight.book import DOMAIN, GOOGLE, MICROSOFT, MX1, MX2, Book, Fail, day, sts
from tests.some import some

HOSTILE = (
    "$(reboot).example.org",
    "mx1.example.org;id",
    "-oProxyCommand=x",
    "mx1.example.org\n#",
    "`id`",
    "two words",
    "<script>alert(1)</script>",
    "x" * 300,
    "mx..example.org",
    "-mx.example.org",
)


def facts(cause: str, **more) -> Facts:
    given = {
        "cause": cause,
        "domain": DOMAIN,
        "hosts": (MX1, MX2),
        "node": None,
        "reporters": (GOOGLE, MICROSOFT),
        "result_types": ("validation-failure",),
        "reasons": (),
        "patterns": ("mx3.example.org", "*.mail.example.org"),
        "max_age_days": 7,
        "first_day": day(3),
        "last_day": day(9),
        "state": "resolved",
        "fault": "ours",
    }
    return Facts(**{**given, **more})


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("fault", ["ours", "sender", "path", "unknown"])
@pytest.mark.parametrize("state", ["open", "resolved", "unconfirmed"])
def test_every_cause_is_explained_whatever_the_fault_and_the_state(cause, fault, state):
    said = explain(facts(cause, fault=fault, state=state))
    assert len(said.meaning) > 100
    assert len(said.fix) > 100
    assert re.fullmatch(r"RFC \d{4} §\d+(\.\d+)*", CAUSES[cause].rfc)
    assert said.commands
    assert (f"since {day(3)}" if state == "open" else f"from {day(3)} to {day(9)}") in said.meaning
    for sentence in (said.meaning, said.fix):
        assert sentence == sentence_start(sentence)
        assert sentence.endswith(".")
        assert "  " not in sentence
        assert not re.search(r"\bNone\b(?! of)", sentence)


@pytest.mark.parametrize("cause", [c for c in CAUSES if CAUSES[c].checks in ("sts", "starttls", "dane", "any") and c != "policy-stale"])
def test_the_hosts_are_named_and_tried(cause):
    said = explain(facts(cause))
    assert MX1 in said.meaning + said.fix
    if cause != "mx-not-in-policy":
        assert any(MX1 in command for command in said.commands)


@pytest.mark.parametrize("cause", CAUSES)
def test_without_a_host_it_still_reads(cause):
    said = explain(facts(cause, hosts=(), reporters=(), patterns=(), max_age_days=None))
    assert "nobody" not in said.meaning + said.fix
    assert "()" not in said.meaning + said.fix


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_out_of_a_report_reaches_a_command_or_a_sentence_unless_it_is_a_host_name(cause, name):
    said = explain(facts(cause, hosts=(name,), domain=name, reporters=(name,), patterns=(name,), reasons=(name,), node=name))
    assert name not in " ".join((said.fix, *said.commands))
    assert name not in said.meaning
    for command in said.commands:
        assert not re.search(r"[`;\n$<>](?!/dev/null)", command.replace("</dev/null", "").replace("2>/dev/null", ""))


@pytest.mark.parametrize("cause", CAUSES)
def test_commands_are_openssl_dig_delv_or_curl_and_can_be_parsed_by_a_shell(cause):
    for command in some(explain(facts(cause, node="203.0.113.5")).commands):
        words = shlex.split(command.replace("</dev/null", ""))
        assert words[0] in {"openssl", "dig", "delv", "curl"}


def test_an_address_is_put_into_brackets_where_it_has_colons():
    assert "-connect [2001:db8::25]:25" in explain(facts("mx-certificate-expired", node="2001:db8::25")).commands[0]


@pytest.mark.parametrize("result_type", [*RESULT_TYPES, "", "brand-new", "<b>"])
def test_every_result_type_is_explained(result_type):
    said = explain_result_type(result_type)
    assert said.meaning.endswith(".")
    assert said.fix.endswith(".")
    assert re.fullmatch(r"RFC 8460 §\d+(\.\d+)*", said.rfc)
    assert "<b>" not in said.meaning


@pytest.mark.parametrize("name", ["mx1.example.org", "a", "_25._tcp.mx1.example.org", "xn--bcher-kva.example", "a-b.c"])
def test_host_names_are_let_through(name):
    assert is_host(name)


@pytest.mark.parametrize("name", [*HOSTILE, "", None, "MX1.example.org", "mx1.example.org."])
def test_what_is_no_host_name_is_not(name):
    assert not is_host(name)


def test_the_json_has_the_promised_members_in_their_order():
    book = Book()
    for reporter in (GOOGLE, MICROSOFT):
        book.every_day(reporter, 0, 4, sts(60, Fail("certificate-expired", 40)))
    plain = as_json(only(book, 4, evidence=3))
    assert tuple(plain)[: len(PROMISED)] == PROMISED
    assert (plain["first_day"], plain["share"], plain["fault"]) == ("2026-03-02", 0.4, "ours")
    assert len(plain["report_keys"]) == 3
    assert isinstance(plain["mx_hosts"], list)
    assert plain["meaning"].startswith("The certificate that mx1.example.org presents has expired (since 2026-03-02)")


def test_a_host_name_takes_no_capital_where_it_begins_a_sentence():
    assert [sentence_start(text) for text in ("mx1.example.org did not", "2001:db8::1 did", "google.com, gmx.net", "a certificate")] == [
        "mx1.example.org did not",
        "2001:db8::1 did",
        "google.com, gmx.net",
        "A certificate",
    ]
    told = " ".join([explain(facts(cause)).meaning for cause in CAUSES])
    assert not re.search(r"\b(?:Mx1|Google\.com|Microsoft\.com|Example\.org)", told)
