"""From a Dovecot mailbox to committed rows: mails a second, CPU and peak memory, beside fetch-and-discard and beside parsedmarc.

Every line is a command or process of its own on the same mailbox, so that the peak memory is its own and that of its workers (Dovecot is
not in it); CPU seconds include the workers. The mails are those of random worlds, signed; with verification the
keys come from a DNS server on loopback. 2,000 mails by default; 1,000 and 10,000 with --full, where memory should stay flat.
"""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from pipeline.config import load_settings
from pipeline.demo.dns_server import serve_keys
from pipeline.mailbox.imap import ImapMailbox
from tests.bench import peer
from tests.bench.figures import Figure, Pair
from tests.bench.mails import world_mails
from tests.bench.process import Run, run
from tests.dovecot import Dovecot, User, dovecot

FLOOR = "fetched and thrown away"
OURS = "tlsrpt ingest, signatures not checked, one process"
VERIFIED = "tlsrpt ingest, signatures verified, two workers"
UNVERIFIED = "tlsrpt ingest, signatures not checked, two workers"
OURS_MOVING = "tlsrpt ingest, the same, mails moved afterwards"
THEIRS = "parsedmarc, one process"
THEIRS_MOVING = "parsedmarc, the same, mails moved afterwards"


def main(*, full: bool = False) -> list[dict]:
    """Measure, and return a line for each way."""
    rows = []
    for count in (1_000, 10_000) if full else (2_000,):
        with ExitStack() as held:
            folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
            mails, zone = world_mails(count)
            server = held.enter_context(dovecot())
            user, *movers = (server.add_user() for _ in range(3))
            for each in (user, *movers):
                server.deliver_all(each.name, [mail.content for mail in mails])
            dns = held.enter_context(serve_keys(zone))
            del mails
            config, moving = _config(folder, server, user), _config(folder, server, movers[0], after="move")
            _fetch(load_settings(str(config)))  # Dovecot makes its index at the first look
            rows += [_row(FLOOR, count, _alone(config, count))]
            for name, settings, trust, workers in (
                (OURS, config, "off", "0"),
                (UNVERIFIED, config, "off", "2"),
                ("tlsrpt ingest, signatures verified, one process", config, "verify", "0"),
                (VERIFIED, config, "verify", "2"),
                (OURS_MOVING, moving, "off", "0"),
            ):
                done = _ingest(settings, folder / f"lake-{len(rows)}", workers, trust, dns.address)
                told = json.loads(done.output)
                assert told["messages"] == count, told
                rows.append(_row(name, count, done, told["reports_new"]))
            rows += _of_peer(server, user, movers[1], count, folder)
    return rows


def _ingest(config: Path, lake: Path, workers: str, trust: str, resolver: str) -> Run:
    command = ["--config", config, "--lake", lake, "ingest", "--workers", workers, "--format", "json"]
    return run([sys.executable, "-m", "pipeline.cli", *command], TLSRPT_TRUST__DKIM=trust, TLSRPT_TRUST__RESOLVER=resolver)


def _row(way: str, count: int, done: Run, reports: int | None = None) -> dict:
    return {
        "way": way,
        "mails": count,
        "mails_per_second": count / done.wall_seconds,
        "cpu_ms_per_mail": done.cpu_seconds / count * 1000,
        "peak_mib": done.peak_mib,
        "seconds": done.wall_seconds,
        "reports": reports,
    }


def _alone(config: Path, count: int) -> Run:
    done = run([sys.executable, "-m", "tests.bench.ingest", config])
    assert int(done.output) == count, done
    return done


def _of_peer(server: Dovecot, user: User, mover: User, count: int, folder: Path) -> list[dict]:
    try:
        program = peer.installed()
    except peer.PeerMissingError as err:
        return [{"way": str(err)}]
    ways = {THEIRS: (user, 1, False), "parsedmarc, two processes": (user, 2, False), THEIRS_MOVING: (mover, 1, True)}
    return [
        _row(way, count, *program.read_mailbox(server, whose, folder / f"peer-{n}", processes=processes, moves=moves))
        for n, (way, (whose, processes, moves)) in enumerate(ways.items())
    ]


def _config(folder: Path, server: Dovecot, user: User, *, after: str = "keep") -> Path:
    (folder / "password").write_text(user.password, encoding="utf-8")
    config = folder / f"tlsrpt-{after}.toml"
    config.write_text(
        f"""[[mailbox]]
name = "bench"
host = "localhost"
port = {server.port}
ca_file = "{server.ca_file}"
user = "{user.name}"
password_file = "{folder}/password"
after = "{after}"
[trust]
unknown_submitter_per_day = 0
""",
        encoding="utf-8",
    )
    return config


def _fetch(settings) -> int:

    with ImapMailbox(settings.mailbox[0], settings.report_limits) as box:
        box.open("INBOX")
        return sum(len(chunk) for chunk in box.fetch(box.new_uids(list)))


def figures(rows: list[dict]) -> list[Figure]:
    """What the table of all benchmarks says of this: the largest mailbox."""
    largest = max(row.get("mails", 0) for row in rows)
    at = {row["way"]: row for row in rows if row.get("mails") == largest}
    moved = Pair(at.get(OURS_MOVING, {}), at.get(THEIRS_MOVING, {}), "mails_per_second", "mails/s", more_is_better=True)
    kept = moved._replace(ours=at.get(OURS, {}), theirs=at.get(THEIRS, {}))
    what = "IMAP mailbox → committed rows"
    return [
        kept._replace(theirs=at[FLOOR]).figure(what, "fetching the same mails and throwing them away"),
        kept.figure(what, "parsedmarc's command, told to leave the mailbox as it is", aim="5 ×"),
        moved.figure(f"{what}, then moved to a folder", "parsedmarc's command, which moves by default", aim="15 ×"),
        kept._replace(column="cpu_ms_per_mail", unit="CPU ms/mail", more_is_better=False).figure(what, "parsedmarc's command"),
        kept._replace(ours=at.get(VERIFIED, {})).figure(f"{what}, DKIM verified", "parsedmarc's command, which checks none"),
        kept._replace(ours=at.get(VERIFIED, {}), theirs=at.get(UNVERIFIED, {})).figure(
            f"{what}, DKIM verified", "the same with two workers, signatures not checked", aim="0.8 ×"
        ),
    ]


if __name__ == "__main__":
    print(_fetch(load_settings(sys.argv[1])))
