"""The page as the readers of a group see it: their domains, whatever others have looked at before, and no word of anybody else's."""

from __future__ import annotations

import contextvars
import gc
import json
import re
import time
import weakref
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

import dashboard
from dashboard import auditing, insight, lake_door, readers
from dashboard.filters import Filters
from dashboard.navigation import PAGES
from pipeline.groups import Audience
from pipeline.lake.storage.locate import locate
from pipeline.notify.audit import audited
from tests.dashboard import browser as harness
from tests.dashboard.oidc import provider, secrets
from tests.dashboard.raw_socket import raw_socket, text_of
from tests.query import group_worlds
from tests.query.group_worlds import AS_OF, LAST, MARK, OURS, THEIRS

OPERATORS = {"ingest", "notices"}
HERE = Path(dashboard.__file__).parent


def _configuration(world, *, members=("ann@alpha.example",)) -> str:
    groups = (("a", "Alpha Ltd", members, OURS), ("b", f"{MARK} Beta", (f"@{THEIRS[0]}",), THEIRS))
    tables = "".join(
        f'[[group]]\nname = "{name}"\ntitle = "{title}"\nmembers = {json.dumps(list(who))}\ndomains = {json.dumps(list(domains))}\n'
        for name, title, who, domains in groups
    )
    own = json.dumps(list(group_worlds.NAMES))
    return f'[lake]\npath = "{world.both}"\n[domains]\nown = {own}\n[dashboard]\nallow = ["@provider.example"]\n{tables}'


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return group_worlds.build(tmp_path_factory.mktemp("page"), 1)


@pytest.fixture
def page(world, tmp_path, monkeypatch):
    """The page with somebody signed in."""
    config = tmp_path / "tlsrpt.toml"
    config.write_text(_configuration(world))
    monkeypatch.setenv("TLSRPT_CONFIG", str(config))
    monkeypatch.setenv(lake_door.TODAY_VARIABLE, AS_OF)
    monkeypatch.setattr(lake_door, "_doors", OrderedDict())
    monkeypatch.setattr(lake_door, "_answers", lake_door.Answers(400))
    monkeypatch.setattr(readers, "sign_in_is_configured", lambda: True)
    monkeypatch.setattr(readers, "_bucket", object)  # nothing is kept from one sign-in to the next
    readers.forget()

    def sign(email: str) -> AppTest:
        claims = {"is_logged_in": True, "email": email, "email_verified": True}
        monkeypatch.setattr(readers, "who", lambda: claims)
        return AppTest.from_file(str(HERE / "app.py"), default_timeout=120)

    yield sign
    lake_door.close()


def _said(app: AppTest) -> str:
    assert not app.exception, app.exception
    return "\n".join(str(getattr(element, "proto", element)) for element in (*app.main, *app.sidebar))


def test_no_page_says_a_word_of_others_whoever_looked_before(page):
    operator = page("ops@provider.example").run()
    assert MARK in _said(operator)
    assert any(one.label == "Sign out" for one in operator.button)
    app = page("ann@alpha.example").run()
    whose = Filters(LAST, LAST, None, None, 28)
    alpha = readers.working_for(readers.admission(readers.who()).audience, lambda: insight.incidents(whose))
    key = readers.working_for(readers.admission(readers.who()).audience, _a_report_of_several)
    assert alpha
    for name in sorted(PAGES - OPERATORS):
        if name in ("incident", "report"):
            app.query_params.update({"incident": {"id": alpha[0].id}, "report": {"key": key}}[name])
        said = _said(app.switch_page(f"app_pages/{name}.py").run())
        assert MARK not in said, name
        assert "cannot be drawn" not in said, name
    app.query_params["domain"] = OURS[0]
    assert OURS[0] in _said(app.switch_page("app_pages/domain.py").run())


def _a_report_of_several() -> str:
    found = lake_door.ask("reports_found", since="2026-04-20", until=AS_OF, as_of=AS_OF).to_dict("records")
    return next(row["report_key"] for row in found if row["report_id"] == "(withheld)")


def test_the_operator_sees_the_fleet_by_group(page):
    app = page("ops@provider.example").run().switch_page("app_pages/domains.py").run()
    assert not app.exception
    groups = next(table.value for table in app.dataframe if "without_reports" in table.value.columns)
    assert dict(zip(groups["group"], groups["domains"], strict=True)) == {"Alpha Ltd": len(OURS), f"{MARK} Beta": len(THEIRS)}
    app.selectbox(key="group").set_value("a").run()
    assert {name.removesuffix(" →") for table in app.dataframe for name in table.value["report_domain"]} == set(OURS)


