"""Around `ingest`: the dead-man's switch, and notices at its end; `mute` and `unmute` at the command line."""

from __future__ import annotations

import pytest

from pipeline.cli import main
from pipeline.errors import TryAgainError
from pipeline.notify.hooks import dead_man
from tests.insight.asking import as_of, incidents
from tests.insight.book import MX1
from tests.notify.receivers import receiver
from tests.notify.test_news import book


@pytest.mark.parametrize(("code", "last"), [(0, "/hook/0"), (74, "/hook/74"), (75, "/hook/log")])
def test_the_switch_hears_the_beginning_and_the_end(code, last):
    with receiver() as server:
        with dead_man(server.url) as ending:
            ending.code = code
        assert [path for path, _, _ in server.requests] == ["/hook/start", last]


def test_a_run_that_ends_with_an_error_is_a_failure_unless_the_next_may_succeed():
    with receiver() as server:
        with pytest.raises(TryAgainError), dead_man(server.url):
            raise TryAgainError("busy")
        with pytest.raises(ZeroDivisionError), dead_man(server.url):
            raise ZeroDivisionError
        assert [path for path, _, _ in server.requests][1::2] == ["/hook/log", "/hook/1"]


def test_a_switch_that_is_not_there_stops_nothing():
    with dead_man("http://127.0.0.1:9/x") as ending:
        ending.code = 0


@pytest.fixture
def lake(tmp_path):
    return book(8).write(tmp_path / "lake")


def run(lake, *words: str) -> int:
    return main(["--lake", str(lake), *words])


def test_a_fault_is_muted_listed_and_unmuted(lake, capsys, monkeypatch):
    found = incidents(book(8), 8)
    monkeypatch.setattr("pipeline.commands.mute._incidents", lambda _context: found)
    assert run(lake, "mute", found[0].id[:6], "--reason", "being replaced") == 0
    assert run(lake, "mute") == 0
    assert "being replaced" in capsys.readouterr().out
    assert run(lake, "unmute", found[0].id) == 0
    assert run(lake, "mute") == 0
    assert "nothing is muted" in capsys.readouterr().out


def test_a_host_is_muted_by_its_name(lake, capsys, monkeypatch):
    monkeypatch.setattr("pipeline.commands.mute._incidents", lambda _context: incidents(book(8), 8))
    assert run(lake, "mute", MX1.upper(), "--reason", "x", "--until", "2999-01-01") == 0
    assert f"muted {MX1} until 2999-01-01" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mute", "nosuch", "--reason", "x"), "neither an incident nor an MX host"),
        (("mute", MX1), "--reason"),
        (("mute", MX1, "--reason", "x", "--until", "2001-01-01"), "in the past"),
        (("mute", MX1, "--reason", "x", "--until", "soon"), "not a date"),
        (("unmute", "nosuch"), "is not muted; nothing is"),
    ],
)
def test_a_mistake_is_one_sentence(lake, capsys, words, said):
    try:
        code = run(lake, *words)
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert said in capsys.readouterr().err


def test_without_a_channel_notify_says_what_to_add(lake, capsys):
    assert run(lake, "notify", "--as-of", str(as_of(8))) == 78
    assert "[[notify.channel]]" in capsys.readouterr().err


def test_erasing_a_domain_leaves_no_word_of_it_in_the_notes(lake, monkeypatch, capsys):
    monkeypatch.setattr("pipeline.commands.mute._incidents", lambda _context: incidents(book(8), 8))
    assert run(lake, "mute", MX1, "--reason", "x") == 0
    with receiver(503) as server:
        config = lake.parent / "tlsrpt.toml"
        channel = f'[[notify.channel]]\nname = "hook"\nkind = "webhook"\nurl = "{server.url}"\ntags = []\n'
        config.write_text(f'[lake]\npath = "{lake}"\n[trust]\nreporters = ["google.com", "microsoft.com"]\n{channel}', encoding="utf-8")
        assert main(["--config", str(config), "notify", "--as-of", str(as_of(8))]) == 75
    assert main(["--config", str(config), "incidents", "--new-since-last", "--as-of", str(as_of(8))]) == 0
    notes = sorted((lake / "_notes").glob("*.json"))
    assert {"outbox.json", "mutes.json"} <= {note.name for note in notes}
    assert run(lake, "maintain", "--erase", "example.org") == 0
    assert [note.name for note in notes if note.exists() and b"example.org" in note.read_bytes()] == []
    capsys.readouterr()
