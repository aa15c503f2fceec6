"""The first day of somebody with an old mailbox, played from the README: `python -m tests.dashboard.first_day FOLDER`.

A real Dovecot with 300 unsigned reports about seven of twelve configured domains, 100 reports about other people's domains and 50 private
mails. Every command as a terminal of 80 columns shows it goes to FOLDER/first-day.txt, every page to FOLDER as a picture.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

from tests.dashboard.browser import TLSRPT, Visit, chromium, serving
from tests.dovecot import Dovecot, User, dovecot
from tests.report_mails import mail_of

_NAMES = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett", "kilo", "lima")
OWN = tuple(f"{name}.example" for name in _NAMES)
REPORTED = OWN[:7]
REPORTERS = ("google.com", "microsoft.com", "mail.example", "post.example")
DAYS = 60
HOST = "mx1.alpha.example"
"""It takes mail for five of the domains, and its certificate ran out ten days ago."""
COLUMNS = 80
PAGES = (
    "",
    "first_weeks",
    "incidents",
    "domain",
    "domain?domain=alpha.example",
    "domain?domain=lima.example",
    "reporters",
    "hosts",
    "reports",
    "ingest",
)


class Day(NamedTuple):
    """What was said."""

    texts: dict[str, str]
    """By the command, or the step and the command."""
    codes: dict[str, int]


def mails(today: date) -> list[tuple[bytes, datetime]]:
    """Return what is in the mailbox, with when it came."""
    found = []
    for number in range(300):
        about = today - timedelta(days=1 + number * DAYS // 300)
        domain, reporter = REPORTED[number % len(REPORTED)], REPORTERS[number % len(REPORTERS)]
        ill = domain in REPORTED[:5] and (today - about).days <= 10
        found.append((_report(number, about, domain, reporter, ill=ill), _next_morning(about)))
    for number in range(100):
        about = today - timedelta(days=1 + number * DAYS // 100)
        found.append((_report(1000 + number, about, f"other{number % 9}.example", REPORTERS[number % 2], ill=False), _next_morning(about)))
    for number in range(50):
        when = _next_morning(today - timedelta(days=1 + number))
        found.append((f"From: friend{number}@post.example\r\nSubject: Lunch {number}\r\n\r\nAt noon?\r\n".encode(), when))
    return found


def _next_morning(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(0, 0, 30), UTC)


def _report(number: int, about: date, domain: str, reporter: str, *, ill: bool) -> bytes:
    policy = ["version: STSv1", "mode: testing", f"mx: {HOST}", f"mx: mx2.{domain}", "max_age: 86400"]
    failed = 30 if ill else 0
    detail = {"result-type": "certificate-expired", "receiving-mx-hostname": HOST, "failed-session-count": failed}
    document = {
        "organization-name": reporter,
        "date-range": {"start-datetime": f"{about}T00:00:00Z", "end-datetime": f"{about}T23:59:59Z"},
        "contact-info": f"tls@{reporter}",
        "report-id": f"{about}-{number}",
        "policies": [
            {
                "policy": {"policy-type": "sts", "policy-string": policy, "policy-domain": domain, "mx-host": [HOST, f"mx2.{domain}"]},
                "summary": {"total-successful-session-count": 100 - failed, "total-failure-session-count": failed},
                "failure-details": [detail] if ill else [],
            }
        ],
    }
    return mail_of(document, domain=domain, reporter=reporter)


def configure(folder: Path, server: Dovecot, user: User) -> Path:
    """Write the configuration of the README."""
    (folder / "password").write_text(user.password)
    (folder / "password").chmod(0o600)
    own = ", ".join(f'"{name}"' for name in OWN)
    file = folder / "tlsrpt.toml"
    file.write_text(
        f'[lake]\npath = "{folder}/lake"\n\n[[mailbox]]\nname = "rua"\nhost = "localhost"\nport = {server.port}\n'
        f'ca_file = "{server.ca_file}"\nuser = "{user.name}"\npassword_file = "{folder}/password"\n\n'
        f'[domains]\nown = [{own}]\n\n[trust]\nresolver = "127.0.0.1:9"\n'
        "dns_timeout = 0.2\n"
    )
    return file


STEPS: tuple[tuple[str, str], ...] = (
    ("before anything", "status"),
    ("before anything", "doctor"),
    ("first", "ingest"),
    ("nothing counts", "status"),
    ("nothing counts", "doctor"),
    ("nothing counts", "incidents --fail-on ours"),
    ("nothing counts", "incidents --new-since-last"),
    ("nothing counts", "readiness alpha.example"),
    ("nothing counts", "readiness lima.example"),
    ("nothing counts", "readiness alpa.example"),
    ("nothing counts", "coverage"),
    ("nothing counts", "report alpha.example -o {folder}/report.html"),
    ("nothing counts", "export {folder}/part.parquet"),
    ("nothing counts", "rejects"),
    ("nothing counts", "--lake {folder}/lak incidents"),
    ("vouching", "ingest --vouch-before 2999-01-01"),
    ("vouching", "ingest --vouch-before {today}"),
    ("vouched", "status"),
    ("vouched", "doctor"),
    ("vouched", "incidents"),
    ("vouched", "incidents --new-since-last"),
    ("once more", "incidents --new-since-last"),
    ("vouched", "readiness alpha.example"),
    ("vouched", "readiness golf.example"),
    ("vouched", "coverage --fail-on silent"),
    ("vouched", "report alpha.example -o {folder}/report.html"),
)


def play(folder: Path, pictures: Path | None = None) -> Day:
    """Play the day.

    Args:
        folder: Of the configuration and the lake.
        pictures: Where the pages go as pictures, before and after vouching; None: no pictures.
    """
    today, said, codes = datetime.now(UTC).date(), {}, {}
    with dovecot() as server:
        user = server.add_user()
        for content, when in mails(today):
            server.deliver(user.name, content, received_at=when)
        config = configure(folder, server, user)
        step_before = ""
        for step, command in STEPS:
            if pictures is not None and step == "vouching" and step_before != step:
                look(folder, config, pictures, "before")
            step_before = step
            words = [part.format(folder=folder, today=today) for part in command.split()]
            name = f"{step}: tlsrpt {' '.join(words)}".replace(str(folder), "…").replace(str(today), "TODAY")
            codes[name], said[name] = in_terminal([TLSRPT, "--config", str(config), *words], cwd=folder)
        found = re.search(r"\bid ([0-9a-f]{12})\b", said["vouched: tlsrpt incidents --new-since-last"]) or re.search(
            r"\b([0-9a-f]{12})\b", said["vouched: tlsrpt incidents"]
        )
        if found:
            name = "vouched: tlsrpt incidents ID"
            codes[name], said[name] = in_terminal([TLSRPT, "--config", str(config), "incidents", found[1][:5]], cwd=folder)
        if pictures is not None:
            look(folder, config, pictures, "after", incident=found[1] if found else "")
    return Day({name: text.replace(str(folder), "…") for name, text in said.items()}, codes)


def in_terminal(command: list[str], *, cwd: Path) -> tuple[int, str]:
    """Run a command in a terminal of 80 columns; its exit code and what stands there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TLSRPT_")}
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, cwd=cwd, env={**environment, "NO_COLOR": "1", "TERM": "xterm"}
    )
    os.close(theirs)
    read = bytearray()
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        read += part
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", read.decode("utf-8", "replace")).replace("\r\n", "\n")
    return process.wait(timeout=120), "\n".join(line.rpartition("\r")[2].rstrip() for line in text.split("\n"))


