"""A lake as a reader sees it: named questions, SQL, and what the columns mean, over one snapshot."""

from __future__ import annotations

import os
import re
import threading
from contextlib import contextmanager
from difflib import get_close_matches
from html import escape
from typing import TYPE_CHECKING, Self, TypeVar

import duckdb

from pipeline.errors import LakeError, SqlError, TlsrptError, TryAgainError, UsageError
from pipeline.lake.delta.snapshot import Snapshot, current_version, open_snapshot
from pipeline.lake.delta.whole import MEND
from pipeline.output.markup import html_table
from pipeline.query import guard, month_sums
from pipeline.query.catalogue import OPERATORS_ONLY, Question, Questions, asked_period, load_questions, view_texts
from pipeline.query.conclusions import Analysis
from pipeline.query.engine import Engine, needs_habits
from pipeline.query.kept import answer_name, answers_kept, ask_morning, keep_answers, keep_habits, name_of, read_answer, read_habits
from pipeline.query.marked_rows import MarkedRows, Needed, needed, needed_by_guest
from pipeline.query.month_sums import Made, Used, asks_sums, choose, list_made, names_of, remove_others, store
from pipeline.query.scope import EVERY_MONTH, files_of, months_of, newest_months
from pipeline.query.submitter_habits import Habits, learn
from pipeline.query.unread_files import why_unread
from pipeline.tables.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date
    from types import TracebackType

    import pyarrow as pa

    from pipeline.config import Settings
    from pipeline.groups import Audience
    from pipeline.lake.storage.location import Location
    from pipeline.query.describe import Views
    from pipeline.query.scope import Scope

WHOLE = "handed_"
"""How questions begin that copy a part of the lake: they may take their time."""
_RUNS = re.compile(r"\bruns\b", re.IGNORECASE)

_GRACE_SECONDS = 3.0
_Answer = TypeVar("_Answer")
_Kept = TypeVar("_Kept")


