"""A lake in a bucket, on a real object storage: the same lake as in a folder, one writer at a time, nobody counted twice."""

from __future__ import annotations

import json
import os
import threading
import time

import pytest

from pipeline.errors import ConfigError, LakeError, SignInError, TlsrptError, TryAgainError, UnreachableError, UsageError
from pipeline.lake.delta.delta_tables import fence_of
from pipeline.lake.delta.snapshot import current_version, open_snapshot
from pipeline.lake.delta.stage import StageName
from pipeline.lake.open_lake import open_for_writing
from pipeline.lake.storage.lease import VARIABLE, Lease
from pipeline.lake.storage.locate import locate
from pipeline.lake.upkeep.erase import erase_domain
from pipeline.lake.upkeep.maintain import maintain
from pipeline.lake.upkeep.vacuum import vacuum
from pipeline.lake.writer import LakeWriter
from pipeline.query import open_lake
from tests.lake.build import message, report
from tests.lake.content import content, sums
from tests.lake.crashes import crash_server
from tests.lake.scenarios import APRIL, BATCHES, ingest, keep_less, late_verdict, rebuild_all

SIGKILL = 9
DONE = (0, 0)


@pytest.fixture
def crashing(bucket):
    """The process that forks children to be killed; started here, it has the environment of the storage."""
    with crash_server(dict(os.environ)) as server:
        yield server


def batch_of_one(number):
    return [message(f"m{number}", report(f"r{number}"))]


def test_it_has_the_same_content_as_one_in_a_folder(bucket, ingested):
    assert (open_snapshot(bucket).batch, current_version(bucket)) == (0, "2.0.0")
    ingest(bucket)
    assert content(bucket) == content(ingested)
    assert current_version(bucket) == open_snapshot(bucket).version == "2.0.3"
    assert locate(bucket).store.walk("_staging") == []


def test_late_verdicts_rebuild_retention_and_erasure_do_the_same_as_in_a_folder(bucket, lake):
    for where in (bucket, lake):
        late_verdict(where)
        rebuild_all(where)
    assert content(bucket) == content(lake)
    for where in (bucket, lake):
        keep_less(where)
    assert content(bucket) == content(lake)
    for where in (bucket, lake):
        with open_for_writing(where) as opened:
            erase_domain(opened, "example.org")
            maintain(opened, today=APRIL)
    assert content(bucket) == content(lake)
    store = locate(bucket).store
    left = [file.path for file in store.walk("") if b"example.org" in (store.get(file.path) or b"")]
    assert left == []


@pytest.mark.parametrize("point", ["stage-file:3", "staged:2", "committed-policies:2", "committed-reports:1", "committed-messages:2"])
def test_killed_at_a_point_and_run_again_it_is_the_same_lake(crashing, bucket, ingested, point):
    assert crashing.run("ingest", bucket, kill_at=point).signal == SIGKILL
    assert crashing.run("ingest", bucket)[:2] == DONE
    assert content(bucket) == content(ingested)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killed_at_every_point_it_is_the_same_lake(crashing, bucket, ingested):
    points = crashing.run("ingest", bucket).points
    assert "committed-messages" in points
    for number, (name, most) in enumerate(points.items()):
        for nth in range(1, most + 1):
            where = f"{bucket}-{number}-{nth}"
            assert crashing.run("ingest", where, kill_at=f"{name}:{nth}").signal == SIGKILL, name
            assert crashing.run("ingest", where)[:2] == DONE
            assert content(where) == content(ingested), (name, nth)


def test_a_second_writer_is_told_to_try_again_or_waits(bucket):
    with LakeWriter(bucket, run_id="one"):
        began = time.monotonic()
        with pytest.raises(TryAgainError, match=f"another run is writing.*process {os.getpid()}"), LakeWriter(bucket, run_id="two"):
            pass
        # Renewed all the time: a lease that is held does not run out.
        with pytest.raises(TryAgainError), LakeWriter(locate(bucket, wait_seconds=3), run_id="two"):
            pass
        assert time.monotonic() - began >= 3
        waiting = threading.Thread(target=lambda: ingest(locate(bucket, wait_seconds=30)))
        waiting.start()
    waiting.join()
    assert open_snapshot(bucket).batch == 3


