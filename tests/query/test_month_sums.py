"""Sums of whole months answer as the rows do, and none is used that is made of anything else than the month as it is."""

from __future__ import annotations

from datetime import date
from shutil import copytree, rmtree

import pytest

from pipeline.config import Settings
from pipeline.groups import GroupSettings
from pipeline.lake.delta.snapshot import SUMS_FOLDER
from pipeline.lake.open_lake import open_for_writing
from pipeline.lake.upkeep.erase import erase_domain
from pipeline.lake.upkeep.maintain import maintain
from pipeline.lake.upkeep.rebuild import rebuild
from pipeline.lake.writer import LakeWriter
from pipeline.query import month_sums, open_lake
from pipeline.query import reader as reader_module
from pipeline.query.submitter_habits import learn
from pipeline.settings.single_tables import DomainSettings, TrustSettings
from tests.lake.build import message, report

BEFORE = "2026-06"
AS_OF = date(2026, 6, 20)
SUMMED = [
    "success_rate",
    "sessions_by_day",
    "sessions_by_day_and_policy_type",
    "sessions_by_domain",
    "sessions_by_reporter",
    "failures_by_day_and_result_type",
    "domains_and_reporters",
]
PERIODS = [(date(2026, 3, 1), AS_OF), (date(2026, 3, 12), date(2026, 5, 31)), (date(2026, 4, 1), date(2026, 4, 30))]
WAYS = [{}, {"domain": "b.example"}, {"tiers": ["attested"]}]
TYPES = ("sts", "no-policy-found", "tlsa")


@pytest.fixture(autouse=True)
def all_months(monkeypatch):
    monkeypatch.setattr(month_sums, "LEAST_ROWS", 1)


def told(number, *, content="a", tier=None, **more):
    """One report about one domain: days, domains, reporters, tiers, policy types and failures go round at different paces."""
    about = {
        "domain": f"{'abcd'[number % 4]}.example",
        "submitter": f"r{number % 5}.example",
        "day": date(2026, 3 + number % 4, 1 + number * 5 % 17),
        "good": 10 + number,
        "bad": number % 3,
        "policy_type": TYPES[number % 7 % 3],
        "result_type": ("certificate-expired", "starttls-not-supported")[number % 2],
    }
    return report(f"r{number}", content=content, tier=tier or ("vouched", "attested", "unverified")[number % 11 % 3], **{**about, **more})


MAILS = [message(f"m{number}", told(number)) for number in range(80)]
# One that reports only on days with failures is in no rate.
MAILS += [
    message(
        f"m{950 + number}", report(f"f{number}", submitter="failing.example", domain="a.example", day=date(2026, 3 + number, 5), bad=30)
    )
    for number in range(3)
]
# Another content of a report of March, and a better proved one of April: in both months something is superseded.
BETTER = [message("m900", told(4, content="b", good=500)), message("m901", told(5, tier="verified", good=400))]


def same_parser(pairs):
    by_uid = {each.message.uid: each for each in [*MAILS, *BETTER]}
    return [by_uid[row.uid] for row, _ in pairs]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("sums") / "lake"
    with LakeWriter(root, run_id="run") as writer:
        writer.commit(MAILS)
        writer.commit(BETTER)
    return root


@pytest.fixture
def lake(written, tmp_path):
    return copytree(written, tmp_path / "lake")


def make(root, settings=None):
    with open_for_writing(root) as opened, open_lake(opened.location.uri, settings=settings or Settings()) as reader:
        return [month for month, _ in reader.make_sums(BEFORE)]


def answers(root, settings=None, *, ways=WAYS, periods=PERIODS):
    """Every summed question in every way, and how many months were answered from sums."""
    found, used = {}, 0
    with open_lake(root, settings=settings or Settings()) as reader:
        choose = reader._sums_of

        def counting(*args):
            nonlocal used
            chosen = choose(*args)
            used += len(chosen.months)
            return chosen

        reader._sums_of = counting
        for name in SUMMED:
            taken = reader.question(name).parameter_names
            for since, until in periods:
                for way in ways:
                    if set(way) <= set(taken):
                        found[name, since, *way] = reader.ask(name, since=since, until=until, as_of=AS_OF, **way).to_pylist()
    return found, used


def assert_equal(root, settings=None, *, uses=True, **more):
    """The answers are those of the same lake without sums."""
    found, used = answers(root, settings, **more)
    bare = root.parent / "bare"
    rmtree(bare, ignore_errors=True)
    copytree(root, bare, ignore=lambda folder, names: {"_state"} & set(names))
    expected, none = answers(bare, settings, **more)
    assert none == 0
    assert uses is None or (used > 0) == uses
    assert found == expected
    assert any(found.values())


