"""The audit: one line for each thing done where there are groups, kept in the lake, without a domain that was erased."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime

import pytest

from pipeline import cli
from pipeline.config import Settings
from pipeline.errors import LakeError
from pipeline.groups import GroupSettings
from pipeline.lake.storage.locate import locate
from pipeline.notify import audit as audits
from pipeline.notify.audit import audit, audited
from pipeline.notify.kept_notes import forget_domain
from tests.query import small_lake

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return small_lake.build(tmp_path_factory.mktemp("audited") / "lake")


@pytest.fixture
def settings(lake):
    for note in (lake / "_notes").glob("audit.json"):
        note.unlink()
    return Settings(lake={"path": str(lake)}, group=(GroupSettings(name="a", domains=("example.org",)),))


def test_a_line_says_who_did_what_as_whose_reader(settings, lake):
    audit(settings, "sign-in", "ops@provider.example", now=NOON)
    audit(settings.for_groups("a"), "raw-view", "ann@example.org", what="abc", now=NOON)
    lines = [line[1:] for line in audited(locate(lake))]
    assert lines == [("sign-in", "ops@provider.example", (), ""), ("raw-view", "ann@example.org", ("a",), "abc")]


def test_without_groups_nothing_is_written(settings, lake):
    audit(settings.model_copy(update={"group": ()}), "export", "somebody")
    assert audited(locate(lake)) == []


def test_the_newest_are_kept_and_an_erased_domain_is_not(settings, lake, monkeypatch):
    monkeypatch.setattr(audits, "KEPT", 3)
    for what in ("first", "out.csv Example.NET", "out.csv notexample.net", "out.csv example.org"):
        audit(settings, "export", "somebody", what=what, now=NOON)
    forget_domain(locate(lake), "example.net")
    assert [line.what for line in audited(locate(lake))] == ["(erased)", "out.csv notexample.net", "out.csv example.org"]


def test_an_erased_domain_is_in_no_address_either(settings, lake):
    for who in ("Ann@Example.NET", "bob@notexample.net", "example.net"):
        audit(settings, "sign-in", who, now=NOON)
    forget_domain(locate(lake), "example.net")
    assert [(line.act, line.who) for line in audited(locate(lake))] == [
        ("sign-in", "(erased)"),
        ("sign-in", "bob@notexample.net"),
        ("sign-in", "(erased)"),
    ]


def test_refusals_push_nothing_else_out(settings, lake, monkeypatch):
    """Anybody with an account at the provider can be refused, as often as they like."""
    monkeypatch.setattr(audits, "KEPT", 5)
    monkeypatch.setattr(audits, "REFUSALS_KEPT", 2)
    audit(settings, "export", "somebody", what="out.csv", now=NOON)
    for number in range(9):
        audit(settings, "refusal", f"eve{number}@elsewhere.example", now=NOON)
    assert [line.who for line in audited(locate(lake))] == ["somebody", "eve7@elsewhere.example", "eve8@elsewhere.example"]


def test_whoever_comes_again_and_again_pushes_out_nobody_else(settings, lake, monkeypatch):
    monkeypatch.setattr(audits, "KEPT", 4)
    limited = settings.for_groups(settings.group[0].name)
    audit(settings, "export", "somebody", what="out.csv", now=NOON)
    audit(limited, "raw-view", "bob@example.net", what="0" * 64, now=NOON)
    for number in range(9):
        audit(limited, "sign-in", "eve@example.net", what=str(number), now=NOON)
    lines = audited(locate(lake))
    assert [(line.who, line.what) for line in lines[:2]] == [("somebody", "out.csv"), ("bob@example.net", "0" * 64)]
    assert [line.what for line in lines[2:]] == ["7", "8"]


@pytest.mark.parametrize("format", ["table", "csv", "json"])
def test_no_word_of_a_provider_or_sender_forges_a_line_or_is_run(settings, lake, capsys, format):
    for text in ("=cmd|'/c calc'!A1", "a@example.org\n2026-05-10T12:00:00+00:00 sign-in root", "\x1b[31m\u202e", '","x', "x" * 9000):
        audit(settings, "refusal", text, what=text, now=NOON)
    assert cli.main(["--lake", str(lake), "audit", "--format", format]) == 0
    told = capsys.readouterr().out
    assert all(char.isprintable() or char == "\n" for char in told)
    assert "x" * 400 not in told
    if format == "csv":
        rows = list(csv.reader(told.splitlines()))
        assert len(rows) == 6
        assert not [cell for row in rows for cell in row if cell[:1] in "=+-@" and cell]
    if format == "json":
        assert len(json.loads(told)) == 5


def test_what_cannot_be_written_is_logged(settings, monkeypatch):
    def refuses(*_):
        raise LakeError("the lake cannot be written")

    said = {}
    monkeypatch.setattr(audits, "_append", refuses)
    monkeypatch.setattr(audits.log, "warning", lambda event, **fields: said.update({"event": event, **fields}))
    audit(settings, "export", "somebody", what="out.csv")
    expected = {"event": "audit", "act": "export", "who": "somebody", "what": "out.csv", "not_written": "the lake cannot be written"}
    assert said.items() >= expected.items()


def test_commands_leave_a_line(settings, lake, tmp_path, capsys):
    config = tmp_path / "tlsrpt.toml"
    config.write_text(f'[lake]\npath = "{lake}"\n[[group]]\nname = "a"\ndomains = ["example.org"]\n')
    file = tmp_path / "part.parquet"
    assert cli.main(["--config", str(config), "export", str(file), "--group", "a"]) == 0
    assert cli.main(["--config", str(config), "audit", "--format", "json"]) == 0
    (line,) = json.loads(capsys.readouterr().out)
    assert (line["act"], line["groups"], line["what"]) == ("export", "a", str(file))
    assert line["who"] != ""
    assert cli.main(["--config", str(config), "audit", "--since", "2999-01-01"]) == 0
    assert "no line in the audit since 2999-01-01" in capsys.readouterr().out
    assert (lake / "_notes" / "audit.json").stat().st_mode & 0o007 == 0
