"""Looking up keys: every look-up is bounded, the same question is asked once, and one sender's dead zone is not a dead resolver."""

from __future__ import annotations

import time

import pytest

from pipeline.errors import ConfigError
from pipeline.trust.key_lookup import GIVE_UP_AFTER, DnsTempError, Resolver, is_host_name, parse_address

NAME = "s1._domainkey.reporter.example"


def _fails(resolver, selector, domain="reporter.example"):
    with pytest.raises(DnsTempError):
        resolver.texts(selector, domain)


def test_an_answer_is_asked_for_once(keys, resolver):
    for _ in range(3):
        assert resolver.texts("s1", "Reporter.Example")[0].startswith(b"v=DKIM1")
    assert keys.questions == [NAME]


def test_that_there_is_no_key_is_asked_for_once(keys, resolver):
    for _ in range(3):
        assert resolver.texts("nothing", "reporter.example") == ()
    assert len(keys.questions) == 1


def test_a_failure_is_not_asked_for_again_at_once(keys, resolver):
    keys.behave("servfail", NAME)
    for _ in range(3):
        _fails(resolver, "s1")
    assert set(keys.questions) == {NAME}
    assert len(keys.questions) <= 2


def test_a_silent_server_costs_no_more_than_the_timeout(keys, resolver):
    keys.behave("drop")
    started = time.monotonic()
    _fails(resolver, "s1")
    assert time.monotonic() - started < 4


def test_an_answer_too_long_for_a_datagram_comes_over_tcp(keys, resolver):
    keys.zone[NAME] = "v=DKIM1; n=" + "x" * 3000
    assert resolver.texts("s1", "reporter.example") == (keys.zone[NAME].encode(),)
    assert keys.questions == [NAME, NAME]


@pytest.mark.parametrize(
    ("selector", "domain"),
    [("a b", "a.example"), ("..", "a.example"), ("x" * 64, "a.example"), ("s1", "localhost"), ("s1", ("x" * 60 + ".") * 4 + "example")],
)
def test_what_is_no_name_is_not_asked_for(keys, resolver, selector, domain):
    assert resolver.texts(selector, domain) == ()
    assert keys.questions == []


def test_a_dead_zone_is_asked_three_times_and_then_left_alone(keys, resolver):
    keys.behave("servfail")
    for number in range(30):
        _fails(resolver, f"n{number}")
    assert len({name for name in keys.questions if name}) == 3
    assert not resolver.down


def test_many_dead_zones_do_not_make_the_resolver_dead(keys, resolver):
    for number in range(GIVE_UP_AFTER + 5):
        keys.behave("servfail", f"s1._domainkey.dead{number}.example")
        _fails(resolver, "s1", f"dead{number}.example")
    assert "" in keys.questions, "the resolver was asked about the root"
    assert not resolver.down
    assert resolver.texts("s1", "reporter.example")


def test_a_resolver_that_never_answers_is_left_alone_after_twenty_failures(keys, resolver):
    keys.behave("servfail")
    for number in range(GIVE_UP_AFTER):
        assert not resolver.down
        _fails(resolver, "s1", f"dead{number}.example")
    assert resolver.down
    asked = len(keys.questions)
    _fails(resolver, "s1", "another.example")
    assert len(keys.questions) == asked


def test_an_answer_in_between_starts_the_count_again(keys, resolver):
    for number in range(2 * GIVE_UP_AFTER):
        if number % 10 == 0:
            resolver.texts(f"fine{number}", "reporter.example")
        keys.behave("servfail", f"s1._domainkey.dead{number}.example")
        _fails(resolver, "s1", f"dead{number}.example")
    assert "" not in keys.questions
    assert not resolver.down


def test_the_cache_is_bounded(keys):
    resolver = Resolver(keys.address, timeout=0.5, cache_names=2)
    for selector in ("a", "b", "c", "a"):
        resolver.texts(selector, "reporter.example")
    assert len(keys.questions) == 4


def test_nobody_at_the_address_is_a_temporary_error():
    _fails(Resolver("127.0.0.1:1", timeout=0.3), "s1")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("dns.example", ("dns.example", 53)),
        ("[::1]:53", ("::1", 53)),
        ("[fe80::1]", ("fe80::1", 53)),
    ],
)
def test_a_resolver_is_host_and_port(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", ":53", "a b", "127.0.0.1:0", "127.0.0.1:99999", "::1", "host:port"])
def test_a_resolver_that_is_not_host_and_port_is_a_sentence(text):
    with pytest.raises(ConfigError, match="host:port"):
        parse_address(text)


@pytest.mark.parametrize("name", ["a.example", "_dmarc.a-b.example", "xn--bcher-kva.example", "20251104"])
def test_labels_of_letters_digits_hyphens_and_underscores_are_a_name(name):
    assert is_host_name(name)


@pytest.mark.parametrize("name", ["", ".", "a..b", "-a.example", "a-.example", "a b", "bücher.example", "a\n.example", "x" * 254])
def test_anything_else_is_none(name):
    assert not is_host_name(name)
