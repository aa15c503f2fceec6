"""Everything that a member of a group can get at in a world of two clients: each page by each address, files, API, commands, notices.

`others_in` looks for the second client in what the first is given. Where it typed a name or a key of the second itself, there must be
nothing but what one that nobody has would have brought.
"""

from __future__ import annotations

import json
import zipfile
from collections import OrderedDict
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st
from starlette.requests import Request
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard import api_door, insight, lake_door, readers
from dashboard.filters import Filters
from dashboard.navigation import PAGES
from pipeline import cli
from tests.query.group_worlds import AS_OF, LAST, MARK, OURS, SHARED, THEIRS, World, is_theirs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

HERE = Path(dashboard.__file__).parent
OPERATORS = {"ingest", "notices"}
"""Pages that are not there for her."""
OPERATOR, ANN = "ops@provider.example", "ann@alpha.example"
TOKENS = {"a": "the-token-of-alpha", "b": "the-token-of-beta-"}
LIKE = str.maketrans("bt", "kd")
"""Makes a name that nobody has of one of theirs, as close to those of the group as it was."""
TYPED = (THEIRS[0], THEIRS[1], THEIRS[0].upper(), f"mx.{THEIRS[0]}")
TEXT_FILES = ("index.html", *(f"{name}.html" for name in OURS))
COMMANDS = (
    ("incidents", "--format", "json", "--all", "--as-of", AS_OF),
    ("readiness", OURS[0], "--format", "json", "--as-of", AS_OF),
    ("coverage", "--all", "--as-of", AS_OF),
    ("report", OURS[0], "--as-of", AS_OF),
    ("digest", "--format", "html", "--as-of", AS_OF),
    ("digest", "--month", "--as-of", AS_OF),
    ("report", "--month", "{}/months", "--as-of", AS_OF),
    ("export", "{}/part.duckdb"),
    ("export", "{}/part.csv.zip"),
    ("export", "{}/part.parquet", "--table", "reports"),
)


class Said(NamedTuple):
    """What came through one door."""

    door: str
    text: str


class Keys(NamedTuple):
    """What leads to a report or an incident."""

    reports: tuple[str, ...]
    incidents: tuple[str, ...]


def others_in(said: Said, typed: str = "") -> str | None:
    """Return where others are in what was said, None where they are not; what was typed does not count."""
    text = said.text.lower().replace(typed.lower(), "") if typed else said.text.lower()
    at = text.find(MARK)
    return None if at < 0 else f"{said.door}: …{text[max(0, at - 80) : at + 80]}…"


def configuration(world: World, folder: Path, *, ann: str = "a") -> str:
    """The provider's file; Ann is in one of the groups."""
    channels, tables = "", ""
    for group in world.settings.group:
        (folder / f"token-{group.name}").write_text(TOKENS[group.name], encoding="ascii")
        members = [*(member for member in group.members if member != ANN), *([ANN] if group.name == ann else [])]
        channels += f'[[notify.channel]]\nname = "mail-{group.name}"\nkind = "lines"\npath = "{folder}/told-{group.name}"\n'
        tables += (
            f'[[group]]\nname = "{group.name}"\ntitle = "{group.title}"\nmembers = {json.dumps(members)}\n'
            f'channels = ["mail-{group.name}"]\ndomains = {json.dumps(list(group.domains))}\ntoken_file = "{folder}/token-{group.name}"\n'
        )
    domains = world.settings.domains
    own, mx = json.dumps(list(domains.own)), json.dumps(list(domains.mx))
    return f'[lake]\npath = "{world.both}"\n[domains]\nown = {own}\nmx = {mx}\n[dashboard]\nallow = ["{OPERATOR}"]\n{channels}{tables}'


