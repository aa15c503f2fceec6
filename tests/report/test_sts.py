"""Policies are read, compared and matched as RFC 8461 says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.sts_policy import StsPolicy, mx_matches, parse_policy, policy_hash
from tests.report.samples import STS_LINES


@pytest.mark.parametrize(
    ("lines", "policy"),
    [
        (STS_LINES, StsPolicy("STSv1", "enforce", 604800, ("mx1.example.com", "*.mail.example.com"))),
        (["version: STSv1 ", "mode:testing", "max_age:\t86400 "], StsPolicy("STSv1", "testing", 86400, ())),
        (["mode: enforce", "mode: none", "mx: a.example", "mx: A.example."], StsPolicy(None, "enforce", None, ("a.example", "a.example"))),
        (["mode: report"], StsPolicy(None, None, None, ())),
        (["max_age: 31557600"], StsPolicy(None, None, 31557600, ())),
        (["max_age: 31557601"], StsPolicy(None, None, None, ())),
        (["max_age: -1"], StsPolicy(None, None, None, ())),
        (["max_age: 00000000001"], StsPolicy(None, None, None, ())),
        (["Mode: enforce", "MX: a.example", "nmx: b.example", "nothing", "", ":"], StsPolicy(None, None, None, ())),
        ([], StsPolicy(None, None, None, ())),
    ],
)
def test_a_policy_is_read_field_by_field(lines, policy):
    assert parse_policy(lines) == policy


@pytest.mark.parametrize(
    ("pattern", "host", "fits"),
    [
        ("mail.example.com", "mail.example.com", True),
        ("Mail.Example.com.", "mail.example.com", True),
        ("*.example.com", "mail.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", ".example.com", False),
        ("mail.example.com", "example.com", False),
        ("*.", "a.", False),
        ("*", "mail.example.com", False),
        ("m*.example.com", "mail.example.com", False),
    ],
)
def test_a_wildcard_stands_for_exactly_one_label(pattern, host, fits):
    assert mx_matches(pattern, host) == fits


@given(st.permutations(STS_LINES), st.lists(st.sampled_from(["", " ", "\t"]), min_size=5, max_size=5))
def test_the_hash_does_not_know_order_and_blanks(lines, blanks):
    assert policy_hash([line + blank for line, blank in zip(lines, blanks, strict=True)]) == policy_hash(STS_LINES)


def test_the_hash_tells_policies_apart():
    assert policy_hash(STS_LINES) != policy_hash(STS_LINES[:-1])
    assert len(policy_hash(STS_LINES)) == 64


@given(st.lists(st.text(max_size=20), max_size=5))
def test_no_lines_make_it_raise(lines):
    parse_policy(lines)
    policy_hash(lines)
