"""Paths that are not files: said at once, never waited for."""

from __future__ import annotations

import io
import os
import tarfile
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from pipeline.errors import ConfigError, InputError
from pipeline.lake.storage.locate import locate
from pipeline.mailbox.mail_files import read_paths
from pipeline.message.fetched import MessageRef
from pipeline.report.limits import DEFAULT_LIMITS
from tests.ingest.conftest import tlsrpt  # noqa: F401

NOW = datetime(2026, 5, 13, tzinfo=UTC)


def _read(*paths):
    return list(read_paths([str(path) for path in paths], received_at=NOW, limits=DEFAULT_LIMITS))


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to("/dev/null")])
def test_a_pipe_or_device_on_the_command_line_is_refused_at_once(tmp_path, make):
    make(tmp_path / "odd")
    with pytest.raises(InputError, match="neither a file nor a folder; to read from a pipe give -"):
        _read(tmp_path / "odd")


def test_a_pipe_in_a_folder_is_skipped(tmp_path):
    os.mkfifo(tmp_path / "report.json")
    (tmp_path / "real.json").write_bytes(b"{}")
    assert [each.ref for each in _read(tmp_path)] == [MessageRef("file", str(tmp_path), item="real.json")]


def test_what_the_shell_hands_over_is_read():
    reading, writing = os.pipe()
    os.write(writing, b"From: a@b.example\r\n\r\nmail")
    os.close(writing)
    assert [each.content for each in _read(f"/dev/fd/{reading}")] == [b"From: a@b.example\r\n\r\nmail"]
    os.close(reading)


def test_a_member_of_a_tar_that_is_too_large_leaves_the_others(tlsrpt, tmp_path):  # noqa: F811
    from tests.trust.signing import report_json

    with tarfile.open(tmp_path / "a.tar.gz", "w:gz", compresslevel=1) as tar:
        for name, size in (("large.json", 34 << 20), ("small.json", 0)):
            content = b"0" * size or report_json()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    ran = tlsrpt.run("--lake", str(tmp_path / "lake"), "backfill", str(tmp_path / "a.tar.gz"), "--format", "json")
    assert ran.code == 0, ran.err
    ran = tlsrpt.run(
        "--lake", str(tmp_path / "lake"), "sql", "--format", "csv", "select outcome, count(*) from messages group by 1 order by 1"
    )
    assert ran.out.split()[1:] == ["stored,1", "too_large,1"]


@pytest.mark.parametrize("name", ["a%41b", "x%2Fy", "%e4"])
def test_a_lake_is_not_put_where_a_decoded_name_leads(tmp_path, name):
    with pytest.raises(ConfigError, match=f"has {name[name.index('%') :][:3]} in its path"):
        locate(tmp_path / name)
    assert locate(tmp_path / "100 %").uri == str(tmp_path / "100 %")


def test_the_delta_library_does_not_find_what_it_wrote_below_a_percent_code(tmp_path):
    """Decision 0059; where this fails, such a path can be taken literally."""
    for folder in (tmp_path / "a%41b", tmp_path / "a%42b"):
        folder.mkdir()
        address = folder.as_uri() if "42" in folder.name else str(folder)
        with pytest.raises(Exception, match="File not found"):
            DeltaTable.create(address, schema=pa.schema([("a", pa.int64())]))
    for literal in ("100 %", "a b", "x=y", "#?"):
        (tmp_path / literal).mkdir()
        assert DeltaTable.create(str(tmp_path / literal), schema=pa.schema([("a", pa.int64())])).version() == 0