def test_every_summed_question_answers_as_over_the_rows(lake):
    with open_lake(lake, settings=Settings()) as reader:
        assert reader._habits(reader.snapshot).failures_only == ("failing.example",)
    assert make(lake) == ["2026-03", "2026-04", "2026-05"]
    assert make(lake) == []
    assert_equal(lake)


SHORT = {"periods": PERIODS[:1], "ways": [{}]}


def test_a_late_report_and_a_superseding_one_leave_the_sums_of_their_month_unused(lake):
    make(lake)
    with LakeWriter(lake, run_id="run") as writer:
        writer.commit([message("m902", told(8, tier="verified", good=7000)), message("m903", told(4, content="c", good=9000))])
    assert_equal(lake, **SHORT)
    assert make(lake) == ["2026-03"]
    assert_equal(lake, **SHORT)


def test_erasure_takes_the_sums_with_it(lake):
    make(lake)
    with open_for_writing(lake) as opened:
        erase_domain(opened, "b.example")
    assert not (lake / SUMS_FOLDER).exists()
    make(lake)
    assert not [path for path in (lake / SUMS_FOLDER).iterdir() if b"b.example" in path.read_bytes()]
    assert_equal(lake, **SHORT)


def test_merged_files_and_a_new_generation_are_other_months(lake):
    make(lake)
    with open_for_writing(lake) as opened:
        maintain(opened, today=AS_OF)  # merges the two files of March, and those of April
    assert_equal(lake, **SHORT)
    assert make(lake) == ["2026-03", "2026-04"]
    with open_for_writing(lake) as opened:
        rebuild(opened, same_parser)
    assert_equal(lake, **SHORT, uses=False)
    assert make(lake) == ["2026-03", "2026-04", "2026-05"]
    assert len(list((lake / SUMS_FOLDER).glob("2026-*"))) == 3
    assert len(list((lake / SUMS_FOLDER).glob("habits-*"))) == 1
    assert_equal(lake, **SHORT)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(domains=DomainSettings(own=["a.example", "b.example"])),
        Settings(trust=TrustSettings(count=["verified", "attested"])),
    ],
)
def test_another_configuration_has_sums_of_its_own(lake, settings):
    make(lake)
    assert_equal(lake, settings, **SHORT, uses=False)
    make(lake, settings)
    assert_equal(lake, settings, **SHORT)


def test_habits_are_kept_under_what_they_were_learned_from(lake, monkeypatch):
    def habits(settings=None, group=None):
        with open_lake(lake, settings=settings or Settings(), group=group) as reader:
            return reader._habits(reader.snapshot)

    learned = habits()
    assert learned.failures_only
    make(lake)
    (kept,) = (lake / SUMS_FOLDER).glob("habits-*")
    times = []
    monkeypatch.setattr(reader_module, "learn", lambda ask: times.append(1) or learn(ask))
    assert habits() == learned
    assert not times
    # Neither another configuration, nor a group, nor what is damaged, nor a lake that has changed since.
    group = GroupSettings(name="a", domains=("a.example",))
    habits(Settings(trust=TrustSettings(count=["verified"])))
    habits(Settings(group=(group,)), "a")
    assert len(times) == 2
    content = kept.read_bytes()
    for damaged in (b"", b"[]", b'{"apart": 1}', content[:-2]):
        kept.write_bytes(damaged)
        assert habits() == learned
    assert len(times) == 6
    kept.write_bytes(content)
    with LakeWriter(lake, run_id="run") as writer:
        writer.commit([message("m999", told(3, content="c", good=1))])
    habits()
    assert len(times) == 7
    make(lake)
    assert not kept.exists()
    assert len(list((lake / SUMS_FOLDER).glob("habits-*"))) == 1


def test_a_snapshot_older_than_the_sums_does_without(lake):
    make(lake)
    with open_lake(lake, settings=Settings()) as reader:
        old = reader.snapshot
        reader.snapshot = type(old)(old.batch - 1, old.floor, old.schema_version, old.files)
        assert not reader._scope("settings.session_sums", summed=(*PERIODS[0], True)).sums_whole


def test_a_file_that_went_while_it_was_to_be_read_makes_the_lake_open_once_more(lake):
    make(lake)
    with open_lake(lake, settings=Settings()) as reader:
        before = reader.ask("sessions_by_domain", since=PERIODS[0][0], as_of=AS_OF)
        rmtree(lake / SUMS_FOLDER)
        assert reader.ask("sessions_by_domain", since=PERIODS[0][0], as_of=AS_OF) == before
