"""Makes `data/sample`: a day of reports of the demo's world as mails, the odd mails of the weeks before as an mbox, two bare files.

`python -m tests.project.sample` (`make sample`). The keys that sign are made for the occasion and thrown away, so the signatures
differ from run to run, and the mails count as vouched by whoever imports them.
"""

from __future__ import annotations

import gzip
import json
import shutil
from datetime import date
from typing import TYPE_CHECKING

from pipeline.demo.demo_folder import WORLD_FILE
from pipeline.demo.world import World
from pipeline.demo.worldfile import read_spec
from tests.project.tree import ROOT

if TYPE_CHECKING:
    from pipeline.demo.mail import DemoMail

FOLDER = ROOT / "data" / "sample"
LAST_DAY = date(2026, 10, 31)
DAY = date(2026, 10, 26)


def main() -> None:
    """Write the folder anew."""
    world = World(read_spec(WORLD_FILE, last_day=LAST_DAY))
    for old in ("mails", "odd.mbox", "report.json", "report.json.gz"):
        path = FOLDER / old
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    (FOLDER / "mails").mkdir(parents=True)
    for number, mail in enumerate(world.mails(DAY, DAY), 1):
        (FOLDER / "mails" / f"{number:02}-{mail.reporter or 'odd'}-{mail.domain}.eml").write_bytes(mail.content)
    odd_days = sorted({odd.day for odd in world.spec.odd_mail} - {DAY})
    odd = [mail for day in odd_days for mail in world.mails(day, day) if not mail.reporter or _is_odd(world, day, mail)]
    (FOLDER / "odd.mbox").write_bytes(b"".join(_mbox_item(mail) for mail in odd))
    first, second = list(world.reports(LAST_DAY, LAST_DAY))[:2]
    (FOLDER / "report.json").write_text(json.dumps(first.document, indent=2) + "\n", encoding="utf-8")
    (FOLDER / "report.json.gz").write_bytes(gzip.compress(json.dumps(second.document).encode(), mtime=0))


def _is_odd(world: World, day: date, mail: DemoMail) -> bool:
    """Whether an odd mail of that day is about the same report: the two belong together."""
    return any(
        (odd.day, odd.reporter, odd.domain or world.spec.domains[0].name) == (day, mail.reporter, mail.domain)
        for odd in world.spec.odd_mail
    )


def _mbox_item(mail: DemoMail) -> bytes:
    """One mail of an mbox (RFC 4155): `From ` before it, and quoted in it."""
    lines = mail.content.replace(b"\r\n", b"\n").rstrip(b"\n").split(b"\n")
    quoted = [b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in lines]
    return f"From rua {mail.received_at:%a %b %e %H:%M:%S %Y}\n".encode() + b"\n".join(quoted) + b"\n\n"


if __name__ == "__main__":
    main()