def test_who_lost_the_lease_can_commit_to_no_table_whatever_it_staged(bucket):
    """The first holder stops being heard of, as in a machine that sleeps; another takes over; the first wakes up and goes on."""
    first = LakeWriter(bucket, run_id="first")
    with first:
        first.commit(batch_of_one(1))
        stale = {name: table.version() for name, table in first._lake.tables.items()}
        take_the_lease_away(bucket)
        with LakeWriter(locate(bucket, wait_seconds=30), run_id="second") as second:
            assert {fence_of(table) for table in second._lake.tables.values()} == {second._lake.epoch}
            with pytest.raises(TryAgainError, match="taken over"):
                first.commit(batch_of_one(2))
            versions = {name: table.version() for name, table in second._lake.tables.items()}
            assert versions == {name: version + 1 for name, version in stale.items()}, "the fence, and nothing else"
            second.commit(batch_of_one(3))
    with LakeWriter(locate(bucket, wait_seconds=30), run_id="third") as third:
        # What the first had staged is complete, and of the batch that the second has committed: it is dropped, not committed over it.
        assert third.ledger.uids("rua", "INBOX", 1).missing([1, 2, 3]) == [2]
        third.commit(batch_of_one(2))
    assert sums(bucket)[2] == 3
    assert locate(bucket).store.walk("_staging") == []


def test_who_lost_the_lease_and_came_to_a_new_version_of_a_table_since_can_commit_to_it_neither(bucket):
    with LakeWriter(bucket, run_id="first") as first:
        first.commit(batch_of_one(1))
        take_the_lease_away(bucket)
        with LakeWriter(locate(bucket, wait_seconds=30), run_id="second") as second:
            for table in first._lake.tables.values():
                table.refresh()
            with pytest.raises(TryAgainError, match="taken over"):
                first.commit(batch_of_one(2))
            second.commit(batch_of_one(3))
    assert sums(bucket)[2] == 2


def test_a_complete_stage_of_a_dead_holder_is_committed_by_the_next(crashing, bucket):
    assert crashing.run("ingest", bucket, kill_at="staged:1").signal == SIGKILL
    assert open_snapshot(bucket).batch == 0
    with LakeWriter(locate(bucket, wait_seconds=30), run_id="next") as writer:
        assert writer.ledger.uids("rua", "INBOX", 1).missing([1, 2, 3, 4, 5]) == []


def test_of_two_stages_of_one_batch_the_later_epoch_counts(bucket, ingested):
    """The manifest of a holder who lost its lease arrives late, beside the stage of the successor, who then dies half-way."""
    ingest(bucket)
    store = locate(bucket).store
    with open_for_writing(bucket) as lake:
        stage = lake.stage()
        assert stage.name.epoch == lake.epoch
        late = StageName(stage.batch, stage.name.epoch - 1)
    store.put(f"{late.folder}/manifest.json", json.dumps({"tlsrpt": stage.batch, "transactions": {}, "changes": {}}).encode())
    stage.seal()
    with open_for_writing(bucket) as lake:
        assert open_snapshot(bucket).batch == stage.batch
    assert content(bucket) == content(ingested)
    assert store.walk("_staging") == []


def test_a_lease_that_was_removed_by_hand_or_is_no_lease_does_no_harm(bucket):
    ingest(bucket)
    store = locate(bucket).store
    store.remove("_lock")
    with LakeWriter(bucket, run_id="two") as writer:
        writer.commit(batch_of_one(20))
    store.put("_lock", b"torn")
    with LakeWriter(bucket, run_id="three") as writer:
        writer.commit(batch_of_one(21))
    store.put("_lock", Lease("", 3, 1).encode())
    with LakeWriter(bucket, run_id="four") as writer:
        writer.commit(batch_of_one(22))
    assert open_snapshot(bucket).batch == 6


