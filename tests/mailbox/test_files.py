from __future__ import annotations

import gzip
import io
import os
import stat
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.mailbox.mail_files import read_paths
from pipeline.report.limits import DEFAULT_LIMITS

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
MAIL = b"Received: from mx.example.com\r\nFrom: tlsrpt@example.com\r\nSubject: Report\r\n\r\nbody\r\n"
REPORT = b'{"organization-name": "Example"}'


def read(*paths, limits=DEFAULT_LIMITS, stdin=None):
    """Return (name → (content, bare), source)."""
    source = read_paths(paths, received_at=NOW, limits=limits, stdin=stdin)
    return {fetched.ref.item: (fetched.content, fetched.bare) for fetched in source}, source


def write(folder, *names, content=MAIL):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("report.json", content)
    return file.getvalue()


def test_a_mail_and_a_bare_report_are_told_apart(tmp_path):
    write(tmp_path, "a.eml")
    write(tmp_path, "b.json", content=REPORT)
    write(tmp_path, "c.json.gz", content=gzip.compress(REPORT))
    write(tmp_path, "d.zip", content=zipped(REPORT))
    found, source = read(tmp_path)
    assert found == {
        "a.eml": (MAIL, False),
        "b.json": (REPORT, True),
        "c.json.gz": (gzip.compress(REPORT), True),
        "d.zip": ((tmp_path / "d.zip").read_bytes(), True),
    }
    assert (source.skipped, source.unreadable) == (0, 0)


def test_a_file_is_known_by_the_path_given_and_its_place_below_it(tmp_path):
    write(tmp_path, "2026/05/a.eml")
    (fetched,) = read_paths([tmp_path], received_at=NOW, limits=DEFAULT_LIMITS)
    assert fetched.ref == ("file", str(tmp_path), None, None, "2026/05/a.eml")
    assert fetched.received_at == NOW
    assert fetched.size_bytes == len(MAIL)
    (named,) = read_paths([tmp_path / "2026/05/a.eml"], received_at=NOW, limits=DEFAULT_LIMITS)
    assert named.ref.item == "a.eml"


def test_folders_are_read_to_the_bottom_in_the_order_of_the_names(tmp_path):
    write(tmp_path, "b/2.eml", "b/1.eml", "a/z/9.eml", "c.eml", "B.eml", "ä.eml")
    found, _ = read(tmp_path)
    assert list(found) == ["B.eml", "a/z/9.eml", "b/1.eml", "b/2.eml", "c.eml", "ä.eml"]


def test_other_files_in_a_folder_are_counted_as_skipped(tmp_path, caplog):
    write(tmp_path, "a.eml")
    write(tmp_path, "photo.jpg", content=b"\xff\xd8\xff\xe0 JFIF")
    write(tmp_path, "README.md", content=b"# A folder\n\nNote: nothing here.\n")
    write(tmp_path, "notes.txt", content=b"Note: remember\nthe milk\n")
    write(tmp_path, "backup.tar.gz", content=gzip.compress(b"tar"))
    write(tmp_path, "empty", content=b"")
    with caplog.at_level("DEBUG", "tlsrpt"):
        found, source = read(tmp_path)
    assert list(found) == ["a.eml"]
    assert source.skipped == 5
    assert [record.fields["path"] for record in caplog.records] == [
        str(tmp_path / name) for name in ("README.md", "backup.tar.gz", "empty", "notes.txt", "photo.jpg")
    ]


def test_a_mail_without_a_suffix_is_known_by_its_header(tmp_path):
    write(tmp_path, "1747123456.M1P1.host,S=90:2,S", "0001", "saved.txt")
    write(tmp_path, "0002", content=b"Delivered-To: <rua@example.org>\nX-Long: " + b"folded\n\t" * 5000 + b"\nDate: now\n\nbody")
    write(tmp_path, "0003", content=REPORT)
    write(tmp_path, "0004", content=gzip.compress(REPORT))
    write(tmp_path, "0005", content=b"\xef\xbb\xbf  " + REPORT)
    found, source = read(tmp_path)
    assert {name: bare for name, (_, bare) in found.items()} == {
        "0001": False,
        "0002": False,
        "0003": True,
        "0004": True,
        "0005": True,
        "1747123456.M1P1.host,S=90:2,S": False,
        "saved.txt": False,
    }
    assert source.skipped == 0


def test_in_a_maildir_every_file_of_cur_and_new_is_a_mail(tmp_path):
    write(tmp_path, "new/1.host", "cur/2.host:2,S", "cur/3.host:2,", "tmp/4.host")
    write(tmp_path, "cur/5.json:2,", content=b"no header at all")
    write(tmp_path, "dovecot-uidlist", content=b"3 V1 N2\n")
    write(tmp_path, ".Sent/cur/6.host:2,")
    found, source = read(tmp_path)
    assert list(found) == ["new/1.host", "cur/2.host:2,S", "cur/3.host:2,", "cur/5.json:2,"]
    assert not any(bare for _, bare in found.values())
    assert source.skipped == 2  # the index, and the hidden folder


