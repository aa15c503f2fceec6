"""A lake that is opened as a group: no byte of others in any answer, and the answers of a lake of its own."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

import pipeline
from pipeline import cli
from pipeline.config import DomainSettings, Settings
from pipeline.errors import TlsrptError, UsageError
from pipeline.groups import GroupSettings
from pipeline.query import open_lake
from pipeline.query.catalogue import OPERATORS_ONLY, load_questions
from tests.kept import engines_kept
from tests.query import group_worlds
from tests.query.group_worlds import AS_OF, DAYS, LAST, MARK, OURS, THEIRS
from tests.query.small_lake import STS

PERIOD = {"since": (LAST - timedelta(days=DAYS)).isoformat(), "until": AS_OF, "as_of": AS_OF}
OWN_DIGESTS = {"report_key", "identity", "content_sha256", "message_sha256", "superseded_by", "content", "policy_ix", "lake_version"}
"""What of a report about several domains depends on all of it, and says nothing of the others."""
WITHHELD = {"report_id", "policy_count", "failure_detail_count", "unknown_member_count", "messages", "batch", "size_bytes"}
"""What is told of such a report as a whole, or of mails."""


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> group_worlds.World:
    return group_worlds.build(tmp_path_factory.mktemp("worlds"), 1)


@pytest.fixture(scope="module")
def world_of_patterns(tmp_path_factory) -> group_worlds.World:
    return group_worlds.build(tmp_path_factory.mktemp("worlds"), 2)


def _given(question, key: str = "none") -> dict[str, object]:
    values = {"VARCHAR": "x", "VARCHAR[]": [], "BIGINT": 3, "DATE": AS_OF, "INTEGER": 3, "DOUBLE": 0.5, "BOOLEAN": True}
    named = {"domain": OURS[0], "report_key": key, "keys": [key], "own": list(OURS)}
    asked = [p for p in question.parameters if p.required and p.name not in PERIOD]
    return {p.name: named.get(p.name, values[p.type]) for p in asked}


def _comparable(rows: list[dict]) -> list[str]:
    kept = [{name: value for name, value in row.items() if name not in OWN_DIGESTS | WITHHELD} for row in rows]
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in kept)


def _conclusions(lake) -> list[str]:
    from pipeline.insight.coverage import as_json as coverage_json
    from pipeline.insight.enforce.readiness import as_json as readiness_json
    from pipeline.insight.incident import as_json as incident_json

    said = [json.dumps({**incident_json(one), "report_keys": []}, default=str) for one in lake.incidents(as_of=AS_OF, evidence=None)]
    said += [json.dumps(readiness_json(lake.readiness(name, as_of=AS_OF)), default=str) for name in OURS]
    said += [json.dumps(coverage_json(one), default=str) for one in lake.coverage(as_of=AS_OF)]
    said += [str(lake.policies_seen(name, as_of=AS_OF)) for name in OURS]
    return [*said, *lake.ground(as_of=AS_OF).said(), str(lake.first_weeks(today=date(2026, 5, 21)))]


def test_every_answer_is_that_of_a_lake_of_its_own(world_of_patterns):
    _is_a_lake_of_its_own(world_of_patterns)


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 3, 4, *range(5, 34)])
def test_every_answer_is_that_of_a_lake_of_its_own_in_many_worlds(tmp_path, seed):
    _is_a_lake_of_its_own(group_worlds.build(tmp_path, seed))


def _is_a_lake_of_its_own(world: group_worlds.World) -> None:
    with open_lake(world.both, settings=world.settings, group="a") as group, open_lake(world.alone, settings=world.alone_settings) as alone:
        asked = [question for question in load_questions().values() if question.name not in OPERATORS_ONLY]
        for question in asked:
            period = {**PERIOD, **_given(question)}
            mine, own = (lake.ask(question.name, **period).to_pylist() for lake in (group, alone))
            if question.name.startswith("handed_") or question.name == "reports_found":
                own = [row for row in own if row.get("counted", True)]
                mine = [row for row in mine if row.get("counted", True)]
            assert MARK not in str(mine), question.name
            assert _comparable(mine) == _comparable(own), question.name
        concluded = _conclusions(group)
        assert concluded == _conclusions(alone)
        assert MARK not in str(concluded)


def test_a_report_about_several_domains_is_shown_as_far_as_it_is_theirs(world):
    with open_lake(world.both, settings=world.settings) as operator, open_lake(world.both, settings=world.settings, group="a") as group:
        found = operator.ask("reports_found", **PERIOD, at_most=1000).to_pylist()
        several = [row for row in found if any(MARK in name for name in row["report_domains"])]
        for row in several[:6]:
            for name in ("report_one", "report_policies", "report_failures", "report_names"):
                given = {"keys": [row["report_key"]]} if name == "report_names" else {"report_key": row["report_key"]}
                answer = group.ask(name, **given).to_pylist()
                assert MARK not in str(answer)
            is_seen = row["trust_tier"] == "verified" and bool(set(row["report_domains"]) & set(OURS))
            assert group.ask("report_one", report_key=row["report_key"]).num_rows == is_seen
        assert any(set(row["report_domains"]) & set(OURS) for row in several)


def test_however_others_are_spelled_nothing_of_a_report_names_them(tmp_path):
    named = ("Bücher Gesellschaft: BÜCHER.example", "About xn--bcher-kva.example", "b\u00fccher.example")
    domains = ("alpha.example", "bücher.example", "Beta.Example.")
    policies = [
        {
            "policy": {"policy-type": "sts", "policy-domain": name, "policy-string": [*STS[:2], "mx: mx.alpha.example", *STS[3:]]},
            "summary": {"total-successful-session-count": 7, "total-failure-session-count": 0},
        }
        for name in domains
    ]
    sent = [
        group_worlds.document(AS_OF, "google.com", f"id {number} {name}", policies) | {"organization-name": name}
        for number, name in enumerate(named)
    ]
    group_worlds.write(tmp_path / "lake", [(one, "verified") for one in sent], DomainSettings())
    groups = (GroupSettings(name="a", domains=("alpha.example",)), GroupSettings(name="b", domains=("beta.example", "bücher.example")))
    with open_lake(tmp_path / "lake", settings=Settings(group=groups), group="a") as lake:
        found = lake.ask("reports_found", **PERIOD).to_pylist()
        assert len(found) == len(named)
        said = [str(found), *(str(lake.ask("report_one", report_key=row["report_key"]).to_pylist()) for row in found)]
        said += ["".join(lake.report_texts(row["report_key"])) for row in found]
        assert all("alpha.example" in text for text in said)
        assert not [text for text in said if re.search("b(ü|\\\\u00fc|%c3%bc)cher|xn--|beta", text, re.IGNORECASE)]
        # Nor does it matter for an answer whether others have a domain: it is not looked for.
        looked_for = []
        lake._run = lambda sql, bound, *_, **__: looked_for.append(bound["domain"].object) or pa.table({"x": []})
        for name in ("xn--bcher-kva.example", "nobody.example", "alpha.example"):
            lake.ask("sessions_by_day", **PERIOD, domain=name)
        assert looked_for == ["", "", "alpha.example"]


def test_what_is_the_operators_is_refused(world):
    with open_lake(world.both, settings=world.settings, group="a") as lake:
        for name in OPERATORS_ONLY:
            with pytest.raises(UsageError, match="is the operator's"):
                lake.ask(name, **_given(load_questions()[name]))
        with pytest.raises(UsageError, match="SQL of one's own is the operator's"):
            lake.sql("select 1")
        assert lake.mailboxes() == []
        assert MARK not in repr(lake) + lake._repr_html_()
        for wrong in (THEIRS[0].replace(MARK, "zq8"), "alfa.example", "nothing.example"):
            with pytest.raises(UsageError) as said:
                lake.known_domain(wrong)
            assert MARK not in str(said.value)


def test_groups_add_up_and_of_none_nothing_is_seen(world):
    def domains(group):
        with open_lake(world.both, settings=world.settings, group=group) as lake:
            return {row["report_domain"] for row in lake.ask("sessions_by_domain", **PERIOD).to_pylist()}

    assert domains(["a", "b"]) == {*OURS, *THEIRS}
    assert domains("b") == set(THEIRS)
    assert domains([]) == set()
    with pytest.raises(UsageError, match="there is no group 'c'; there is a, b"):
        domains("c")


def test_no_question_goes_around_the_views():
    texts = {question.name: question.sql for question in load_questions().values()}
    around = (
        "settings.rows_of(",
        "settings.rows_at(",
        "read_parquet",
        "every_message",
        "every_raw",
        "every_check",
        "settings.own",
        "settings.mx",
    )
    assert [name for name, sql in texts.items() if any(word in sql for word in around)] == []
    # Two views are not limited to a group, and so only ever looked up by the key of a row that is.
    by_key = "report_key not in (select report_key from settings.replaced)"
    assert [name for name, sql in texts.items() if "settings.replaced" in sql.replace(by_key, "")] == []
    assert {name for name, sql in texts.items() if "settings.carriers" in sql} == {"ground_left_out", "insight_reporters"}
    views = {path.stem: path.read_text() for path in Path(pipeline.__file__).parent.glob("query/views/*.sql")}
    readers = {name for name, sql in views.items() if any(word in sql for word in around[:6])}
    # The sums of months are of all domains: a group is given none of them. What is learned of places in files shows nobody a row, and
    # is joined in `rows` to rows that are seen.
    assert readers == {"tables", "whole", "group", "raw_of_report", "sums", "rows", "learn_marks", "learn_unbounded"}


COMMANDS = (
    ("incidents", "--format", "json", "--all"),
    ("readiness", THEIRS[0].replace(MARK, "zq8")),
    ("coverage", "--all"),
    ("report", OURS[0]),
    ("digest", "--month", "--format", "html"),
    ("questions", "run", "fleet", "--param", f"own={OURS[0]}", "--since", PERIOD["since"]),
    ("questions", "run", "outcomes"),
    ("export", "{}/part.csv.zip"),
    ("report", "--month", "{}/months"),
)


def test_no_command_says_a_word_of_others(world, tmp_path, capsys):
    import zipfile

    config = tmp_path / "tlsrpt.toml"
    group = world.settings.group[0]
    other = world.settings.group[1]
    own = list(world.settings.domains.own)
    config.write_text(
        f'[lake]\npath = "{world.both}"\n[domains]\nown = {json.dumps(own)}\n'
        + "".join(
            f'[[group]]\nname = "{one.name}"\ntitle = "{one.title}"\ndomains = {json.dumps(list(one.domains))}\n' for one in (group, other)
        )
    )
    with engines_kept():
        for command in COMMANDS:
            words = [word.format(tmp_path) for word in command]
            dated = [] if command[0] in ("questions", "export") else ["--as-of", AS_OF]
            code = cli.main(["--config", str(config), *words, *dated, "--group", "a"])
            said = capsys.readouterr()
            assert code in (0, 1, 2), said.err
            assert MARK not in said.out + said.err, command
    with zipfile.ZipFile(tmp_path / "part.csv.zip") as part:
        assert all(MARK not in part.read(name).decode() for name in part.namelist())
    pages = {page.name: page.read_text() for page in (tmp_path / "months" / "2026-04").iterdir()}
    assert set(pages) == {"index.html", *(f"{name}.html" for name in OURS)}
    assert all(MARK not in page for page in pages.values())
    assert all(f'href="{name}.html"' in pages["index.html"] for name in OURS)
    assert "2026-04-01 to 2026-04-30" in pages[f"{OURS[0]}.html"]


def test_settings_of_a_group_hold_nothing_of_others(world):
    limited = world.settings.for_groups("a")
    assert MARK not in repr(limited)
    with pytest.raises(ValueError, match="limited already"):
        limited.for_groups("a")
    with pytest.raises(TlsrptError):
        world.settings.for_groups("nobody")