def test_who_is_in_no_group_sees_that_they_are_not(page):
    said = _said(page("eve@elsewhere.example").run())
    assert "may not see this page (not in any [[group]], and not an operator" in said
    assert MARK not in said
    assert OURS[0] not in said
    auditing._writer.submit(int).result()  # what was handed over before is written
    last = audited(locate(readers.operators_settings().lake.path))[-1]
    assert (last.act, last.who, last.groups) == ("refusal", "eve@elsewhere.example", ())


def test_a_file_that_the_page_hands_over_leaves_a_line_once_a_visit(page, monkeypatch):
    page("ann@alpha.example")
    drawn = []
    monkeypatch.setattr(auditing, "st", SimpleNamespace(session_state={}, download_button=lambda *given, **_: drawn.append(given)))
    whose = readers.admission(readers.who()).audience
    readers.working_for(whose, lambda: auditing.handed_over("CSV", lambda: b"rows", "fleet.csv", "text/csv", of=OURS[0]))
    before = len(audited(locate(readers.operators_settings().lake.path)))
    with ThreadPoolExecutor(1) as others:  # the file is made by a thread that serves files and knows no visit
        assert [others.submit(drawn[0][1]).result() for _ in range(2)] == [b"rows", b"rows"]
    auditing._writer.submit(int).result()
    lines = audited(locate(readers.operators_settings().lake.path))[before:]
    assert [line[1:] for line in lines] == [("export", "ann@alpha.example", ("a",), f"fleet.csv {OURS[0]}")]


def test_at_most_eight_lakes_are_open_and_the_ninth_closes_the_one_used_least(page):
    page("ops@provider.example")
    opened = [weakref.ref(readers.working_for(Audience((str(n),), "", (f"{n}.example",)), lake_door.lake)) for n in range(9)]
    gc.collect()
    assert len(lake_door._doors) == lake_door.MOST_OPEN
    assert [ref() is None for ref in opened] == [True, *[False] * 8]


def test_a_thread_that_works_for_nobody_sees_nothing(page):
    page("ops@provider.example")
    assert lake_door.ask("sessions_by_domain", since="2026-04-20", until=AS_OF).empty
    with readers.as_operator():
        assert not lake_door.ask("sessions_by_domain", since="2026-04-20", until=AS_OF).empty


def test_groups_that_change_in_the_middle_of_a_step_mix_nothing(page, monkeypatch):
    """A lake that was opened for one audience, or an answer that was drawn for it, would else be kept under the name of another."""
    page("ann@alpha.example")
    mine, whose = readers.admission(readers.who()).audience, Filters(LAST, LAST, None, None, 28)
    asked = iter([mine])
    with monkeypatch.context() as changing:
        changing.setattr(readers, "audience", lambda: next(asked, None))  # whoever asks again is told of everybody
        assert lake_door.lake().audience.domains == OURS
    run = object()
    with monkeypatch.context() as changing:
        changing.setattr(readers, "get_script_run_ctx", lambda **_: run)
        assert contextvars.copy_context().run(_begun_and_then_changed, changing, whose) == readers.working_for(
            mine, lambda: insight.silence(whose)
        )


def _begun_and_then_changed(changing, whose):
    readers.begin()
    changing.setattr(readers, "who", lambda: {"email": "ops@provider.example", "email_verified": True})
    return insight.silence(whose)


def test_a_changed_group_counts_at_once_and_a_broken_file_changes_nothing(page, world, tmp_path, monkeypatch):
    page("ann@alpha.example")
    monkeypatch.setattr(readers, "LOOK_SECONDS", 0.0)
    assert readers.admission(readers.who()).audience.groups == ("a",)
    file = tmp_path / "tlsrpt.toml"
    file.write_text(_configuration(world, members=("bob@alpha.example",)))
    assert "may not see this page" in readers.admission(readers.who()).refused
    file.write_text(_configuration(world, members=("nobody",)) + "\n")
    assert "may not see this page" in readers.admission(readers.who()).refused
    file.write_text(_configuration(world, members=("ann@alpha.example",)) + "# again\n")
    assert readers.admission(readers.who()).refused == ""


