"""The HTTPS intake as senders meet it: over TLS, and what was answered with 2xx is in the spool whatever happens next."""

from __future__ import annotations

import gzip
import http.client
import json
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tests.receive.receivers import GZIP, JSON, MAIL, PATIENCE, TOKEN, receiver
from tests.report_mails import document, mail

REPORT = json.dumps(document(1)).encode()
BODY = gzip.compress(REPORT, mtime=0)
STRANGER = gzip.compress(json.dumps(document(1, domain="example.net")).encode())
ESCAPED = REPORT.replace(b"example.org", b"ex\\u0061mple.org")
MOST = 300_000
POINTS = ("spool-written", "spool-synced", "spool-renamed", "spool-safe")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with receiver(tmp_path_factory.mktemp("receive"), body_bytes=MOST, seconds=60.0, per_minute=0) as one:
        yield one


@pytest.fixture
def empty(running):
    running.spool.remove(running.spool.files())
    return running


def test_reports_are_kept_byte_for_byte_and_answered_with_201(empty):
    assert [empty.post(BODY).status, empty.post(REPORT, JSON).status, empty.post(ESCAPED, JSON + "; charset=utf-8").status] == [201] * 3
    assert empty.contents() == [BODY, REPORT, ESCAPED]
    entries = [entry for file in empty.spool.files() for entry in empty.spool.entries(file)]
    assert {(entry.way, entry.peer) for entry in entries} == {("post", "127.0.0.1")}


def test_what_content_encoding_says_changes_nothing(empty):
    assert empty.post(BODY, Content_Encoding="gzip").status == 201
    assert empty.contents() == [BODY]


def test_raw_mail_is_taken_from_whoever_has_the_token(empty):
    assert empty.post(mail(1), MAIL, Authorization=f"Bearer {TOKEN}").status == 201
    for shown in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": "Bearer \xff"}):
        refused = empty.post(mail(1), MAIL, **shown)
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert empty.contents() == [mail(1)]


