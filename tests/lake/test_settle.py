"""What counts depends on what was received, never on the order or on how it fell into batches."""

from __future__ import annotations

from itertools import compress

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.lake import raw
from pipeline.lake.dedup.settle import PENDING, Known, KnownReport, mailbox_outcomes, outcome_of, settle
from pipeline.lake.delta import scan
from pipeline.lake.writer import LakeWriter
from pipeline.tables.schema import TRUST_TIERS
from tests.lake.build import claims, message, report
from tests.lake.content import counted, rows, sums

REPORTS = st.builds(
    lambda name, content, tier: report(name, content=content, tier=tier, good=ord(content)),
    st.sampled_from(["r1", "r2", "r3"]),
    st.sampled_from("abc"),
    st.sampled_from(TRUST_TIERS),
)
MESSAGES = st.lists(st.lists(REPORTS, max_size=3), min_size=1, max_size=8).map(
    lambda each: [message(f"m{number}", *reports) for number, reports in enumerate(each, 1)]
)


class Memory:
    """A lake without files: what settling sees and adds."""

    def __init__(self):
        self.reports: dict[str, list[KnownReport]] = {}
        self.superseded: list[str] = []
        self.outcomes: list[str] = []

    def commit(self, batch):
        brought = claims(batch)
        done = settle(brought, Known(self.reports))
        for claim, news in zip(brought, done.news, strict=True):
            for each in compress(claim.reports, news):
                self.reports.setdefault(each.identity, []).append(each)
        self.superseded += [row.report_key for row in done.superseded]
        self.outcomes += done.outcomes

    @property
    def keys(self):
        return {each.report_key for reports in self.reports.values() for each in reports}

    @property
    def counted(self):
        return self.keys - set(self.superseded)


def in_batches(messages, cuts):
    memory = Memory()
    start = 0
    for end in sorted({*cuts, len(messages)}):
        memory.commit(messages[start:end])
        start = end
    return memory


@settings(max_examples=100)
@given(messages=MESSAGES, data=st.data())
def test_any_order_and_any_batching_counts_the_same(messages, data):
    first = in_batches(messages, [])
    order = data.draw(st.permutations(messages))
    cuts = data.draw(st.lists(st.integers(0, len(messages)), max_size=4))
    other = in_batches(order, cuts)
    assert other.counted == first.counted
    assert other.keys == first.keys
    assert len(other.superseded) == len(set(other.superseded)) == len(other.keys) - len(other.counted)


@settings(max_examples=50)
@given(messages=MESSAGES)
def test_one_report_of_each_identity_counts_the_best_proved_and_then_the_smallest(messages):
    memory = in_batches(messages, range(len(messages)))
    best = [min(each, key=lambda one: (TRUST_TIERS.index(one.trust_tier), one.content_sha256)) for each in memory.reports.values()]
    assert memory.counted == {each.report_key for each in best}


@settings(max_examples=50)
@given(messages=MESSAGES)
def test_the_same_once_more_is_all_duplicates(messages):
    memory = in_batches(messages, [])
    before = (set(memory.keys), list(memory.superseded))
    memory.commit(messages)
    again = memory.outcomes[len(messages) :]
    assert (memory.keys, memory.superseded) == before
    assert all(outcome == ("duplicate" if rows_.reports else "quarantined") for outcome, rows_ in zip(again, messages, strict=True))


@settings(max_examples=4)
@given(messages=MESSAGES, data=st.data())
def test_a_real_lake_agrees_in_any_order(messages, data, tmp_path_factory):
    expected = in_batches(messages, [])
    root = tmp_path_factory.mktemp("lake")
    order = data.draw(st.permutations(messages))
    cut = data.draw(st.integers(0, len(order)))
    with LakeWriter(root, run_id="run") as writer:
        for batch in (order[:cut], order[cut:], order):
            writer.commit([rows_ for rows_ in batch if writer.ledger.uids("rua", "INBOX", 1).missing([rows_.message.uid])])
    assert counted(root) == expected.counted
    assert {row["report_key"] for row in rows(root, "reports")} == expected.keys
    assert len(rows(root, "messages")) == len(messages)


def test_a_forged_report_with_tomorrows_id_never_hides_the_real_one(tmp_path):
    forged = message("m1", report("r1", tier="unverified", content="0", bad=0))
    real = message("m2", report("r1", tier="verified", content="z", bad=5))
    for place, order in enumerate(([forged, real], [real, forged])):
        with LakeWriter(tmp_path / str(place), run_id="run") as writer:
            for each in order:
                writer.commit([each])
        assert sums(tmp_path / str(place)) == (90, 5, 1)


def test_the_outcome_of_a_mail_with_several_reports_is_the_first_that_applies():
    mail = message("m1", report("r1")).message
    assert outcome_of(mail, ["duplicate", "conflict", "stored"]) == "stored"
    assert outcome_of(mail, ["duplicate", "conflict"]) == "conflict"
    assert outcome_of(mail._replace(reject_code="json_syntax"), ["duplicate"]) == "quarantined"
    assert outcome_of(mail._replace(reject_code="json_syntax"), ["stored"]) == "stored"
    assert outcome_of(mail._replace(outcome="too_large"), []) == "too_large"