@pytest.fixture
def served(world, tmp_path):
    port = harness.free_port()
    address = f"http://127.0.0.1:{port}"
    with provider() as desk:
        (tmp_path / ".streamlit").mkdir()
        (tmp_path / ".streamlit" / "secrets.toml").write_text(secrets(desk.issuer, address))
        config = tmp_path / "tlsrpt.toml"
        config.write_text(_configuration(world))
        with harness.serving(world.both, "--port", str(port), cwd=tmp_path, TLSRPT_TEST_TODAY=AS_OF):
            yield desk, address, config


def _signed_in(browser, desk, address, email):
    desk.email = email
    there = harness.Visit(browser, address)
    there.open().get_by_role("button", name="Sign in").click()
    there.page.get_by_role("button", name="Sign out").wait_for()  # the desk knows one person at a time
    return there


def _cookies(there) -> dict[str, str]:
    return {cookie["name"]: cookie["value"] for cookie in there.context.cookies()}


def _nothing_of_others_through_the_socket(address, alpha, beta):
    """A client need not be a browser: it names pages it was not given, parts, files and sessions of others, and states of fields."""
    with raw_socket(address, beta) as theirs, raw_socket(address, alpha) as mine:
        assert MARK in text_of(theirs.send(rerun_script={"query_string": "period=90d", "page_script_hash": calc_hash("hosts")}))
        said = [mine.send(rerun_script={"query_string": "group=b"})]
        asked = {"query_string": "group=b&trust=all&shown=both"}
        pages = ("ingest", "notices", "domains", "nowhere")
        said += [mine.send(rerun_script={"page_script_hash": calc_hash(page), **asked}) for page in pages]
        fields = dict.fromkeys(re.findall(r"\$\$ID-\w+-(?:group|domain)", "".join(map(text_of, said))))
        assert fields
        states = [{"widgets": [{"id": field, "string_value": THEIRS[0]}]} for field in fields]
        said += [mine.send(rerun_script={"widget_states": state, "page_script_hash": calc_hash("domain")}) for state in states]
        answers = [mine.operate(install_skills={}), mine.operate(dataframe_chunk={"source_id": "0", "offset": 0, "limit": 9})]
        answers.append(mine.operate(session_id=theirs.session, deferred_file={"file_id": "0"}))
        assert all(answer.backend_operation_response.error_msg for answer in answers)
        text = text_of([*(message for one in said for message in one), *answers]).replace(THEIRS[0], "")
        assert OURS[0] in text
        assert not [word for word in (MARK, "Ingest health", "Who is told?") if word in text]


@pytest.mark.browser
def test_members_of_two_groups_and_of_none_sign_in(browser, served, world):
    desk, address, config = served
    alpha = _signed_in(browser, desk, address, "ann@alpha.example")
    beta = _signed_in(browser, desk, address, f"bob@{THEIRS[0]}")
    for there, mine, others in ((alpha, OURS[0], MARK), (beta, THEIRS[0], OURS[0])):
        there.page.get_by_role("heading", name="What is wrong now?").wait_for()
        there.page.get_by_role("link", name="All domains").click()
        there.page.get_by_text("Sign out").wait_for()
        there.page.wait_for_function(harness.IDLE)
        page = there.page.content()
        assert others not in page
        assert not there.page.get_by_role("link", name="Ingest health").count()
        there.page.goto(f"{address}/domain?domain={mine}")
        there.page.get_by_role("heading", name=mine).first.wait_for()
    with alpha.page.expect_download() as handed:
        alpha.page.get_by_role("button", name="CSV").first.click()
    assert MARK not in Path(handed.value.path()).read_text(encoding="utf-8")
    until = time.monotonic() + harness.PATIENCE / 1000
    while ("export", "ann@alpha.example", ("a",)) not in {line[1:4] for line in audited(locate(world.both))}:
        assert time.monotonic() < until, "no line says that a file was handed over"
        time.sleep(0.1)
    _nothing_of_others_through_the_socket(address, _cookies(alpha), _cookies(beta))
    nobody = _signed_in(browser, desk, address, "eve@elsewhere.example")
    nobody.page.get_by_text("not in any [[group]], and not an operator").wait_for()
    config.write_text(config.read_text().replace("ann@alpha.example", "eve@elsewhere.example"))
    # Both pages are open, and nobody touches them.
    alpha.page.get_by_text("not in any [[group]], and not an operator").wait_for()
    nobody.page.get_by_role("heading", name="What is wrong now?").wait_for()
    assert MARK not in nobody.page.content()
    for there in (alpha, beta, nobody):
        there.close()
