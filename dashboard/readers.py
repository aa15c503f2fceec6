"""Who looks: the operator, the readers of some groups, or nobody; and the settings that are theirs.

A run of a page is of whoever has signed in, asked anew each time. Threads beside the runs say for whom they work; where groups are
configured and nobody is said, nothing is seen.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pipeline import log
from pipeline.config import Settings, load_settings
from pipeline.dashboard_flags import SIGN_IN_VARIABLE
from pipeline.entry_rules import is_verified, may_enter, refuse_doubtful_claim, sign_in_is_configured
from pipeline.errors import ConfigError, TlsrptError
from pipeline.groups import Audience, GroupSettings, audience_of, groups_of
from pipeline.output import escape
from pipeline.settings.config_file import find_config
from pipeline.settings.single_tables import DashboardSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext

NOBODY: dict[str, Any] = {}
"""The claims of somebody who has not signed in."""
FIRST = "Sign in to see the TLS reports."
LOOK_SECONDS = 10.0
"""How often the configuration is looked at for other groups and operators."""
_NOTHING = audience_of([])
_Worked = TypeVar("_Worked")


class Admission(NamedTuple):
    """What somebody may see."""

    audience: Audience | None
    """None: all of it."""
    refused: str
    """Why they may not see the page; empty where they may."""


_readings = itertools.count()


class _Configured:
    """The settings the page was started with, with the groups and operators of now."""

    def __init__(self) -> None:
        self.settings = load_settings(os.environ.get("TLSRPT_CONFIG"))
        self.reading = next(_readings)
        """Which reading of the configuration this is: a key for what follows from it."""
        self._file = find_config(os.environ.get("TLSRPT_CONFIG"))
        self._seen = self._state()
        self._looked = time.monotonic()
        self._lock = threading.Lock()

    def _state(self) -> tuple[int, int, int] | None:
        try:
            found = Path(self._file).stat() if self._file else None
        except OSError:
            return None
        return found and (found.st_mtime_ns, found.st_size, found.st_ino)

    def now(self) -> Settings:
        """Return the settings; what else has changed in the file is for the next start."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            with self._lock:
                self._looked = time.monotonic()
                state = self._state()
                if state != self._seen:
                    self._seen = state
                    self._take_over()
        return self.settings

    def _take_over(self) -> None:
        try:
            new = load_settings(os.environ.get("TLSRPT_CONFIG"))
        except TlsrptError as err:
            log.warning("configuration-not-read-again", reason=err)
            return
        rules = self.settings.dashboard.model_copy(update={"allow": new.dashboard.allow})
        self.settings = self.settings.model_copy(update={"group": new.group, "dashboard": rules})
        self.reading = next(_readings)


@functools.cache
def _configured() -> _Configured:
    return _Configured()


def operators_settings() -> Settings:
    """Return the settings of whoever sees all."""
    return _configured().now()


def settings() -> Settings:
    """Return the settings of whoever looks."""
    return settings_of(audience())


def forget() -> None:
    """Read the configuration anew at the next look."""
    _configured.cache_clear()
    _limited.clear()


_limited: dict[Audience, tuple[Settings, Settings]] = {}


def settings_of(seen: Audience | None) -> Settings:
    """Return the settings of an audience; None: of the operator."""
    whole = operators_settings()
    if seen is None:
        return whole
    kept = _limited.get(seen)
    if kept is None or kept[0] is not whole:
        if len(_limited) > _MOST_KEPT:
            _limited.clear()
        kept = _limited[seen] = (whole, whole.limited_to(seen))
    return kept[1]


_MOST_KEPT = 1000
_works_for: ContextVar[Audience | None] = ContextVar("works_for")
_run_for: ContextVar[tuple[ScriptRunContext | None, Audience | None]] = ContextVar("run_for", default=(None, _NOTHING))


def begin() -> Admission:
    """Return what whoever has signed in may see, which is also what the run that begins here sees to its end.

    Were it asked at each step, groups that change in between would mix: what was drawn for one audience would be kept for another.
    """
    admitted = admission(who())
    _run_for.set((get_script_run_ctx(suppress_warning=True), admitted.audience))
    return admitted


def audience() -> Audience | None:
    """Return what whoever looks may see; None: all of it."""
    if (run := get_script_run_ctx(suppress_warning=True)) is not None:
        of_run, seen = _run_for.get()
        return seen if of_run is run else admission(who()).audience  # a part of a page that runs by itself
    try:
        return _works_for.get()
    except LookupError:
        return _NOTHING if operators_settings().group else None


@contextmanager
def as_operator() -> Iterator[None]:
    """Let this thread, which runs no page, work for the operator."""
    token = _works_for.set(None)
    try:
        yield
    finally:
        _works_for.reset(token)


def working_for(whom: Audience | None, work: Callable[[], _Worked]) -> _Worked:
    """Do some work of a page in a thread beside it."""
    token = _works_for.set(whom)
    try:
        return work()
    finally:
        _works_for.reset(token)


def who() -> Mapping[str, Any]:
    """Return the claims of whoever has signed in; `NOBODY` where nobody has."""
    return dict(st.user.to_dict()) if st.user.get("is_logged_in") else NOBODY


def admission(claims: Mapping[str, Any]) -> Admission:
    """Return what somebody may see.

    Args:
        claims: What the provider says of them, `NOBODY` for who has not signed in.
    """
    operators_settings()  # where it has changed, it is another reading
    return _admission(json.dumps(dict(claims), default=str, sort_keys=True), _configured().reading, _bucket())


def _bucket() -> int:
    """The secrets file of the provider is read every few seconds and not at each question."""
    return int(time.monotonic() / 2)


@functools.lru_cache(maxsize=256)
def _admission(claims: str, _reading: int, _now: int) -> Admission:
    whole = operators_settings()
    rules, groups = whole.dashboard, whole.group
    if not sign_in_is_configured():
        gone = "Sign-in is not possible: the provider is no longer configured."
        return Admission(_NOTHING, gone) if SIGN_IN_VARIABLE in os.environ else Admission(None, "")
    said = json.loads(claims)
    if not said:
        return Admission(_NOTHING, FIRST)
    try:
        refuse_doubtful_claim(rules.verified_claim)
    except ConfigError as err:
        return Admission(_NOTHING, f"Sign-in is not possible: {err}.")
    if may_enter(said, rules.allow, rules.verified_claim):
        return Admission(None, "")
    mine = groups_of(said, groups, is_verified=is_verified(said, rules.verified_claim))
    return Admission(audience_of(mine), "" if mine else _refusal(said, rules, groups))


def _refusal(claims: Mapping[str, Any], rules: DashboardSettings, groups: tuple[GroupSettings, ...]) -> str:
    listed = "[dashboard] allow" if rules.allow else "[dashboard] allow is empty"
    why = "not in any [[group]], and not an operator" if groups else listed
    return f"{escape(str(claims.get('email') or 'You'))} may not see this page ({why}; the provider must have verified the address)."