def test_a_report_that_was_read_from_a_file_and_from_a_mailbox_counts_once(tmp_path):
    with LakeWriter(tmp_path, run_id="run") as writer:
        writer.commit([message("m1", report("r1", tier="verified"), content=b"same")])
        writer.commit([message("m2", report("r1", tier="vouched"), account="file", content=b"same")])
        assert writer.ledger.file_hashes([rows_["message_sha256"] for rows_ in rows(tmp_path, "raw")]) != set()
    assert sums(tmp_path) == (90, 10, 1)
    assert len(rows(tmp_path, "raw")) == 1


def test_bytes_are_kept_once_and_only_of_what_is_ours(tmp_path):
    with LakeWriter(tmp_path, run_id="run") as writer:
        writer.commit(
            [
                message("m1", report("r1"), content=b"one"),
                message("m2", report("r1"), content=b"two"),
                message("m3", content=b"broken"),
                message("m4", content=b"broken"),
                message("m5", outcome="not_tlsrpt", content=b"private"),
                message("m6", outcome="too_large", content=b""),
            ]
        )
        writer.commit([message("m7", content=b"broken")])
    assert sorted(row["content"] for row in rows(tmp_path, "raw")) == [b"broken", b"one"]


def test_a_duplicate_that_waits_for_the_dns_keeps_its_bytes(tmp_path):
    with LakeWriter(tmp_path, run_id="run") as writer:
        writer.commit([message("m1", report("r1", tier="unverified"), content=b"one")])
        writer.commit([message("m2", report("r1", tier="unverified"), content=b"two", dkim_result="temperror")])
        waiting = writer.ledger.waiting_for_dns(message().message.ingested_at)
        assert [(row.uid, row.outcome) for row in waiting] == [(2, "duplicate")]
        sha256 = waiting[0].message_sha256
        assert writer.raw_contents([sha256]) == {sha256: b"two"}
        place = waiting[0].account, waiting[0].folder, waiting[0].uidvalidity
        told = dict(writer.ledger.settled_uids(*place, message().message.ingested_at))
        assert told == {1: "stored", 2: PENDING}, "a later run would take it out of the mailbox"
        settled = writer.replace([message("m2", report("r1", tier="verified"), content=b"two")])
        assert settled.outcomes == ["stored"]
        assert writer.ledger.waiting_for_dns(message().message.ingested_at) == []
        assert PENDING not in dict(writer.ledger.settled_uids(*place, message().message.ingested_at)).values()
    assert {row["trust_tier"] for row in rows(tmp_path, "reports") if row["report_key"] in counted(tmp_path)} == {"verified"}


def test_what_is_asked_of_the_dns_again_is_what_the_mailbox_keeps():
    outcomes = ["stored", "conflict", "duplicate", "quarantined", "not_tlsrpt", "too_large", "expired", "erased"]
    assert mailbox_outcomes(outcomes, ["pass"] * len(outcomes)) == outcomes
    assert mailbox_outcomes(outcomes, ["temperror"] * len(outcomes)) == [PENDING] * 4 + outcomes[4:]


def test_the_bytes_of_many_messages_are_found_in_one_pass_over_the_files(tmp_path, monkeypatch):
    opened = []

    def reading(location, name, paths, columns):
        opened.extend(paths)
        return scan.read(location, name, paths, columns)

    monkeypatch.setattr(raw, "read", reading)
    with LakeWriter(tmp_path, run_id="run") as writer:
        mails = [message(f"m{number}", report(f"r{number}"), content=b"%d" % number) for number in range(12)]
        for start in range(0, 12, 3):
            writer.commit(mails[start : start + 3])
        opened.clear()
        hashes = [rows.message.message_sha256 for rows in mails]
        found = writer.raw_contents([*hashes, "absent"])
        assert found == {digest: b"%d" % number for number, digest in enumerate(hashes)}
        assert len(opened) == len(set(opened)) == 4
        opened.clear()
        assert writer.raw_contents(hashes[:3], {mails[0].message.received_month}).keys() == set(hashes[:3])
        assert len(opened) <= 4


def test_the_same_uid_or_file_twice_in_one_batch_is_one_row(tmp_path):
    with LakeWriter(tmp_path, run_id="run") as writer:
        batch = [
            message("m1", report("r1")),
            message("m1", report("r1")),
            message("a", report("r2"), account="file", content=b"file"),
            message("b", report("r2"), account="file", content=b"file"),
        ]
        assert writer.commit(batch).outcomes == ["stored", "duplicate", "stored", "duplicate"]
    assert len(rows(tmp_path, "messages")) == 2


def test_nothing_new_is_no_commit(tmp_path):
    with LakeWriter(tmp_path, run_id="run") as writer:
        assert writer.commit([]) == ([], 0, None)
        assert writer.replace([message("m1", report("r1"))]) == (["duplicate"], 0, None)
