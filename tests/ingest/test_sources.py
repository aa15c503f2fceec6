"""What every source must do, by one suite: nothing lost, nothing twice, foreign mail untouched, and treated only what the lake has.

A way is a small object: `deliver` puts a mail there, `here` says which mails are there still, `words` is what `ingest` gets.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from pipeline.lake.storage.objects import ObjectStore
from pipeline.spool import PIPE, Deposit, Spool
from tests.ingest.graph_server import configuration, graph_server
from tests.ingest.polling import outcomes, sessions, setup
from tests.lake.content import rows
from tests.mailbox.servers import started
from tests.report_mails import NOT_A_REPORT, UNREADABLE, mail

POINTS = ("chunk-read:1", "searched:1", "source-committed:1", "before-treating:1", "source-treated:1", "treated:1")


class SpoolWay:
    empties = True

    def __init__(self, place):
        self.spool = Spool(str(place / "spool"))
        self.config = place / "tlsrpt.toml"
        self.config.write_text(f'[receive]\nspool = "{self.spool.folder}"\n[trust]\ncount = ["unverified", "posted"]\n', encoding="utf-8")
        self.words = ()

    def deliver(self, *mails):
        self.spool.put([Deposit(PIPE, "-", content) for content in mails])

    def here(self):
        waiting = [self.spool.read(entry) for file in self.spool.files() for entry in self.spool.entries(file)]
        return waiting + [Path(path).read_bytes() for path in self.spool.others()]


class FileWay:
    empties = False

    def __init__(self, place):
        self.folder = place / "in"
        self.folder.mkdir()
        self.config = place / "tlsrpt.toml"
        self.config.write_text("", encoding="utf-8")
        self.words = (str(self.folder),)
        self.numbers = count()

    def deliver(self, *mails):
        for content in mails:
            (self.folder / f"{next(self.numbers)}.eml").write_bytes(content)

    def here(self):
        return [path.read_bytes() for path in sorted(self.folder.iterdir())]


class BucketWay:
    empties = True

    def __init__(self, place, storage, address):
        self.environment = storage.environment()
        self.store = ObjectStore("tests", address.removeprefix("s3://tests/"))
        self.config = place / "tlsrpt.toml"
        self.config.write_text(f'[[source]]\nname = "ses"\npath = "{address}"\nafter = "delete"\n', encoding="utf-8")
        self.words = ()
        self.numbers = count()

    def deliver(self, *mails):
        for content in mails:
            self.store.put(f"{next(self.numbers):04}", content)

    def here(self):
        return [self.store.get(file.path) for file in self.store.walk("")]


class GraphWay:
    empties = True

    def __init__(self, place, box):
        self.box = box
        box.throttle_every = 5
        (place / "token").write_text(box.token)
        self.config = place / "tlsrpt.toml"
        self.config.write_text(configuration(box, place / "token", after="delete"), encoding="utf-8")
        self.words = ()

    def deliver(self, *mails):
        for content in mails:
            self.box.deliver(content)

    def here(self):
        return self.box.inbox()


class ImapWay:
    empties = True

    def __init__(self, place, server, user):
        self.server, self.user = server, user
        self.config = setup(place, server, user, after="delete").config
        self.words = ()

    def deliver(self, *mails):
        for content in mails:
            self.server.deliver(self.user.name, content)

    def here(self):
        folders = [self.server._maildir(self.user.name, "INBOX") / name for name in ("new", "cur")]
        return [path.read_bytes() for folder in folders for path in sorted(folder.iterdir())]


class OtherImapWay:
    """A server other than Dovecot. Mailutils takes the time of receipt from the Date of the mail, and has no UID EXPUNGE: mails stay."""

    def __init__(self, place, server):
        self.server, self.user = server, server.add_user()
        with server.look(self.user) as inside:
            self.empties = inside.has("UIDPLUS")
        self.config = setup(place, server, self.user, host="127.0.0.1", tls="none", after="delete").config
        self.words = ()
        self.delivered = {}

    def deliver(self, *mails):
        dated = [content.replace(b"02 Mar 2026", b"02 Apr 2026") for content in mails]
        self.delivered.update(zip(map(_text, dated), mails, strict=True))
        with self.server.look(self.user) as inside:
            inside.append("INBOX", *dated)

    def here(self):
        with self.server.look(self.user) as inside:
            texts = [_text(content) for content in inside.contents("INBOX")]
        return [self.delivered.get(text, text) for text in texts]


def _text(content):
    return content.replace(b"\r\n", b"\n").rstrip()


@pytest.fixture
def graph():
    with graph_server() as running:
        yield running


OTHERS = ("cyrus", "courier", "mailutils")


@pytest.fixture(scope="module")
def cyrus():
    with started("cyrus") as running:
        yield running


@pytest.fixture(scope="module")
def courier():
    with started("courier") as running:
        yield running


@pytest.fixture(scope="module")
def mailutils():
    with started("mailutils") as running:
        yield running


@pytest.fixture(
    params=[
        "spool",
        "files",
        "bucket",
        "graph",
        pytest.param("imap", marks=pytest.mark.dovecot),
        *(pytest.param(name, marks=pytest.mark.servers) for name in OTHERS),
    ]
)
def way(request, tmp_path):
    if request.param in OTHERS:
        return OtherImapWay(tmp_path, request.getfixturevalue(request.param))
    if request.param == "imap":
        return ImapWay(tmp_path, request.getfixturevalue("server"), request.getfixturevalue("user"))
    if request.param == "graph":
        return GraphWay(tmp_path, request.getfixturevalue("graph"))
    if request.param == "bucket":
        return BucketWay(tmp_path, request.getfixturevalue("storage"), request.getfixturevalue("bucket"))
    return {"spool": SpoolWay, "files": FileWay}[request.param](tmp_path)


@pytest.fixture
def ingest(tlsrpt, way, tmp_path):
    def run(*words, **environment):
        command = ("--config", way.config, "--lake", tmp_path / "lake", "ingest", "--format", "json", "--workers", "0")
        return tlsrpt.run(*command, *words, *way.words, **getattr(way, "environment", {}), **environment)

    return run


def test_each_mail_is_read_once_and_foreign_mail_stays(way, ingest, tmp_path):
    lake = tmp_path / "lake"
    way.deliver(mail(1), NOT_A_REPORT, mail(2))
    way.deliver(UNREADABLE, mail(1))
    assert ingest("--dry-run").summary["reports_new"] >= 2
    assert len(way.here()) == 5, "a dry run touches nothing"
    first = ingest()
    assert (first.code, first.summary["reports_new"]) == (0, 2), first.err
    assert sessions(lake) == 2 + 3
    assert NOT_A_REPORT in way.here()
    if way.empties:
        assert mail(1) not in way.here()
    told = outcomes(lake)
    assert (told["stored"], told["quarantined"], told["not_tlsrpt"]) == (2, 1, 1)
    again = ingest()
    assert (again.code, again.summary["reports_new"], outcomes(lake)) == (0, 0, told)


def test_killed_anywhere_nothing_is_lost_and_nothing_is_twice(way, ingest, tmp_path):
    lake = tmp_path / "lake"
    for number, point in enumerate(POINTS):
        way.deliver(mail(number), mail(number + 10))
        killed = ingest(TLSRPT_TEST_FAILPOINT=point)
        assert killed.signal in (0, 9), killed.err
    last = ingest()
    assert last.code == 0, last.err
    reports = rows(lake, "reports")
    assert len(reports) == len({row["report_key"] for row in reports}) == 2 * len(POINTS)
    assert sessions(lake) == sum(number + 1 + number + 11 for number in range(len(POINTS)))
    if way.empties:
        assert way.here() == []


def test_what_comes_by_two_ways_is_stored_once(way, ingest, tlsrpt, tmp_path):
    way.deliver(mail(3))
    assert ingest().code == 0
    spool = Spool(str(tmp_path / "second"))
    spool.put([Deposit(PIPE, "-", mail(3))])
    command = ("--config", way.config, "--lake", tmp_path / "lake", "ingest", "--format", "json", "--workers", "0")
    ran = tlsrpt.run(*command, TLSRPT_RECEIVE__SPOOL=spool.folder, **getattr(way, "environment", {}))
    assert ran.code == 0, ran.err
    assert len(rows(tmp_path / "lake", "raw")) == 1