def look(folder: Path, config: Path, pictures: Path, when: str, *, incident: str = "") -> None:
    """Take a picture of every page, on a desk and on a phone."""
    pictures.mkdir(parents=True, exist_ok=True)
    with chromium() as browser, serving(folder / "lake", cwd=folder, TLSRPT_CONFIG=str(config)) as address:
        for width in (1280, 390):
            visit = Visit(browser, address, width=width, height=1000)
            for path in (*PAGES, *([f"incident?id={incident}"] if incident else [])):
                visit.open(path)
                visit.page.set_viewport_size(
                    {
                        "width": width,
                        "height": min(3000, int(visit.page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight"))),
                    }
                )
                visit.idle()
                name = re.sub(r"\W+", "-", re.sub("=[0-9a-f]{12}", "", path)) or "overview"
                visit.page.screenshot(path=pictures / f"{when}-{name}-{width}.png")
                visit.page.set_viewport_size({"width": width, "height": 1000})
            visit.close()


def main() -> int:
    """Play it, and write what was said."""
    where = Path(sys.argv[1])
    where.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tlsrpt-") as folder:
        day = play(Path(folder), where)
    lines = [f"### {name} → {day.codes[name]}\n{text}\n" for name, text in day.texts.items()]
    (where / "first-day.txt").write_text("\n".join(lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