class Lake(Analysis):
    """An open lake. Safe to share between threads; use it in a `with`, or close it.

    Attributes:
        snapshot: What the lake held when it was opened or last refreshed.
    """

    def __init__(self, location: Location, settings: Settings) -> None:
        """Open the lake; one that is absent or empty answers every question with no rows.

        Raises:
            LakeError: It cannot be read.
        """
        self.location = location
        self._files = location.readable()
        self.snapshot: Snapshot = self._open()
        self._settings = settings
        self._engines: dict[tuple[bool, bool], Engine] = {}
        self._making = threading.Lock()
        self._refreshing = threading.Lock()
        self._learning = threading.Lock()
        self._learned: tuple[str, Habits] = ("", Habits())
        self._marks = MarkedRows(location.uri, self._run_own)
        self._extent: tuple[str, pa.Table] | None = None
        self._sums: tuple[Snapshot | None, dict[str, Made], dict[str, str]] = (None, {}, {})
        self._kept: tuple[Snapshot | None, str, frozenset[str]] = (None, "", frozenset())
        self._noted: dict[str, pa.Table] | None = None

    configuration = "settings given"
    """Which file the settings are from: they say whose tiers and domains count."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Lake {self.location.uri} {self.version}, configuration: {self.configuration}{self._whose()}>"

    def _whose(self) -> str:
        if self.audience is not None:
            return f", opened as {self.audience.title}"
        return "" if self._settings.domains.own else "; [domains] own is not set, so every domain counts as ours"

    def _repr_html_(self) -> str:
        said = f"{self.configuration}{self._whose()}"
        caption = f"Lake <code>{escape(self.location.uri)}</code>, version {escape(self.version)}, configuration: {escape(said)}"
        if self.audience is not None:
            return caption
        rows = [
            (name, TABLES[name].grain, len(entries), sum(entry.rows for entry in entries)) for name, entries in self.snapshot.files.items()
        ]
        return html_table(caption, ("table", "one row is", "files", "rows"), rows)

    @property
    def _engine(self) -> Engine:
        """What runs our own questions."""
        return self._engine_for(guests=False)

    def _engine_for(self, *, guests: bool, hosts: bool = False) -> Engine:
        with self._making:
            if (guests, hosts) not in self._engines:
                self._engines[guests, hosts] = Engine(self.location.uri, self._settings, self._files, guests=guests, hosts=hosts)
            return self._engines[guests, hosts]

    @property
    def _engines_now(self) -> tuple[Engine, ...]:
        return tuple(self._engines.values())

    def _without(self, failed: Engine) -> None:
        """Forget an engine that DuckDB has given up; who still asks it meets the same error, and asks the next."""
        with self._making:
            self._engines = {kind: engine for kind, engine in self._engines.items() if engine is not failed}

    @property
    def audience(self) -> Audience | None:
        """Whose domains it shows; None: it is the operator's, and shows all."""
        return self._settings.audience

    @property
    def version(self) -> str:
        """What an answer depends on beside the question: a key for caches."""
        return f"{self.snapshot.version}-{self._rules}"

    @property
    def _rules(self) -> str:
        """What counts, and for whom."""
        settings = self._settings
        bounds = (str(settings.report_limits.policy_sessions), str(settings.report_limits.report_sessions))
        seen = () if settings.audience is None else ("seen", *settings.audience.domains, "", *settings.audience.below)
        rules = "\0".join((*settings.trust.count, "", *settings.domains.own, "", *settings.domains.mx, "", *bounds, *seen))
        return _digest(rules)

    @property
    def questions(self) -> Questions:
        """The named questions."""
        return load_questions()

    @property
    def tables(self) -> Views:
        """The tables and views with the meaning of each column."""
        return self._engine.views()

    def ask(
        self,
        name: str,
        *,
        since: date | str | None = None,
        until: date | str | None = None,
        as_of: date | str | None = None,
        **parameters: object,
    ) -> pa.Table:
        """Answer a named question.

        Args:
            name: One of `questions`.
            since: First day, inclusive; 90 days up to `until` where it is not given and the question needs one.
            until: Last day, inclusive; `as_of` where it is not given or later.
            as_of: The day of asking, UTC; today where it is not given. Reports about later days are ignored.
            **parameters: The question's own.

        Raises:
            UsageError: There is no such question, a parameter is missing, unknown or wrong, or it is the operator's and the lake is
                opened as a group.
            LakeError: The lake cannot be read.
            TryAgainError: It took too long.
        """
        question = self.question(name)
        if name == "extent" and not parameters and self._extent is not None and self._extent[0] == self.version:
            return self._extent[1]  # the page, what its figures rest on and the first weeks all begin with it
        if self.audience is not None and name in OPERATORS_ONLY:
            raise UsageError(
                f"question {name} is the operator's: it is about the ingest and what does not count, not about a group's domains"
            )
        period = asked_period(since, until, as_of)
        given = {"since": since is not None, "until": until is not None, "as_of": as_of is not None}
        for parameter in question.parameters:
            if parameter.name in period and (parameter.required or given[parameter.name]):
                parameters[parameter.name] = period[parameter.name]
        values = question.bind(parameters)
        domain = values.get("domain")
        if self.audience is not None and domain is not None and not self.audience.sees(str(domain)):
            values["domain"] = ""  # nobody's: how long it takes would tell whether others have it
        asked = answer_name(question, values)
        if (kept := self._kept_answer(asked)) is not None:
            return self._note(asked, kept)
        months = months_of(values.get("since"), values.get("until"))
        try:
            # Bound with their types, so that an empty list or a null means what the question says.
            bound = {p.name: duckdb.Value(values[p.name], self._engine.type_of(p.type)) for p in question.parameters}
            limited = not name.startswith(WHOLE)
            summed = (period["since"], period["until"], values.get("domain") is None) if asks_sums(question.sql) else None
            version = self.version
            answer = self._answer(lambda: self._run(question.sql, bound, months, limited=limited, summed=summed))
            if name == "extent":
                self._extent = version, answer
            return answer if _RUNS.search(question.sql) else self._note(asked, answer)
        except (duckdb.Error, ValueError, OverflowError) as err:
            raise UsageError(f"question {name} cannot be answered: {guard.sentence(str(err))}") from err

    def question(self, name: str) -> Question:
        """Return a named question.

        Raises:
            UsageError: There is none of that name.
        """
        try:
            return self.questions[name]
        except KeyError:
            close = get_close_matches(name, self.questions, n=1)
            hint = f"did you mean {close[0]}?" if close else "`tlsrpt questions` lists them"
            raise UsageError(f"there is no question {name}; {hint}") from None

    def report_texts(self, report_key: str) -> list[str]:
        """Return the JSON of a report as its sender wrote it, indented; of a lake opened as a group its part. Empty where it is not kept.

        Raises:
            LakeError: The lake cannot be read.
            TryAgainError: It took too long.
        """
        from pipeline.query.raw_report_text import part_of, report_texts

        rows = self.ask("report_one", report_key=report_key).to_pylist()
        if not rows:
            return []
        bound = {"message_sha256": rows[0]["message_sha256"]}
        kept = self._answer(lambda: self._run(view_texts()["raw_of_report"], bound)).column("content").to_pylist()
        texts = report_texts(bytes(kept[0] or b""), limits=self._settings.report_limits) if kept else []
        if self.audience is None:
            return texts
        theirs = {row["policy_ix"] for row in self.ask("report_policies", report_key=report_key).to_pylist()}
        return part_of(texts, rows[0], theirs)

    def sql(self, query: str, params: Mapping[str, object] | None = None) -> pa.Table:
        """Run one SELECT, EXPLAIN or DESCRIBE over the views.

        Args:
            query: The statement; `$name` stands for a parameter.
            params: A value for each parameter.

        Raises:
            SqlError: It does not parse, names what is not there, or fails on what it is given.
            UsageError: It does something else than read, calls what may not be called, or reads outside the lake; or the lake was opened
                as a group.
            LakeError: The lake cannot be read.
            TryAgainError: It took too long.
        """
        if self.audience is not None:
            raise UsageError("SQL of one's own is the operator's: a lake opened as a group answers named questions")
        guard.check(self._engine_for(guests=True), query)
        try:
            return self._answer(lambda: self._run(query, params or {}, guests=True))
        except (duckdb.InternalException, duckdb.FatalException) as err:
            said = guard.sentence(str(err))
            raise SqlError(f"DuckDB fails on this SQL: {said}; `tlsrpt doctor` says whether a file of the lake is broken") from err
        except duckdb.PermissionException as err:
            raise UsageError(f"nothing outside the lake can be read: {guard.sentence(str(err))}") from err
        except (duckdb.Error, UnicodeDecodeError) as err:
            # DuckDB may cut a text in the middle of a character, and Python then cannot read what it says.
            raise SqlError(f"the SQL cannot be run: {guard.sentence(str(err))}") from err

    def refresh(self) -> bool:
        """Look at the lake again, and say whether it has changed.

        Raises:
            LakeError: It cannot be read.
        """
        with self._refreshing:
            if current_version(self.location) == self.snapshot.version:
                return False
            self.snapshot = self._open()
            return True

    @contextmanager
    def ending_the_process(self, say: Callable[[str], None]) -> Iterator[None]:
        """End the whole process where what is asked inside does not end by itself soon after its time is over.

        A query is interrupted between two pieces of work; one function on one very long text is a single piece.

        Args:
            say: Says why to the user.
        """
        seconds = self._settings.query.seconds
        if not seconds:
            yield
            return

        def end() -> None:
            for engine in self._engines_now:
                engine.abandon()
            late = self._too_late()
            say(str(late))
            os._exit(late.exit_code)

        clock = threading.Timer(seconds + _GRACE_SECONDS, end)
        clock.daemon = True
        clock.start()
        try:
            yield
        finally:
            clock.cancel()

    def close(self) -> None:
        """Let go of it. Queries that run are cut off."""
        with self._making:
            for engine in self._engines.values():
                engine.close()

    def _open(self) -> Snapshot:
        snapshot = open_snapshot(self.location)
        if self._files is not None:
            self._files.know({entry.path: entry.size_bytes for entries in snapshot.files.values() for entry in entries})
        return snapshot

    def _scope(
        self, sql: str, months: tuple[str, str] = EVERY_MONTH, summed: tuple[date, date, bool] | None = None, *, guests: bool = False
    ) -> Scope:
        snapshot = self.snapshot
        habits = self._habits(snapshot) if needs_habits(sql) else Habits()
        runs = self._looks_text() if _RUNS.search(sql) else "[]"
        # Sums are the operator's: a group reads rows, cut to what it may see.
        used = self._sums_of(snapshot, habits, summed) if summed and self.audience is None else Used()
        scope = files_of(snapshot, months, without=used.months)
        whole, part = ([self.location.uri_of(each.path) for each in some] for some in (used.whole, used.part))
        scope = self._with_marks(scope, needed_by_guest(sql) if guests else needed(sql), snapshot)
        return scope._replace(habits=habits, runs=runs, sums_whole=whole, sums_part=part)

    def _sums_of(self, snapshot: Snapshot, habits: Habits, summed: tuple[date, date, bool]) -> Used:
        """Return the sums of months that there are for a question: whose period, and whether it is about all domains."""
        if self._sums[0] is not snapshot:
            made = list_made(self.location)
            if self._files is not None:
                self._files.know({self.location.uri_of(each.path): each.size_bytes for each in made.values()})
            self._sums = snapshot, made, names_of(snapshot, self._rules, habits) if made else {}
        since, until, all_domains = summed
        return choose(self._sums[1], self._sums[2], snapshot, since, until, all_domains=all_domains)

    def make_sums(self, before: str) -> Iterator[tuple[str, int]]:
        """Make the sums of closed months that have none, and remove those that stand for nothing; yield month and bytes of each.

        Args:
            before: The first month that is not closed. The caller holds the lock of the lake.

        Raises:
            LakeError: The lake cannot be read or written.
        """
        snapshot = self.snapshot
        habits = self._habits(snapshot)
        names = {month: name for month, name in names_of(snapshot, self._rules, habits).items() if month < before}
        with self.location.errors("write"):
            made = list_made(self.location)
            remove_others(self.location, names.values())
            if names:
                keep_habits(self.location, name_of(snapshot, self._rules), habits)
            for month, name in sorted(names.items()):
                if name not in made:
                    asked = view_texts()["make_sums"]
                    scope = self._with_marks(files_of(snapshot, (month, month)), needed(asked), snapshot)._replace(habits=habits)
                    engine = self._engine_for(guests=False, hosts=bool(habits.hosts))
                    sums = engine.run(asked, {}, scope, limited=False)
                    yield month, store(self.location, name, snapshot.batch, sums)

    def keep_answers(self, today: date) -> int:
        """Answer what a morning begins with, and keep it for all who open the lake as it is now; return how many answers.

        Of a lake that is quickly asked nothing is kept.

        Args:
            today: The day of asking (UTC). The caller holds the lock of the lake.

        Raises:
            LakeError: The lake cannot be read or written.
            TryAgainError: A question takes more time or memory than `[query]` gives it; nothing is kept then.
        """
        noted: dict[str, pa.Table] = {}
        if _is_large(self.snapshot):
            self._noted = noted
            try:
                ask_morning(self, today, usual=self._settings.insight.days, own=self._settings.domains.own)
            finally:
                self._noted = None
        with self.location.errors("write"):
            keep_answers(self.location, name_of(self.snapshot, self._rules), noted)
        return len(noted)

    def _kept_answer(self, asked: str) -> pa.Table | None:
        """Return what `maintain` kept of this state of the lake; the operator's, and only of a large lake."""
        snapshot = self.snapshot
        of, name, there = self._kept
        if of is not snapshot:
            has_some = self.audience is None and _is_large(snapshot)
            name = name_of(snapshot, self._rules) if has_some else ""
            there = (self._if_read(lambda: answers_kept(self.location, name)) if has_some else None) or frozenset()
            self._kept = snapshot, name, there
        return self._if_read(lambda: read_answer(self.location, name, asked)) if asked in there else None

    def _if_read(self, read: Callable[[], _Kept]) -> _Kept | None:
        """Return what is kept; None where it cannot be read: then it is asked, which says what is wrong with the lake."""
        try:
            with self.location.errors("read"):
                return read()
        except LakeError:
            return None

    def _note(self, asked: str, answer: pa.Table) -> pa.Table:
        if self._noted is not None:
            self._noted[asked] = answer
        return answer

    def _habits(self, snapshot: Snapshot) -> Habits:
        """Return how submitters report, learned once for each state of the lake, whatever period is asked about.

        Of a lake of many millions of rows the newest months show it.
        """
        with self._learning:
            if self._learned[0] != snapshot.version:
                scope = files_of(snapshot, newest_months(snapshot))

                def ask(sql: str, parameters: Mapping[str, object]) -> pa.Table:
                    return self._run_own(sql, parameters, self._with_marks(scope, needed(sql), snapshot))

                name = name_of(snapshot, self._rules) if scope.policies >= month_sums.LEAST_ROWS else ""
                kept = self._if_read(lambda: read_habits(self.location, name)) if name else None
                self._learned = (snapshot.version, learn(ask) if kept is None else kept)
            return self._learned[1]

    def _run_own(self, sql: str, parameters: Mapping[str, object], scope: Scope) -> pa.Table:
        return self._engine.run(sql, parameters, scope)

    def _with_marks(self, scope: Scope, needs: Needed, snapshot: Snapshot) -> Scope:
        """Return a scope that says which rows of its contested files are not simply counted, and whether bounds need be looked at."""
        return scope._replace(marks=self._marks.told(scope, needs, snapshot.version), once_bounded=self._marks.once_bounded(scope, needs))

    def _run(
        self,
        sql: str,
        parameters: Mapping[str, object],
        months: tuple[str, str] = EVERY_MONTH,
        *,
        guests: bool = False,
        limited: bool = True,
        summed: tuple[date, date, bool] | None = None,
    ) -> pa.Table:
        scope = self._scope(sql, months, summed, guests=guests)
        engine = self._engine_for(guests=guests, hosts=bool(scope.habits.hosts))
        if guests:
            engine.views()  # from here on `describe` and `duckdb_columns()` say what columns mean
        try:
            return engine.run(sql, parameters, scope, limited=limited)
        except (duckdb.InternalException, duckdb.FatalException):  # from now on it refuses everything
            self._without(engine)
            raise

    def _answer(self, run: Callable[[], _Answer]) -> _Answer:
        """Run; where a file has gone meanwhile (compacted and cleaned up), open the lake once more."""
        try:
            return run()
        except (duckdb.OutOfMemoryException, duckdb.InterruptException) as err:
            raise self._too_much(err) from err
        except duckdb.Error as err:
            # A fatal one is the echo of what another statement did to the engine.
            if why_unread(err, self._engines_now) is None and not isinstance(err, duckdb.FatalException):
                raise
            self.snapshot = self._open()
        try:
            return run()
        except (duckdb.OutOfMemoryException, duckdb.InterruptException) as err:
            raise self._too_much(err) from err
        except duckdb.Error as err:
            unread = why_unread(err, self._engines_now)
            if unread is None:
                raise
            try:
                with self.location.errors("read"):
                    raise unread from err
            except LakeError as said:
                raise LakeError(f"{said}; {MEND}") from err
        raise AssertionError

    def _too_much(self, err: duckdb.Error) -> TlsrptError:
        if isinstance(err, duckdb.InterruptException):
            return self._too_late()
        return TryAgainError(
            f"the query needs more than {self._settings.query.memory} of memory ([query] memory): {guard.sentence(str(err))}"
        )

    def _too_late(self) -> TryAgainError:
        return TryAgainError(f"the query takes longer than {self._settings.query.seconds:g} seconds ([query] seconds), and was ended")


def _is_large(snapshot: Snapshot) -> bool:
    return sum(entry.rows for entry in snapshot.files.get("policies", ())) >= month_sums.LEAST_ROWS


def _digest(text: str) -> str:
    from hashlib import sha256

    return sha256(text.encode()).hexdigest()[:12]