class Provider:
    """The page and the API of the provider, in this process."""

    def __init__(self, world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.folder, self._patch = world, folder, monkeypatch
        self.file = folder / "tlsrpt.toml"
        self.member_of("a")
        self._files: list[Callable[[], bytes] | bytes] = []
        monkeypatch.setenv("TLSRPT_CONFIG", str(self.file))
        monkeypatch.setenv(lake_door.TODAY_VARIABLE, AS_OF)
        monkeypatch.setattr(lake_door, "_doors", OrderedDict())
        monkeypatch.setattr(lake_door, "_answers", lake_door.Answers(400))
        monkeypatch.setattr(readers, "sign_in_is_configured", lambda: True)
        monkeypatch.setattr(readers, "_bucket", object)  # nothing is kept from one sign-in to the next
        monkeypatch.setattr(readers, "LOOK_SECONDS", 0.0)
        monkeypatch.setattr(api_door, "is_host_allowed", lambda _: True)
        button = st.download_button
        monkeypatch.setattr(st, "download_button", lambda label, data, *rest, **more: self._handed(button, label, data, *rest, **more))
        readers.forget()

    def _handed(self, button, label, data, *rest, **more):
        self._files.append(data)
        return button(label, data, *rest, **more)

    def member_of(self, group: str) -> None:
        """Change the configuration while everything runs."""
        self.file.write_text(configuration(self.world, self.folder, ann=group), encoding="utf-8")

    def page(self, email: str) -> AppTest:
        """The page with somebody signed in."""
        self._patch.setattr(readers, "who", lambda: {"is_logged_in": True, "email": email, "email_verified": True})
        return AppTest.from_file(str(HERE / "app.py"), default_timeout=120)

    def said(self, app: AppTest, door: str) -> Said:
        """All that a run sends to the browser, and the files it offers."""
        assert not app.exception, (door, app.exception)
        files, self._files = self._files, []
        given = [file() if callable(file) else file for file in files]
        parts = [str(getattr(element, "proto", element)) for element in (*app.main, *app.sidebar)]
        return Said(door, "\n".join([*parts, *(file.decode("utf-8", "replace") for file in given)]))

    def visit(self, app: AppTest, name: str, **address: str) -> Said:
        """Go to a page by its address."""
        for key in list(app.query_params):
            del app.query_params[key]
        for key, value in address.items():
            app.query_params[key] = value
        return self.said(app.switch_page(f"app_pages/{name}.py").run(), f"{name}?{address}")

    def keys_of(self, email: str) -> Keys:
        """Reports and incidents that Ann sees, or of the other client those that the operator does."""
        whose = Filters(LAST, LAST, None, None, 60)
        found = self._working_for(email, lambda: insight.incidents(whose))
        return Keys(self._reports_of(email), tuple(one.id for one in found if email == ANN or is_theirs(one.domain)))

    def a_report_of(self, email: str) -> str:
        """The first of these reports."""
        return self._reports_of(email)[0]

    def _reports_of(self, email: str) -> tuple[str, ...]:
        asked = {"since": "2026-03-20", "until": AS_OF, "as_of": AS_OF, "at_most": 1000}
        rows = self._working_for(email, lambda: lake_door.ask("reports_found", **asked)).to_dict("records")
        return tuple(row["report_key"] for row in rows if email == ANN or all(is_theirs(name) for name in row["report_domains"]))

    def _working_for(self, email: str, work):
        self.page(email)
        return readers.working_for(readers.admission(readers.who()).audience, work)


def pages(at: Provider, theirs: Keys, *, whole: bool) -> Iterator[str | None]:
    """Visit every page as Ann, by every address."""
    own = at.keys_of(ANN)
    app = at.page(ANN).run()
    yield others_in(at.said(app, "overview"))
    addresses: list[dict[str, str]] = [{}, {"period": "90d", "trust": "all", "shown": "both"}, {"domain": OURS[1], "period": "7d"}]
    addresses += [{"group": "b"}, {"host": SHARED, "shown": "not counted"}] if whole else []
    for name in sorted(PAGES - OPERATORS):
        of_page = [{"key": key} for key in own.reports[:3]] if name == "report" else [{"id": one} for one in own.incidents[:4]]
        for address in [*addresses, *(of_page if name in ("report", "incident") else [])]:
            yield others_in(at.visit(app, name, **address))
    for name, key in (("report", "key"), ("incident", "id")):
        for wanted in (theirs.reports if name == "report" else theirs.incidents)[:3]:
            said, nothing = (at.visit(app, name, **{key: one}) for one in (wanted, wanted[::-1]))
            yield others_in(said)
            assert len(said.text) == len(nothing.text), said.door
    typed = product(("domain", "reports", "hosts"), ("domain", "host", "words"), TYPED if whole else TYPED[:1])
    for name, parameter, words in typed:
        said, nothing = (at.visit(app, name, **{parameter: one}) for one in (words, words.translate(LIKE)))
        yield others_in(said, words)
        assert said.text.count(MARK) == nothing.text.count(MARK), said.door


def api() -> Iterator[str | None]:
    """Ask the API as the first client."""
    for name, query in product(
        api_door.RESOURCES, ("", f"domain={OURS[0]}", "days=800&domain=alpha.example", "group=b", f"domain={THEIRS[0]}")
    ):
        headers = [(b"authorization", f"Bearer {TOKENS['a']}".encode())]
        scope = {"type": "http", "method": "GET", "path": f"/api/v1/{name}", "query_string": query.encode(), "headers": headers}
        answer = api_door.answer_to(Request(scope), name)
        yield others_in(Said(f"{name}?{query}", bytes(answer.body).decode()), THEIRS[0])


def commands(at: Provider, capsys: pytest.CaptureFixture[str], folder: Path) -> Iterator[str | None]:
    """Run what takes `--group`, and tell the channels; look into what they wrote."""
    for command in COMMANDS:
        code = cli.main(["--config", str(at.file), *(word.format(folder) for word in command), "--group", "a"])
        said = capsys.readouterr()
        assert code in (0, 1, 2), said.err
        yield others_in(Said(str(command), said.out + said.err))
    assert cli.main(["--config", str(at.file), "notify", "--as-of", AS_OF]) in (0, 1, 75)
    capsys.readouterr()
    for file in (*(folder / "months").rglob("*"), folder / "part.duckdb", folder / "part.parquet", at.folder / "told-a"):
        if file.is_file():
            yield others_in(Said(str(file), file.read_bytes().decode("utf-8", "replace")))
    with zipfile.ZipFile(folder / "part.csv.zip") as part:
        for name in part.namelist():
            yield others_in(Said(name, part.read(name).decode()))
    yield from _inside(folder / "part.duckdb")


def _inside(file: Path) -> Iterator[str | None]:
    import duckdb

    with duckdb.connect(str(file), read_only=True) as part:
        for (table,) in part.execute("select table_name from duckdb_tables()").fetchall():
            yield others_in(Said(f"{file.name} {table}", str(part.table(table).to_arrow_table().to_pylist())))
