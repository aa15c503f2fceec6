"""The DNS server answers over UDP and TCP, fails as it is told to, and is gone afterwards."""

from __future__ import annotations

import socket
import threading

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import pytest

from pipeline.demo.dns_server import BEHAVIOURS, serve_keys

NAME = "s1._domainkey.example.com"
LONG = "v=DKIM1; k=rsa; p=" + "Ab9+/" * 240


def resolver(server):
    found = dns.resolver.Resolver(configure=False)
    found.nameservers, found.port = [server.host], server.port
    found.timeout = found.lifetime = 1.0
    return found


def text(answer):
    return b"".join(answer[0].strings).decode()


def test_a_key_is_found_whatever_its_length_and_case():
    with serve_keys({NAME: LONG, "s2._domainkey.example.net": 'with "quotes" and \\ and ü'}) as server:
        assert text(resolver(server).resolve(NAME.upper(), "TXT")) == LONG
        assert text(resolver(server).resolve("s2._domainkey.example.net.", "TXT")) == 'with "quotes" and \\ and ü'


def test_a_long_answer_is_cut_over_udp_and_whole_over_tcp():
    query = dns.message.make_query(NAME, "TXT", use_edns=False)
    with serve_keys({NAME: LONG}) as server:
        cut = dns.query.udp(query, server.host, port=server.port, timeout=2)
        whole = dns.query.tcp(query, server.host, port=server.port, timeout=2)
    assert cut.flags & dns.flags.TC
    assert not cut.answer
    assert text(whole.answer[0]) == LONG


def test_several_questions_on_one_tcp_connection_are_answered():
    with serve_keys({NAME: "one"}) as server, socket.create_connection((server.host, server.port), timeout=2) as sock:
        for _ in range(3):
            query = dns.message.make_query(NAME, "TXT")
            dns.query.send_tcp(sock, query)
            assert dns.query.receive_tcp(sock)[0].answer


def test_a_name_that_is_not_there_does_not_exist_and_one_above_it_is_empty():
    with serve_keys({NAME: "x"}) as server:
        with pytest.raises(dns.resolver.NXDOMAIN):
            resolver(server).resolve("s9._domainkey.example.com", "TXT")
        with pytest.raises(dns.resolver.NoAnswer):
            resolver(server).resolve("_domainkey.example.com", "TXT")
        with pytest.raises(dns.resolver.NoAnswer):
            resolver(server).resolve(NAME, "A")


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        ("servfail", dns.resolver.NoNameservers),
        ("refused", dns.resolver.NoNameservers),
        ("nxdomain", dns.resolver.NXDOMAIN),
        ("empty", dns.resolver.NoAnswer),
        ("drop", dns.resolver.LifetimeTimeout),
    ],
)
def test_a_name_behaves_as_it_is_told_and_the_others_go_on(behaviour, error):
    with serve_keys({NAME: "x", "other.example.com": "y"}) as server:
        server.behave(behaviour, NAME)
        with pytest.raises(error):
            resolver(server).resolve(NAME, "TXT")
        assert text(resolver(server).resolve("other.example.com", "TXT")) == "y"
        server.behave("answer", NAME)
        assert text(resolver(server).resolve(NAME, "TXT")) == "x"


def test_all_names_can_fail_at_once():
    with serve_keys({NAME: "x"}) as server:
        server.behave("servfail")
        with pytest.raises(dns.resolver.NoNameservers):
            resolver(server).resolve(NAME, "TXT")


def test_an_unknown_behaviour_is_refused_by_name():
    with serve_keys({}) as server, pytest.raises(ValueError, match="no behaviour is called explode"):
        server.behave("explode")
    assert "drop" in BEHAVIOURS


def test_what_was_asked_is_remembered():
    with serve_keys({NAME: "x"}) as server:
        resolver(server).resolve(NAME, "TXT")
        assert server.questions == [NAME]
        assert server.address == f"127.0.0.1:{server.port}"


def test_rubbish_is_not_answered_and_does_no_harm():
    with serve_keys({NAME: "x"}) as server:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.2)
            sock.sendto(b"\x00" * 5, (server.host, server.port))
            with pytest.raises(TimeoutError):
                sock.recv(100)
        assert text(resolver(server).resolve(NAME, "TXT")) == "x"


def test_the_zone_can_change_while_it_serves():
    with serve_keys({}) as server:
        server.zone[NAME] = "later"
        assert text(resolver(server).resolve(NAME, "TXT")) == "later"


def test_nothing_is_left_when_it_ends():
    before = threading.active_count()
    with serve_keys({NAME: "x"}) as server:
        port = server.port
        resolver(server).resolve(NAME, "TXT")
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
