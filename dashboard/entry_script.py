"""Streamlit's own script, with four changes that no setting offers.

A change of a filter becomes a step of the browser's history (Streamlit replaces the address instead, so that "back" skips it); one click
is one step, however often the address changes while the next page is drawn (Streamlit makes up to three, among them addresses that never
were); the server is looked for where it is, not first below the address of the page (which is a 404 on every deep link); and the parts
of the page are fetched while the server draws, not each once its element has come, which took a second of the first chart's three. Where
another version of Streamlit has other words there, only the first and the last are missing, which a test would show. Decision 0054.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import streamlit

_FOLDER = Path(streamlit.__file__).parent / "static" / "static" / "js"
_NAME = re.compile(r"static/js/(index\.[\w-]+\.js)")
_REPLACES = "window.history.replaceState({},``,a.toString()),this.notifyQueryParamsChange()"
_ONE_STEP = """{
  let stepped = true;
  const push = history.pushState.bind(history);
  history.pushState = (...step) => stepped ? history.replaceState(...step) : (stepped = true, push(...step));
  for (const act of ["pointerdown", "keydown"]) addEventListener(act, () => { stepped = false; }, true);
  addEventListener("popstate", () => { stepped = true; }, true);
}"""
PARTS = ("Html", "ButtonGroup", "Selectbox", "DateInput", "Metric", "PageLink", "EChartsChart", "DownloadButton")
"""Elements that pages begin with, in the order in which they are needed; what weighs much and comes later would be in their way."""
_PUSHES = _REPLACES.replace("replaceState", "pushState")


def is_entry(path: str) -> bool:
    """Return whether a path, without the base of the server, is that of the script."""
    return path == f"static/js/{_entry().name}"


@cache
def entry_script(base: str) -> bytes:
    """Return the script.

    Args:
        base: The path below which the server answers, without slashes at its ends; mostly empty.
    """
    text = _entry().read_text(encoding="utf-8")
    where = json.dumps(f"/{base}")
    here = f"window.__streamlit??={{BACKEND_BASE_URL:new URL({where},window.location.origin).href}};"
    return (here + _early_parts() + _ONE_STEP + text.replace(_REPLACES, _PUSHES)).encode()


def _early_parts() -> str:
    """Return what fetches the parts while the server draws; one that another version names otherwise is fetched when it is needed."""
    names = [file.name for part in PARTS for file in _FOLDER.glob(f"{part}.*.js")]
    return f"for (const name of {json.dumps(names)}) import(`./${{name}}`).catch(() => {{}});"


@cache
def _entry() -> Path:
    index = (_FOLDER.parent.parent / "index.html").read_text(encoding="utf-8")
    found = _NAME.search(index)
    return _FOLDER / (found[1] if found else "index.js")
