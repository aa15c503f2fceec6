"""A bucket as a live source, on a real object storage: what is new is read, and what is no longer what was read is left alone."""

from __future__ import annotations

import gzip
import json

import obstore
import pytest

from pipeline.cli import main
from pipeline.errors import SignInError
from pipeline.ingest.bucket_source import BucketSource
from pipeline.lake.storage.objects import ObjectStore
from pipeline.report.limits import DEFAULT_LIMITS
from pipeline.settings.mailbox_tables import SourceSettings
from tests.lake.content import rows
from tests.report_mails import NOT_A_REPORT, UNREADABLE, document, mail


@pytest.fixture
def there(bucket):
    return ObjectStore("tests", bucket.removeprefix("s3://tests/"))


def source(bucket, **settings):
    one = BucketSource(SourceSettings(name="ses", path=bucket, **settings), DEFAULT_LIMITS)
    return one, one.names()


def keys(there):
    return sorted(file.path for file in there.walk(""))


@pytest.fixture
def ingest(bucket, tmp_path, capsys):
    def run(**settings):
        lines = "".join(f'{name} = "{value}"\n' for name, value in {"name": "ses", "path": bucket, **settings}.items())
        (tmp_path / "tlsrpt.toml").write_text(f"[[source]]\n{lines}")
        command = ["--config", str(tmp_path / "tlsrpt.toml"), "--lake", str(tmp_path / "lake"), "ingest", "--format", "json"]
        code = main([*command, "--workers", "0"])
        told = capsys.readouterr()
        return code, json.loads(told.out or "{}"), told.err

    return run


def test_mails_and_report_files_are_read_and_only_once(ingest, there, tmp_path):
    there.put("in/0a1b2c", mail(1))
    there.put("in/deep/er/x.json.gz", gzip.compress(json.dumps(document(2)).encode()))
    there.put("in/AMAZON_SES_SETUP_NOTIFICATION", NOT_A_REPORT)
    code, told, err = ingest()
    assert (code, told["messages"], told["reports_new"], told["not_tlsrpt"]) == (0, 3, 2, 1), err
    there.put("in/new", mail(3))
    assert ingest()[1]["messages"] == 1
    there.put("in/0a1b2c", mail(4))
    assert ingest()[1]["reports_new"] == 1, "another object under the same key is another mail"
    assert ingest()[1]["messages"] == 0
    assert len(keys(there)) == 4
    assert {row["account"] for row in rows(tmp_path / "lake", "messages")} == {"ses"}


def test_what_was_read_is_moved_and_the_rest_stays(ingest, there, bucket):
    there.put("one", mail(1))
    there.put("deep/two", mail(2))
    there.put("other", NOT_A_REPORT)
    there.put("broken", UNREADABLE)
    prefix = bucket.removeprefix("s3://tests/")
    assert ingest(after="move", move_to=f"{prefix}/done")[0] == 0
    assert keys(there) == ["broken", "done/deep/two", "done/one", "other"]
    assert ingest(after="move", move_to=f"{prefix}/done")[1]["messages"] == 0


def test_what_was_kept_before_stays_as_it_was_promised(ingest, there):
    there.put("old", mail(1))
    ingest()
    there.put("new", mail(2))
    assert ingest(after="delete")[0] == 0
    assert keys(there) == ["old"]


def test_an_object_that_was_replaced_after_it_was_read_is_not_put_away(there, bucket):
    there.put("a", mail(1))
    one, (name,) = source(bucket, after="delete")
    assert [fetched.content for fetched in one.fetch([name])] == [mail(1)]
    there.put("a", mail(2))
    assert list(one.fetch([name])) == []
    one.treat([(name, "stored")])
    assert there.get("a") == mail(2)
    there.remove("a")
    one.treat([(name, "stored")])
    assert list(one.fetch([name])) == []


def test_what_is_too_large_is_not_fetched(there, bucket):
    there.put("a", b"x" * 2000)
    one = BucketSource(SourceSettings(name="ses", path=bucket), DEFAULT_LIMITS._replace(message_bytes=1000))
    (fetched,) = one.fetch(one.names())
    assert (fetched.content, fetched.size_bytes) == (None, 2000)


def test_more_objects_than_a_page_or_than_are_read_at_once_come_in_order(there, bucket):
    for number in range(40):
        there.put(f"{number:03}", b"%d" % number)
    one, names = source(bucket)
    assert [fetched.ref.item for fetched in one.fetch(names)] == names


@pytest.mark.parametrize(
    ("path", "variables", "expected"),
    [
        ("s3://tests/x", {"AWS_ACCESS_KEY_ID": "wrong"}, (77, "check the keys")),
        ("s3://no-such-bucket/x", {}, (78, "no bucket")),
        ("s3://tests/x", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, (69, "cannot be reached")),
    ],
)
def test_a_source_that_fails_is_one_sentence_and_a_code(ingest, monkeypatch, path, variables, expected):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ended, told, err = ingest(path=path)
    assert (ended, told["mailboxes_failed"]) == (expected[0], 1)
    (line,) = [line for line in err.splitlines() if "source-failed" in line]
    assert expected[1] in line


@pytest.mark.parametrize(
    "settings", [{"path": "bucket/x"}, {"path": "s3://b/x", "after": "move"}, {"path": "s3://tests/a/b", "after": "move", "move_to": "a"}]
)
def test_settings_that_cannot_be_meant_are_refused(settings):
    with pytest.raises(ValueError, match=r"path|move_to"):
        SourceSettings(name="ses", **settings)


def test_an_object_that_is_replaced_in_the_last_moment_is_not_deleted(there, bucket, monkeypatch):
    there.put("a", mail(1))
    one, (name,) = source(bucket, after="delete")
    there.put("a", mail(2))
    looked = {"e_tag": name.partition("#")[2]}
    monkeypatch.setattr("pipeline.ingest.bucket_access.obstore.head", lambda *_: looked)
    one.treat([(name, "stored")])
    assert there.get("a") == mail(2)


def test_a_storage_that_refuses_to_delete_is_told(there, bucket, monkeypatch):
    there.put("a", mail(1))
    one, (name,) = source(bucket, after="delete")
    sign = obstore.sign
    monkeypatch.setattr("pipeline.ingest.bucket_access.obstore.sign", lambda *words: sign(*words).replace("Signature=", "Signature=00"))
    with pytest.raises(SignInError, match="does not allow"):
        one.treat([(name, "stored")])
    assert there.get("a") == mail(1)
