"""Messages per second out of a real Dovecot over TLS, fetched and thrown away: the mailbox layer against a bare imapclient.

The bare client is the floor: whole messages by 200, with nothing asked beforehand (no sizes, so no limit either), nothing checked and
nothing survived. Each run is a process of its own, so that CPU seconds and peak memory are its own; memory has to stay flat from
1,000 to 10,000 mails.
"""

from __future__ import annotations

import os
import random
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime

import imapclient

from pipeline.mailbox.imap import ImapMailbox
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.settings.mailbox_tables import MailboxSettings
from tests.bench.memory import peak_mib
from tests.dovecot import Dovecot, User, dovecot

SIZES = (3_800,) * 50 + (5_000,) * 25 + (6_800,) * 20 + (20_000,) * 4 + (43_000, 79_000)
"""Bytes: about the spread of report mails; half of them have less than four kilobytes."""


def mail(number: int, rng: random.Random) -> bytes:
    """A mail of a realistic size with a body that looks like base64."""
    line = rng.randbytes(54).hex()[:76].encode()
    head = (
        b"From: tlsrpt@example.com\r\nTo: rua@example.org\r\nSubject: Report Domain: example.org\r\nMessage-ID: <%d@example.com>\r\n\r\n"
        % number
    )
    return head + (line + b"\r\n") * (rng.choice(SIZES) // 78)


def fetch_with_mailbox(port: int, user: User, ca_file: str) -> int:
    """All new mail through the mailbox layer; returns bytes."""
    settings = MailboxSettings(name="bench", host="localhost", port=port, user=user.name, password=user.password, ca_file=ca_file)
    with ImapMailbox(settings, DEFAULT_LIMITS) as mailbox:
        mailbox.open("INBOX")
        uids = mailbox.new_uids(list)
        return sum(fetched.size_bytes for chunk in mailbox.fetch(uids) for fetched in chunk)


def fetch_bare(port: int, user: User, ca_file: str) -> int:
    """All mail with imapclient alone; returns bytes."""
    client = imapclient.IMAPClient("localhost", port, ssl_context=ssl.create_default_context(cafile=ca_file))
    client._imap.debug = 0
    client.login(user.name, user.password)
    client.select_folder("INBOX", readonly=True)
    uids = client.search()
    total = 0
    for start in range(0, len(uids), 200):
        total += sum(len(each[b"BODY[]"]) for each in client.fetch(uids[start : start + 200], ["BODY.PEEK[]", "INTERNALDATE"]).values())
    client.logout()
    return total


WAYS = {"bare imapclient": fetch_bare, "mailbox layer": fetch_with_mailbox}


def measured(way: str, server: Dovecot, user: User, count: int) -> dict[str, object]:
    """Run one way in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.fetch", way, str(server.port), user.name, user.password, str(server.ca_file)]
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{way} ended with {status}")
    process.returncode = 0
    process.stdout.close()
    wall, seconds, total, peak = time.perf_counter() - begun, *map(float, said.split())
    return {
        "way": way,
        "mails": count,
        "MB": round(total / 1e6, 1),
        "mails_per_second": round(count / seconds),
        "fetch_seconds": round(seconds, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "wall_seconds": round(wall, 2),
        "peak_mib": round(peak, 1),
    }


def main(*, full: bool) -> list[dict]:
    """Measure at 1,000 and 10,000 mails; at 100,000 too with `full`."""
    rng = random.Random(8460)
    rows = []
    with dovecot() as server:
        for count in (1_000, 10_000, 100_000) if full else (1_000, 10_000):
            user = server.add_user()
            server.deliver_all(user.name, [mail(number, rng) for number in range(count)], received_at=datetime(2026, 5, 1, tzinfo=UTC))
            measured("bare imapclient", server, user, count)  # Dovecot makes its index at the first look
            rows += [measured(way, server, user, count) for way in WAYS]
    return rows


if __name__ == "__main__":
    way, port, name, password, ca_file = sys.argv[1:]
    begun = time.perf_counter()
    total = WAYS[way](int(port), User(name, password), ca_file)
    print(time.perf_counter() - begun, total, peak_mib())
