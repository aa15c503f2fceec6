"""The ledger is asked for the UIDs of one folder without reading more than it must: what row groups of one mailbox say is the same."""

from __future__ import annotations

import pytest

from pipeline.lake.open_lake import open_for_writing
from pipeline.lake.upkeep.maintain import maintain
from pipeline.lake.upkeep.rebuild import rebuild
from pipeline.lake.writer import LakeWriter
from tests.lake.build import message, report
from tests.lake.test_maintain import TODAY


def of(account, folder, uidvalidity, uid):
    name = f"{account}/{folder}/{uidvalidity}/{uid}"
    rows = message(name, report(name))
    place = {"account": account, "folder": folder, "uidvalidity": uidvalidity, "uid": uid}
    return rows._replace(message=rows.message._replace(**place))


PLACES = {
    ("rua", "INBOX", 1): range(1, 40),
    ("rua", "INBOX", 2): range(5, 9),
    ("rua", "Old", 1): range(30, 50),
    ("b", "INBOX", 1): range(3, 7),
}


@pytest.fixture
def lake(tmp_path):
    with LakeWriter(tmp_path, run_id="run") as writer:
        writer.commit([of("rua", "INBOX", 1, uid) for uid in range(1, 20)])  # a file of one mailbox
        writer.commit([of(*place, uid) for place, uids in PLACES.items() for uid in uids if place != ("rua", "INBOX", 1) or uid >= 20])
    return tmp_path


def assert_told(root):
    with LakeWriter(root, run_id="run") as writer:
        for place, uids in PLACES.items():
            known = writer.ledger.uids(*place)
            assert len(known) == len(uids)
            assert known.missing(range(60)) == [uid for uid in range(60) if uid not in uids]
        assert writer.ledger.uids("rua", "Nowhere", 1).missing([3, 1, 3]) == [3, 1, 3]
        assert writer.ledger.uidvalidities("rua", "INBOX") == {1, 2}
        assert writer.ledger.uidvalidities("b", "INBOX") == {1}
        assert writer.ledger.uidvalidities("b", "Old") == set()


def test_the_uids_of_every_folder_are_told_from_files_of_one_mailbox_and_of_several(lake):
    assert_told(lake)


def test_the_same_after_merging(lake):
    with open_for_writing(lake) as opened:
        maintain(opened, today=TODAY)
    assert_told(lake)


def test_the_same_after_a_rebuild_whose_old_generation_is_still_there(lake):
    everything = {rows.content: rows for rows in [of(*place, uid) for place, uids in PLACES.items() for uid in uids]}
    with open_for_writing(lake) as opened:
        rebuild(opened, lambda messages: [everything[content] for _, content in messages])
    assert_told(lake)