def test_a_hidden_maildir_is_read_when_it_is_named(tmp_path):
    write(tmp_path, ".Reports/cur/1.host:2,")
    (tmp_path / ".Reports/new").mkdir()
    found, _ = read(tmp_path / ".Reports")
    assert list(found) == ["cur/1.host:2,"]


def test_a_mail_whose_flags_change_while_we_read_is_found_under_its_new_name(tmp_path):
    write(tmp_path, "cur/1.host:2,", "cur/2.host:2,", "new/0.host")
    source = read_paths([tmp_path], received_at=NOW, limits=DEFAULT_LIMITS)
    names = [next(source).ref.item, next(source).ref.item]
    (tmp_path / "cur/2.host:2,").rename(tmp_path / "cur/2.host:2,S")
    assert names == ["new/0.host", "cur/1.host:2,"]
    assert [fetched.ref.item for fetched in source] == ["cur/2.host:2,"]


def test_a_file_that_is_gone_when_its_turn_comes_is_counted_and_said(tmp_path, caplog):
    write(tmp_path, "1.eml", "2.eml", "3.eml")
    source = read_paths([tmp_path], received_at=NOW, limits=DEFAULT_LIMITS)
    next(source)
    (tmp_path / "2.eml").unlink()
    assert [fetched.ref.item for fetched in source] == ["3.eml"]
    assert source.unreadable == 1
    assert "file-unreadable" in caplog.text


def test_a_path_that_is_missing_is_said_before_anything_is_read(tmp_path):
    write(tmp_path, "a.eml")
    with pytest.raises(InputError, match=r"nowhere does not exist; name a file") as caught:
        read_paths([tmp_path / "a.eml", tmp_path / "nowhere"], received_at=NOW, limits=DEFAULT_LIMITS)
    assert caught.value.exit_code == 66


