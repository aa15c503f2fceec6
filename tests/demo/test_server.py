"""The IMAP server: messages byte for byte, dates kept, TLS that verifies, the same names every time, and no trace afterwards."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta

import imapclient
import pytest
from imapclient.exceptions import LoginError

from pipeline.demo.imap_server import serve_mailbox
from pipeline.demo.mail import DemoMail

USER, PASSWORD = "tls-reports@example.com", "s3cret"
BEGIN = datetime(2026, 9, 1, 4, 5, 6, tzinfo=UTC)
AWKWARD = (
    b"Subject: plain\r\n\r\nbody\r\n",
    b"",
    b"Subject: bare\nlf\n\nbody\n",
    b"Subject: binary\r\n\r\n" + bytes(range(256)) * 9,
    b"no header at all",
    b"Subject: long\r\n\r\n" + b"x" * 1_200_000,
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\ntwo\r\n--b--\r\n',
)


def mail(content, number=0):
    return DemoMail(BEGIN + timedelta(minutes=number), content, "", "")


def connect(endpoint, password=PASSWORD):
    context = ssl.create_default_context(cafile=str(endpoint.ca_file))
    client = imapclient.IMAPClient(endpoint.host, endpoint.port, ssl_context=context, timeout=60)
    client.normalise_times = False
    try:
        client.login(USER, password)
    except BaseException:
        client.shutdown()
        raise
    return client


def fetched(client, uids):
    got = {}
    for at in range(0, len(uids), 200):
        got |= client.fetch(uids[at : at + 200], ["BODY.PEEK[]", "INTERNALDATE", "RFC822.SIZE", "FLAGS"])
    return got


def test_messages_come_back_byte_for_byte_with_size_and_date(tmp_path):
    mails = [mail(content, number) for number, content in enumerate(AWKWARD)]
    with serve_mailbox(mails, USER, PASSWORD, folder=tmp_path) as endpoint, connect(endpoint) as client:
        client.select_folder("INBOX", readonly=True)
        uids = client.search(["UID", "1:20000"])
        assert uids == list(range(1, len(mails) + 1))
        got = fetched(client, uids)
    for uid, sent in zip(uids, mails, strict=True):
        assert got[uid][b"BODY[]"] == sent.content
        assert got[uid][b"RFC822.SIZE"] == len(sent.content)
        assert got[uid][b"INTERNALDATE"] == sent.received_at
        assert got[uid][b"FLAGS"] == ()


def test_parts_and_structure_are_there_for_who_asks(tmp_path):
    with serve_mailbox([mail(AWKWARD[-1])], USER, PASSWORD, folder=tmp_path) as endpoint, connect(endpoint) as client:
        client.select_folder("INBOX", readonly=True)
        got = client.fetch([1], ["BODY.PEEK[2]", "BODYSTRUCTURE", "BODY.PEEK[HEADER]"])[1]
    assert got[b"BODY[2]"].startswith(b"two")
    assert got[b"BODYSTRUCTURE"][1] == b"mixed"
    assert got[b"BODY[HEADER]"].startswith(b"Content-Type: multipart/mixed")


def test_uids_and_uidvalidity_are_the_same_every_time(tmp_path):
    seen = []
    for count in (2, 4):
        mails = [mail(b"Subject: %d\r\n\r\n" % n, n) for n in range(count)]
        with serve_mailbox(mails, USER, PASSWORD, folder=tmp_path, uidvalidity=77) as endpoint, connect(endpoint) as client:
            state = client.select_folder("INBOX", readonly=True)
            assert state[b"UIDNEXT"] == count + 1
            seen.append((state[b"UIDVALIDITY"], client.fetch([2], ["BODY.PEEK[]"])[2][b"BODY[]"]))
    assert seen[0] == seen[1] == (77, b"Subject: 1\r\n\r\n")


def test_an_empty_mailbox_is_empty(tmp_path):
    with serve_mailbox([], USER, PASSWORD, folder=tmp_path) as endpoint, connect(endpoint) as client:
        assert client.select_folder("INBOX", readonly=True)[b"EXISTS"] == 0
        assert client.search(["ALL"]) == []


def test_mail_can_be_moved_marked_and_deleted(tmp_path):
    mails = [mail(b"Subject: %d\r\n\r\n" % n, n) for n in range(4)]
    with serve_mailbox(mails, USER, PASSWORD, folder=tmp_path) as endpoint, connect(endpoint) as client:
        client.create_folder("Processed")
        client.select_folder("INBOX")
        client.move([1, 2], "Processed")
        client.add_flags([3], [rb"\Seen"])
        client.delete_messages([4])
        client.uid_expunge([4])
        assert client.search(["ALL"]) == [3]
        assert client.search(["SEEN"]) == [3]
        client.select_folder("Processed")
        moved = client.search(["ALL"])
        assert [client.fetch([uid], ["BODY.PEEK[]"])[uid][b"BODY[]"] for uid in moved] == [m.content for m in mails[:2]]


def test_a_wrong_password_is_refused_and_the_right_one_goes_on(tmp_path):
    with serve_mailbox([mail(AWKWARD[0])], USER, PASSWORD, folder=tmp_path) as endpoint:
        with pytest.raises(LoginError):
            connect(endpoint, "wrong")
        with connect(endpoint) as client:
            assert client.select_folder("INBOX")[b"EXISTS"] == 1


def test_a_client_that_does_not_know_the_certificate_does_not_connect(tmp_path):
    with serve_mailbox([], USER, PASSWORD, folder=tmp_path) as endpoint, pytest.raises(ssl.SSLCertVerificationError):
        imapclient.IMAPClient(endpoint.host, endpoint.port, ssl_context=ssl.create_default_context(), timeout=5)


def test_three_thousand_mails_load_and_are_fetched_in_seconds(tmp_path):
    body = b"\r\n".join(hashlib.sha256(b"%d" % n).hexdigest().encode() for n in range(40))
    mails = [mail(b"Subject: %d\r\n\r\n" % n + body, n) for n in range(3000)]
    begin = time.process_time()
    with serve_mailbox(mails, USER, PASSWORD, folder=tmp_path) as endpoint:
        loaded = time.process_time()
        with connect(endpoint) as client:
            client.select_folder("INBOX", readonly=True)
            got = fetched(client, client.search(["UID", "1:20000"]))
        done = time.process_time()
    assert [got[uid][b"BODY[]"] for uid in range(1, 3001)] == [m.content for m in mails]
    assert loaded - begin < 3.0
    assert done - loaded < 12.0  # CPU of server and client together, on a slow machine


def test_nothing_is_left_when_it_ends_even_with_a_client_still_there(tmp_path):
    before = threading.active_count()
    with serve_mailbox([mail(AWKWARD[0])], USER, PASSWORD, folder=tmp_path) as endpoint:
        client = connect(endpoint)
        port = endpoint.port
    client.shutdown()
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
