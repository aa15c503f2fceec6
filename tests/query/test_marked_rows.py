"""What a place in a data file says of a row is what the key of its report says, whoever asks; bounds are looked at unless all keep them."""

from __future__ import annotations

from datetime import date
from shutil import copytree

import pytest

from pipeline.config import Settings
from pipeline.groups import GroupSettings
from pipeline.lake.storage.locate import locate
from pipeline.lake.writer import LakeWriter
from pipeline.query import month_sums, open_lake
from pipeline.query.catalogue import load_questions, view_texts
from pipeline.query.marked_rows import needed
from pipeline.settings.single_tables import DomainSettings, TrustSettings
from tests.lake.build import message, report

DOMAINS = ("a.example", "b.example", "c.example")
SETTINGS = Settings(
    trust=TrustSettings(count=("verified", "attested", "vouched")),
    domains=DomainSettings(own=DOMAINS),
    group=(GroupSettings(name="a", title="Alpha", domains=("a.example", "c.example")),),
)
PERIOD = {"since": date(2026, 3, 1), "until": date(2026, 4, 30), "as_of": date(2026, 4, 30)}
CHECKED = """
    select
        count(*) filter (where stands = (report_key in (select report_key from settings.replaced))) as otherwise,
        count(*) filter (where not stands) as replaced,
        count(*) as rows
    from settings.all_{table}
"""


def told(number, *, content="a", tier="vouched", **more):
    about = {"domain": DOMAINS[number % 3], "submitter": f"r{number % 4}.example", "day": date(2026, 3 + number % 2, 1 + number % 20)}
    return report(f"r{number}", content=content, tier=tier, **{**about, "good": 100 + number, "bad": number % 3, **more})


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """In March a report has two contents and one was proved better since; in April all stand; a name like that of a partition above."""
    where = tmp_path_factory.mktemp("marked") / "kind=lake"
    with LakeWriter(where, run_id="run") as writer:
        writer.commit([message(f"m{number}", told(number)) for number in range(24)])
        again = [told(4, content="b", bad=40), told(6, content="b", bad=7), told(8, tier="verified", good=400), told(10, tier="attested")]
        writer.commit([message(f"m{900 + number}", each) for number, each in enumerate(again)])
    return where


@pytest.fixture(params=[None, "a"])
def lake(root, request):
    with open_lake(root, settings=SETTINGS, group=request.param) as opened:
        yield opened


def test_places_say_what_keys_say(lake):
    for table in ("reports", "policies", "failures"):
        found = lake._run(CHECKED.format(table=table), {}).to_pylist()[0]
        assert found["otherwise"] == 0
        assert 0 < found["replaced"] < found["rows"]


def test_a_disputed_report_is_told_in_each_of_its_contents(lake):
    asked = "select identity, count(distinct content) as contents, count(*) filter (where stands) as stands from settings.told_policies "
    found = lake._run(asked + "where identity is not null group by identity", {}).to_pylist()
    assert [(row["contents"], row["stands"]) for row in found] == [(2, 1)] * len(found)
    assert len(found) == (2 if lake.audience is None else 1)
    disputed = lake._run(view_texts()["learn_disputed"], {}).to_pylist()
    assert {row["identity"] for row in disputed} == {row["identity"] for row in found}
    assert len(lake.ask("insight_disputed", **PERIOD).to_pylist()) == len(found)


def test_a_question_is_told_all_that_it_reads():
    """As if somebody had forgotten: asked with the marks of every table, none answers otherwise; so each names what it stands on."""
    assert needed("select 1 from policies").tables == {"policies"}
    assert needed("select 1 from reports").tables == {"reports"}
    assert needed("select 1 from mentions").tables == {"failures"}
    assert needed("select 1 from a join Settings.told_failures using (b)") == ({"failures"}, True)
    assert needed(load_questions()["insight_spans"].sql) == ({"policies"}, True)
    assert needed(load_questions()["extent"].sql).tables == set()
    assert needed(view_texts()["learn_habits"]).tables == {"policies", "reports"}
    for question in load_questions().values():
        words = set(question.sql.replace("(", " ").split())
        for view, table in {"policies": "policies", "session_parts": "policies", "counted_failures": "failures"}.items():
            assert view not in words or table in needed(question.sql).tables, question.name


def test_what_is_learned_of_one_state_is_not_used_for_the_next(root, tmp_path):
    copytree(root, tmp_path / "lake")
    with open_lake(tmp_path / "lake", settings=SETTINGS) as lake:
        before = lake.ask("sessions_by_domain", **PERIOD).to_pylist()
        with LakeWriter(tmp_path / "lake", run_id="run") as writer:
            writer.commit([message("m990", told(2, tier="verified", good=1000)), message("m991", told(3, tier="verified", good=2000))])
        assert lake.ask("sessions_by_domain", **PERIOD).to_pylist() == before
        assert lake.refresh()
        after = lake.ask("sessions_by_domain", **PERIOD).to_pylist()
    assert sum(row["sessions"] for row in after) - sum(row["sessions"] for row in before) == 1000 - 102 + 2000 - 103


@pytest.mark.parametrize("most", [1000, 150, 100])
def test_bounds_hold_whether_or_not_it_is_known_that_all_keep_them(tmp_path, monkeypatch, most):
    def twice(number, **columns):
        one = told(number, day=date(2026, 3 + number, 2))
        return one._replace(policies=tuple(row._replace(**columns, totals_equal=True) for row in one.policies))

    with LakeWriter(tmp_path, run_id="run") as writer:
        rows = [
            twice(0, once_authenticated=120, once_failed=0, once_unprotected=0),
            twice(1, once_authenticated=0, once_failed=130, once_unprotected=0),
        ]
        writer.commit([message(f"m{number}", each) for number, each in enumerate(rows)])
    settings = SETTINGS.model_copy(update={"limits": {"report_sessions": most}})

    def asked():
        with open_lake(tmp_path, settings=settings) as lake:
            rows = lake._run("select once_authenticated, once_failed from settings.told_policies order by all", {}).to_pylist()
            return rows, [lake.ask(name, **PERIOD).to_pylist() for name in ("success_rate", "sessions_by_domain", "insight_protection")]

    each_looked_at = asked()
    assert len(each_looked_at[0]) == {1000: 2, 150: 2, 100: 0}[most]
    monkeypatch.setattr(month_sums, "LEAST_ROWS", 1)
    assert asked() == each_looked_at


def test_a_lake_in_a_bucket_knows_its_files_by_the_same_names(root, bucket):
    store = locate(bucket).store
    for file in root.rglob("*"):
        if file.is_file():
            store.put(file.relative_to(root).as_posix(), file.read_bytes())
    with open_lake(root, settings=SETTINGS) as folder, open_lake(bucket, settings=SETTINGS) as lake:
        for name in ("sessions_by_domain", "insight_disputed", "insight_protection"):
            assert lake.ask(name, **PERIOD).to_pylist() == folder.ask(name, **PERIOD).to_pylist()
        found = lake._run(CHECKED.format(table="policies"), {}).to_pylist()[0]
        assert found["otherwise"] == 0
        assert found["replaced"] > 0
        told_a_stranger = lake.sql("select count(*) as n from policies where not counted").to_pylist()
        assert told_a_stranger == folder.sql("select count(*) as n from policies where not counted").to_pylist()
        assert told_a_stranger[0]["n"] > 0
