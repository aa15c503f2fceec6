"""Archives of report files as a provider has them, made fast: templates with their names, days and counts replaced, gzipped one by one."""

from __future__ import annotations

import random
import zlib
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from pathlib import Path

REPORTERS = (
    ("Google Inc.", "smtp-tls-reporting@google.com", "google.com", 45),
    ("Microsoft Corporation", "tlsrpt-noreply@microsoft.com", "microsoft.com", 25),
    ("Mail.ru", "abuse_tlsrpt@corp.mail.ru", "mail.ru", 8),
    ("comcast.net", "report@tlsrpt.comcast.net", "comcast.net", 7),
    ("GMX", "tlsrpt@gmx.net", "gmx.net", 8),
    ("Mailhardener", "reports@mailhardener.example", "mailhardener.example", 7),
)
HEAD = (
    '{"organization-name":"%s","date-range":{"start-datetime":"%sT00:00:00Z","end-datetime":"%sT23:59:59Z"},"contact-info":"%s",'
    '"report-id":"%s_%s_%d","policies":[%s]}'
)
STS = (
    '{"policy":{"policy-type":"sts","policy-string":["version: STSv1","mode: %s","mx: mx1.%s","mx: mx2.%s","max_age: 604800"],'
    '"policy-domain":"%s","mx-host":["mx1.%s","mx2.%s"]},"summary":{"total-successful-session-count":%d,"total-failure-session-count":%d}%s}'
)
TLSA = (
    '{"policy":{"policy-type":"tlsa","policy-string":["3 1 1 %064x"],"policy-domain":"mx1.%s","mx-host":["mx1.%s"]},'
    '"summary":{"total-successful-session-count":%d,"total-failure-session-count":0}}'
)
DETAIL = (
    '{"result-type":"%s","sending-mta-ip":"192.0.2.%d","receiving-mx-hostname":"mx%d.%s","receiving-ip":"198.51.100.%d",'
    '"failed-session-count":%d}'
)
TYPES = ("certificate-expired", "starttls-not-supported", "validation-failure", "certificate-host-mismatch")
FIRST = date(2025, 1, 1)


def report(number: int, *, days: int = 365) -> tuple[str, bytes]:
    """Return the name and the bytes of report file `number`: a reporter, a domain of some thousands, a day; one in eight has failures."""
    rng = random.Random(number)
    organisation, contact, reporter, _ = rng.choices(REPORTERS, [each[3] for each in REPORTERS])[0]
    domain = f"d{int(20_000 * rng.random() ** 3)}.example.org"
    day = FIRST + timedelta(days=number % days)
    bad = rng.randrange(1, 40) if rng.random() < 0.125 else 0
    details = ",".join(
        DETAIL % (rng.choice(TYPES), rng.randrange(256), rng.randrange(1, 3), domain, rng.randrange(256), rng.randrange(1, 9))
        for _ in range(rng.randrange(1, 5) if bad else 0)
    )
    good = rng.randrange(5_000)
    policies = STS % (
        ("enforce", "testing")[number % 3 == 0], domain, domain, domain, domain, domain, good, bad,
        f',"failure-details":[{details}]' if bad else "",
    )  # fmt: skip
    if reporter == "microsoft.com":
        policies += "," + TLSA % (rng.getrandbits(256), domain, domain, good + bad)
    text = HEAD % (organisation, day, day, contact, day, domain, number, policies)
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return f"{day:%Y/%m/%d}/{reporter}!{domain}!{number}.json.gz", packer.compress(text.encode()) + packer.flush()


def write_some(folder: Path, first: int, last: int, days: int) -> None:
    """Write the report files of these numbers."""
    for number in range(first, last):
        name, content = report(number, days=days)
        (folder / name).write_bytes(content)


def write_archive(folder: Path, files: int, *, days: int = 365) -> None:
    """Write an archive of so many files, a folder for each day."""
    for number in range(days):
        (folder / f"{FIRST + timedelta(days=number):%Y/%m/%d}").mkdir(parents=True, exist_ok=True)
    step = 20_000
    with ProcessPoolExecutor(2) as pool:
        list(
            pool.map(
                write_some,
                *zip(*((folder, first, min(first + step, files), days) for first in range(0, files, step)), strict=True),
            )
        )