def test_four_writers_at_once_lose_nothing_and_count_nothing_twice(bucket, monkeypatch):
    """Each has messages of its own and some that all have."""
    monkeypatch.setenv(VARIABLE, "20")
    failed = []

    def work(number):
        try:
            for turn in range(3):
                with LakeWriter(locate(bucket, wait_seconds=60), run_id=f"w{number}") as writer:
                    own = message(f"m{100 * number + turn}", report(f"own-{number}-{turn}"))
                    shared = message(f"m{9000 + turn}", report(f"shared-{turn}"))
                    writer.commit([own, shared])
        except TlsrptError as err:
            failed.append(err)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sums(bucket)[2] == 4 * 3 + 3
    assert len(content(bucket)["reports"]) == 4 * 3 + 3


class TestReaders:
    def test_files_that_went_under_a_reader_are_looked_for_anew(self, bucket):
        ingest(bucket)
        with open_lake(bucket) as lake:
            before = lake.sql("select * from policies order by all")
            with open_for_writing(bucket) as opened:
                maintain(opened, today=APRIL)
                vacuum(opened, retention_hours=0)
            assert lake.sql("select * from policies order by all").equals(before)

    def test_a_file_that_is_gone_for_good_is_one_sentence(self, bucket):
        ingest(bucket)
        with open_lake(bucket) as lake:
            store = locate(bucket).store
            store.remove_all(file.path for file in store.walk("failures") if "/_delta_log/" not in file.path)
            with pytest.raises(LakeError, match=f"the lake {bucket} cannot be read: .*not found"):
                lake.sql("select max(result_type) from failures")

    def test_nothing_beside_the_lake_can_be_read(self, bucket):
        ingest(bucket)
        ingest(f"{bucket}-neighbour")
        with open_lake(bucket) as lake:
            other = open_snapshot(f"{bucket}-neighbour").files["reports"][0].path
            for path in (other, "/etc/passwd", "s3://other/x.parquet"):
                with pytest.raises(UsageError, match="only the lake can be read"):
                    lake.sql(f"select * from read_parquet('{path}')")  # noqa: S608 -- that is what is tried


class TestErrors:
    def test_wrong_keys(self, bucket, monkeypatch):
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        with pytest.raises(SignInError, match="does not allow this program to read"):
            open_snapshot(bucket)

    def test_no_server(self, bucket, monkeypatch):
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        with pytest.raises(UnreachableError, match=r"http://127\.0\.0\.1:9 cannot be reached"):
            open_snapshot(bucket)

    def test_no_bucket(self, bucket):
        with pytest.raises(ConfigError, match="there is no bucket not-there-at-all"):
            open_snapshot("s3://not-there-at-all/lake")

    def test_keys_in_the_clear_over_a_network(self, bucket, monkeypatch):
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://storage.test")
        with pytest.raises(ConfigError, match="in the clear"):
            open_snapshot(bucket)


def take_the_lease_away(where):
    """Let the lease look like one that was not renewed: its holder's name is another, so that the holder does not renew it."""
    store = locate(where).store
    lease = Lease.decode(store.get("_lock") or b"")
    store.put("_lock", lease._replace(holder="gone").encode())


def test_a_copy_made_beside_a_writer_logs_first_can_be_used_in_a_folder(bucket, tmp_path):
    """As the README says it: the log of `messages`, the other logs, then the files."""
    with LakeWriter(bucket, run_id="one") as writer:
        writer.commit(BATCHES[0])
        before = content(bucket)
        copy(bucket, tmp_path, lambda path: path.startswith("messages/_delta_log/"))
        writer.commit(BATCHES[1])
        copy(bucket, tmp_path, lambda path: "/_delta_log/" in path and not path.startswith("messages/"))
        writer.commit(BATCHES[2])
        copy(bucket, tmp_path, lambda path: "/_delta_log/" not in path and not path.startswith(("_staging/", "_lock")))
    assert content(tmp_path) == before
    ingest(tmp_path)
    assert content(tmp_path) == content(bucket)


def copy(address, folder, wanted):
    store = locate(address).store
    for file in store.walk(""):
        if wanted(file.path):
            target = folder / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(store.get(file.path) or b"")