REFUSED = {
    "a stranger's domain": (STRANGER, GZIP, 422),
    "no gzip": (b"GIF89a", GZIP, 422),
    "a cut gzip": (BODY[:-9], GZIP, 422),
    "a bomb": (gzip.compress(b" " * 30_000_000), GZIP, 422),
    "nothing": (b"", JSON, 400),
    "another type": (BODY, "application/gzip", 415),
    "no type": (BODY, "", 415),
    "a form": (b"a=example.org", "application/x-www-form-urlencoded", 415),
    "too much": (b"{" * (MOST + 1), JSON, 413),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_says_why_and_repeats_nothing_of_what_came(empty, name):
    body, media, status = REFUSED[name]
    refused = empty.post(body, media, X_Mark="<b>mark</b>")
    assert (refused.status, refused.headers["connection"], refused.headers["location"]) == (status, "close", None)
    assert refused.text.endswith(b"\n")
    assert len(refused.text) < 120
    assert b"mark" not in refused.text
    assert empty.contents() == []


def test_a_body_of_unknown_length_has_the_same_bound(empty):
    def pieces(size):
        yield from (b"{" * 10_000 for _ in range(size // 10_000))

    assert empty.post(pieces(MOST * 2), JSON).status == 413
    assert empty.post(iter([BODY[:50], BODY[50:]])).status == 201


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/tlsrpt", 405), ("PUT", "/v1/tlsrpt", 405), ("POST", "/v1/tlsrpt/", 404), ("POST", "/", 404), ("POST", "/health", 405)],
)
def test_there_is_one_address_to_post_to_and_no_redirect(empty, method, path, status):
    assert empty.ask(method, path, BODY, Content_Type=GZIP).status == status


def test_its_health_can_be_asked(empty):
    assert (empty.ask("GET", "/health").status, empty.ask("HEAD", "/health").status) == (200, 200)


def test_a_sender_that_stalls_is_let_go_in_the_head_and_in_the_body(tmp_path):
    with receiver(tmp_path, seconds=2.0, per_minute=0) as impatient:
        _lets_go(impatient)


def _lets_go(impatient):
    def stall(sent):
        there = impatient.connection()
        there.connect()
        there.sock.sendall(sent)
        with there.sock as sock:
            return sock.makefile("rb").read()

    head = b"POST /v1/tlsrpt HTTP/1.1\r\nHost: a\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Length: 500\r\n"
    second = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\nGET /health HT"
    with ThreadPoolExecutor(4) as threads:
        nothing, half, body, again = threads.map(stall, (b"", head, head + b"\r\nabc", second))
    assert (nothing, half) == (b"", b"")
    assert body.startswith(b"HTTP/1.1 408 ")
    assert again.startswith(b"HTTP/1.1 200 ")
    assert again.count(b"HTTP/1.1") == 1
    assert impatient.contents() == []


def test_what_is_no_http_is_answered_and_harms_nobody(empty):
    for sent in (b"\x16\x03\x01", b"GET\r\n\r\n", b"POST /v1/tlsrpt HTTP/1.1\r\nContent-Length: 1e9\r\n\r\n", b"A" * 100_000):
        there = empty.connection()
        there.connect()
        with there.sock as sock, suppress(OSError):  # it may have closed before all of it was sent
            sock.sendall(sent)
            sock.shutdown(socket.SHUT_WR)
            sock.recv(4096)
    with socket.create_connection(("127.0.0.1", empty.port), timeout=PATIENCE) as plain, suppress(OSError):  # no TLS
        plain.sendall(b"GET /health HTTP/1.1\r\n\r\n")
        plain.recv(4096)
    assert empty.post(BODY).status == 201


def test_many_senders_at_a_time_are_all_kept(empty):
    bodies = [gzip.compress(json.dumps(document(number)).encode()) for number in range(120)]
    with ThreadPoolExecutor(12) as threads:
        assert set(threads.map(lambda body: empty.post(body).status, bodies)) == {201}
    assert sorted(empty.contents()) == sorted(bodies)


def test_asked_to_stop_it_finishes_what_has_begun(tmp_path):
    with receiver(tmp_path) as one:
        there = one.connection()
        there.putrequest("POST", "/v1/tlsrpt")
        there.putheader("Content-Type", GZIP)
        there.putheader("Content-Length", str(len(BODY)))
        there.putheader("Expect", "100-continue")
        there.endheaders()
        assert there.sock.recv(100).startswith(b"HTTP/1.1 100")
        there.sock.sendall(BODY[:20])
        one.process.send_signal(signal.SIGTERM)
        _wait_until_closed(one)
        there.sock.sendall(BODY[20:])
        assert there.getresponse().status == 201
        there.close()
        assert one.process.wait(PATIENCE) == 0
        assert one.contents() == [BODY]


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_what_was_answered_is_there(tmp_path, point):
    bodies = [gzip.compress(json.dumps(document(number)).encode()) for number in range(20)]
    answered = []
    with receiver(tmp_path, tls=False, failpoint=f"{point}:9") as one:
        for body in bodies:
            try:
                status = one.post(body).status
            except (OSError, http.client.HTTPException):
                break
            assert status == 201
            answered.append(body)
        assert one.process.wait(PATIENCE) == -signal.SIGKILL
        kept = one.contents()
    assert len(answered) == 8
    assert kept[:8] == answered
    assert kept[8:] in ([], [bodies[8]])


def test_killed_at_a_random_moment_under_load_what_was_answered_is_there(tmp_path):
    answered: list[bytes] = []
    enough = threading.Event()
    with receiver(tmp_path, tls=False, per_minute=0) as one:

        def send(sender):
            for number in range(10_000):
                body = json.dumps(document(number, reporter=f"r{sender}.example")).encode()
                try:
                    if one.post(body, JSON).status == 201:
                        answered.append(body)
                except (OSError, http.client.HTTPException):
                    return
                if len(answered) > 100:
                    enough.set()

        with ThreadPoolExecutor(6) as threads:
            for sender in range(6):
                threads.submit(send, sender)
            assert enough.wait(PATIENCE)
            one.process.kill()
        kept = one.contents()
    assert len(answered) > 100
    assert set(answered) <= set(kept)
    assert len(kept) <= len(answered) + 6


def _wait_until_closed(one):
    """Until nobody can connect: it has seen that it is to stop."""
    for _ in range(PATIENCE * 20):
        try:
            socket.create_connection(("127.0.0.1", one.port), timeout=PATIENCE).close()
        except ConnectionRefusedError:
            return
        threading.Event().wait(0.05)
    raise AssertionError("it still listens")