@pytest.fixture
def as_nobody():
    """Run as somebody without rights; root may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.fixture
def closed_folder(tmp_path):
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder.as_posix().count("/") > 1:
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH | stat.S_IROTH | stat.S_IXGRP | stat.S_IRGRP)
    write(tmp_path, "a.eml", "b.eml", "c/d.eml")
    (tmp_path / "b.eml").chmod(0)
    (tmp_path / "c").chmod(0)
    yield tmp_path
    (tmp_path / "c").chmod(0o700)


def test_a_named_file_that_may_not_be_read_is_one_sentence(closed_folder, as_nobody):
    with pytest.raises(InputError, match=r"b\.eml cannot be read: permission denied"):
        read(closed_folder / "b.eml")


def test_a_named_folder_that_may_not_be_read_is_one_sentence(closed_folder, as_nobody):
    with pytest.raises(InputError, match=r"c cannot be read: permission denied"):
        read(closed_folder / "c")


def test_what_may_not_be_read_in_a_folder_stops_nothing(closed_folder, as_nobody):
    found, source = read(closed_folder)
    assert list(found) == ["a.eml"]
    assert source.unreadable == 2


def test_a_folder_with_nothing_in_it_gives_nothing(tmp_path):
    found, source = read(tmp_path)
    assert (found, source.skipped) == ({}, 0)


def test_a_symlink_loop_is_walked_once(tmp_path):
    write(tmp_path, "a/1.eml", "b/2.eml")
    (tmp_path / "a/back").symlink_to(tmp_path)
    (tmp_path / "b/again").symlink_to(tmp_path / "a")
    (tmp_path / "b/dangling.eml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "b/self").symlink_to(tmp_path / "b/self")
    found, source = read(tmp_path)
    assert list(found) == ["a/1.eml", "b/2.eml"]
    assert source.unreadable == 2


def test_hidden_files_are_skipped_unless_named(tmp_path):
    write(tmp_path, ".hidden.eml", "a.eml")
    found, source = read(tmp_path)
    assert (list(found), source.skipped) == (["a.eml"], 1)
    assert list(read(tmp_path / ".hidden.eml")[0]) == [".hidden.eml"]


def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.eml")
    found, source = read(tmp_path)
    assert (found, source.skipped) == ({}, 1)


def test_what_is_too_large_is_handed_on_without_its_content(tmp_path):
    write(tmp_path, "large.eml", content=MAIL + b"x" * 2000)
    write(tmp_path, "large.json", content=REPORT + b" " * 5000)
    write(tmp_path, "small.json", content=REPORT + b" " * 2000)
    limits = DEFAULT_LIMITS._replace(message_bytes=1000, json_bytes=4000)
    fetched = {each.ref.item: each for each in read_paths([tmp_path], received_at=NOW, limits=limits)}
    assert fetched["large.eml"].content is None
    assert fetched["large.eml"].size_bytes == len(MAIL) + 2000
    assert fetched["large.json"].content is None
    assert fetched["small.json"].content == REPORT + b" " * 2000


def test_a_named_file_is_always_handed_on_whatever_it_is(tmp_path):
    write(tmp_path, "photo.jpg", content=b"\xff\xd8\xff\xe0 JFIF")
    found, source = read(tmp_path / "photo.jpg")
    assert found == {"photo.jpg": (b"\xff\xd8\xff\xe0 JFIF", False)}
    assert source.skipped == 0


def test_a_named_file_is_known_by_its_content_where_its_name_says_nothing(tmp_path):
    write(tmp_path, "download", content=gzip.compress(REPORT))
    write(tmp_path, "report.txt", content=REPORT)
    assert read(tmp_path / "download")[0]["download"][1]
    assert read(tmp_path / "report.txt")[0]["report.txt"][1]


def test_an_empty_mail_is_handed_on(tmp_path):
    write(tmp_path, "empty.eml", content=b"")
    assert read(tmp_path)[0] == {"empty.eml": (b"", False)}


def test_a_name_that_is_no_utf8_still_becomes_text(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.eml")).write_bytes(MAIL)
    found, _ = read(tmp_path)
    (name,) = found
    assert name == "caf\\xe9.eml"
    name.encode("utf-8")


def test_an_mbox_gives_each_of_its_mails(tmp_path):
    write(tmp_path, "all.mbox", content=b"From a Thu Jan  1 00:00:00 2026\n" + MAIL + b"\nFrom b Thu Jan  1 00:00:00 2026\n" + MAIL + b"\n")
    found, _ = read(tmp_path)
    assert found == {"all.mbox#1": (MAIL, False), "all.mbox#2": (MAIL, False)}


@pytest.mark.parametrize("name", ["Inbox", "saved.eml", "mail.txt"])
def test_an_mbox_is_known_by_its_first_line_whatever_it_is_called(tmp_path, name):
    write(tmp_path, name, content=b"From a Thu Jan  1 00:00:00 2026\n" + MAIL)
    assert list(read(tmp_path)[0]) == [f"{name}#1"]


def test_a_file_called_mbox_that_is_a_mail_is_read_as_one(tmp_path):
    write(tmp_path, "one.mbox")
    assert read(tmp_path)[0] == {"one.mbox": (MAIL, False)}


class TestStandardInput:
    def test_a_mail(self):
        assert read("-", stdin=io.BytesIO(MAIL))[0] == {"-": (MAIL, False)}

    @pytest.mark.parametrize("content", [REPORT, gzip.compress(REPORT), zipped(REPORT)], ids=["json", "gzip", "zip"])
    def test_a_report(self, content):
        assert read("-", stdin=io.BytesIO(content))[0] == {"-": (content, True)}

    def test_an_mbox(self):
        mbox = b"From a Thu Jan  1 00:00:00 2026\n" + MAIL + b"\nFrom b Thu Jan  1 00:00:00 2026\n" + MAIL * 1000
        found, _ = read("-", stdin=io.BytesIO(mbox))
        assert found == {"-#1": (MAIL, False), "-#2": (MAIL * 1000, False)}

    def test_more_than_the_limit(self):
        (fetched,) = read_paths(
            ["-"], received_at=NOW, limits=DEFAULT_LIMITS._replace(message_bytes=20_000), stdin=io.BytesIO(MAIL + b"x" * 50_000)
        )
        assert fetched.content is None
        assert fetched.size_bytes > 20_000

    def test_nothing_at_all_is_one_sentence(self):
        with pytest.raises(InputError, match="standard input is empty"):
            read("-", stdin=io.BytesIO(b""))

    def test_something_else_is_handed_on(self):
        assert read("-", stdin=io.BytesIO(b"hello\n"))[0] == {"-": (b"hello\n", False)}

    def test_a_pipe_that_delivers_byte_by_byte(self):
        reader, writer = os.pipe()
        os.write(writer, MAIL[:1])
        os.write(writer, MAIL[1:])
        os.close(writer)
        with os.fdopen(reader, "rb") as stdin:
            assert read("-", stdin=stdin)[0] == {"-": (MAIL, False)}


def test_files_are_opened_one_at_a_time_as_they_are_asked_for(tmp_path):
    write(tmp_path, *(f"{number:04}.eml" for number in range(300)))
    source = read_paths([tmp_path], received_at=NOW, limits=DEFAULT_LIMITS)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(100):
        next(source)
    assert len(list(Path("/proc/self/fd").iterdir())) - before <= 1
    write(tmp_path, "0200.eml", content=b"From: changed@example.org\n\n")
    assert any(fetched.content.startswith(b"From: changed") for fetched in source)
