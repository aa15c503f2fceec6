"""The policy file, line by line (RFC 8461 §3.2)."""

from __future__ import annotations

import pytest

from pipeline.published.mx import judge_mx
from pipeline.published.policy_text import read_policy_file

GOOD = b"version: STSv1\r\nmode: enforce\r\nmx: mx1.example.org\r\nmx: *.mail.example.org\r\nmax_age: 1209600\r\n"
WHERE = "https://mta-sts.example.org/.well-known/mta-sts.txt"


def read(body: bytes):
    policy, findings = read_policy_file(WHERE, body)
    return policy, [(finding.code, finding.severity) for finding in findings], findings


@pytest.mark.parametrize(
    "body",
    [
        GOOD,
        GOOD.replace(b"\r\n", b"\n"),
        GOOD.rstrip(b"\r\n"),
        GOOD.replace(b"mode: ", b"mode:   ").replace(b"enforce", b"enforce  "),
        GOOD + b"later: extension\r\n",
        b"version: STSv1\nmode: none\nmax_age: 86400\n",
    ],
    ids=["crlf", "lf", "no end", "blanks", "extension", "none without mx"],
)
def test_what_the_grammar_allows_is_read_without_a_finding(body):
    policy, codes, _ = read(body)
    assert policy is not None
    assert codes == []


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        (b"version: STSv1", b"version: STSv2", "policy-version-invalid", 1),
        (b"mode: enforce", b"mode: report", "policy-mode-invalid", 2),
        (b"mode: enforce", b"mode enforce", "policy-line-invalid", 2),
        (b"mx: mx1.example.org", b"mx: *.*.example.org", "policy-mx-invalid", 3),
        (b"mx: mx1.example.org", b"mx: mx1_example", "policy-mx-invalid", 3),
        (b"mx: mx1.example.org", "mx: m\u00fcller.example".encode(), "policy-mx-invalid", 3),
        (b"mx: mx1.example.org", b"nmx: mx1.example.org", "policy-key-misspelt", 3),
        (b"mx: mx1.example.org", b"MX: mx1.example.org", "policy-key-misspelt", 3),
        (b"max_age: 1209600", b"max_age: 31557601", "policy-max-age-invalid", 5),
        (b"max_age: 1209600", b"max_age: two weeks", "policy-max-age-invalid", 5),
        (b"max_age: 1209600", b"max_age: 1209600\r\nmode: testing", "policy-key-twice", 6),
    ],
)
def test_each_fault_is_found_in_its_line(old, new, code, line):
    _, codes, findings = read(GOOD.replace(old, new))
    assert (code, "error") in codes
    assert f"line {line}" in next(finding.where for finding in findings if finding.code == code)


@pytest.mark.parametrize("key", ["version", "mode", "max_age", "mx"])
def test_a_line_that_is_missing_is_named(key):
    kept = b"".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith(key.encode()))
    policy, codes, _ = read(kept)
    assert policy is None
    assert codes == [(f"policy-{key.replace('_', '-')}-missing", "error")]


@pytest.mark.parametrize(
    ("age", "mode", "expected"),
    [
        (86_399, "enforce", [("policy-max-age-short", "warn")]),
        (604_799, "enforce", [("policy-max-age-short", "warn")]),
        (604_800, "enforce", []),
        (86_400, "testing", []),
        (31_557_600, "testing", [("policy-max-age-long", "warn")]),
        (31_557_600, "enforce", []),
    ],
)
def test_max_age_too_short_or_too_long_is_a_warning(age, mode, expected):
    body = GOOD.replace(b"1209600", str(age).encode()).replace(b"enforce", mode.encode())
    assert read(body)[1] == expected


def test_too_large_and_no_text_are_refused():
    assert read(GOOD + b"x: " + b"y" * 70_000)[1] == [("policy-too-large", "error")]
    assert read(b"\xff" + GOOD)[1] == [("policy-not-text", "error")]


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (["mx1.example.org", "a.mail.example.org"], ["mx-covered"]),
        (["mx1.example.org", "a.b.mail.example.org"], ["mx-not-in-policy", "mx-pattern-unused"]),
        (["mx1.example.org", "mail.example.org"], ["mx-not-in-policy", "mx-pattern-unused"]),
        (["MX1.example.org"], ["mx-pattern-unused"]),
        ([], ["mx-missing"]),
        (["."], ["mx-null"]),
    ],
)
def test_mx_hosts_are_held_against_the_patterns_with_one_label_for_the_star(hosts, expected):
    policy, _, _ = read(GOOD)
    assert [finding.code for finding in judge_mx("example.org", hosts, policy)] == expected
