"""What no file of the project may hold, and names that say nothing."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from tests.project.tree import ROOT, project_files, texts
from tests.some import some

TOP_LEVEL = {"pyproject.toml", "README.md", "Makefile", "CHANGELOG.md", "LICENSE", "pipeline", "dashboard", "notebooks", "tests", "data"}
BANNED = {"data", "info", "item", "record", "event", "provider", "handler", "manager", "utils", "helpers", "common", "misc"}
REGISTRIES = re.compile(r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|deb\.debian\.org".replace(r"\.", r"[.]"))
HOME_PATHS = re.compile(r"(?<![\w.])/(?:home|root|work|Users)/\w")
SECRETS = re.compile(r"AKIA[0-9A-Z]{16}|ghp_[0-9A-Za-z]{36}|xox[bap]-[0-9A-Za-z-]{20}|AIza[0-9A-Za-z_-]{35}")
PURE = ("pipeline/report/", "pipeline/insight/")
CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "getenv", "environ"}


def _found(pattern: re.Pattern[str]) -> list[str]:
    here = str(Path(__file__).relative_to(ROOT))
    return [f"{name}: {match.group()}" for name, text in texts().items() if name != here for match in pattern.finditer(text)]


@pytest.mark.parametrize("pattern", [REGISTRIES, HOME_PATHS, SECRETS], ids=["package registry", "somebody's folder", "secret"])
def test_no_file_names_a(pattern):
    assert _found(pattern) == []


def test_the_top_level_is_that_of_the_design():
    tops = {path.relative_to(ROOT).parts[0] for path in project_files()}
    assert {name for name in tops if not name.startswith(".")} <= TOP_LEVEL


def test_no_file_is_large():
    assert [str(path) for path in some(project_files()) if path.stat().st_size > 1_000_000] == []


def _modules() -> list[tuple[str, ast.Module]]:
    return [(name, ast.parse(text)) for name, text in texts(".py").items() if name.startswith(("pipeline/", "dashboard/"))]


def test_no_module_or_class_has_a_name_that_says_nothing():
    empty = [name for name, _ in _modules() if Path(name).stem.strip("_") in BANNED]
    for name, tree in _modules():
        classes = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        if name.startswith("pipeline/published/"):  # DNS has records
            classes = [c.removesuffix("Record") for c in classes]
        empty += [f"{name}: {c}" for c in classes if BANNED & {word.lower() for word in re.findall(r"[A-Z][a-z]*", c)}]
    assert empty == []


def test_no_module_name_means_two_things():
    """Nor that of a room; but for commands and pages, which are named for what they show."""
    paths = [Path(name) for name, _ in _modules() if name.startswith("pipeline/") and "/commands/" not in name]
    names = [path.parent.name if path.name == "__init__.py" else path.stem for path in paths]
    assert len(names) > 350
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_reading_reports_and_drawing_conclusions_ask_no_clock_and_no_environment():
    asked = [
        f"{name}:{node.lineno} {node.attr}"
        for name, tree in _modules()
        if name.startswith(PURE)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in CLOCKS
        and isinstance(node.value, ast.Name)
        and node.value.id in {"datetime", "date", "time", "os"}
    ]
    assert asked == []


def test_every_module_says_what_it_is():
    assert [name for name, tree in some(_modules()) if tree.body and ast.get_docstring(tree) is None] == []


def test_every_package_folder_is_seen_by_the_import_checker():
    folders = {path.parent for path in project_files() if path.suffix == ".py" and path.is_relative_to(ROOT / "pipeline")}
    folders |= {path.parent for path in project_files() if path.suffix == ".py" and path.is_relative_to(ROOT / "dashboard")}
    assert [str(folder) for folder in some(folders) if not (folder / "__init__.py").is_file()] == []


def test_every_module_has_a_place_in_the_layers():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    placed = {name.strip() for layer in contracts[0]["layers"] for name in layer.split("|")}
    modules = {".".join(Path(name).with_suffix("").parts[:2]) for name, _ in _modules() if name.startswith("pipeline/")}
    assert modules - placed - {"pipeline.__init__"} == set()


def _is_there(dotted: str) -> bool:
    """Whether a dotted name leads to a module, and what is left of it stands there."""
    path, *rest = dotted.split(".")
    place = ROOT / path
    while rest and ((place / rest[0]).is_dir() or (place / f"{rest[0]}.py").is_file()):
        place /= rest.pop(0)
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return not rest or re.search(rf"\b{rest[0]}\b", file.read_text(encoding="utf-8")) is not None


def test_every_module_that_a_text_names_is_there():
    """But for what tells of former days, and recipes, which name what is to be made."""
    named = [
        (name, dotted.replace("/", ".").removesuffix(".py"))
        for name, text in texts(".py", ".md", ".sql", ".toml").items()
        if name != "CHANGELOG.md" and "/decisions/" not in name
        for dotted in re.findall(r"`(pipeline(?:\.\w+)+|pipeline(?:/\w+)+\.py)`", text)
    ]
    assert [each for each in some(named) if "your_" not in each[1] and not _is_there(each[1])] == []


def _only_repeats(name: str, said: str) -> bool:
    """Whether the words about a parameter are those of its name, as in `lake: The lake`."""
    own = {form for word in name.split("_") for form in (word, f"{word}s", word.removesuffix("s"))}
    return set(re.findall(r"\w+", said.lower())) <= own | {"the", "a", "an", "of", "its", "this", "that", "is"}


def test_public_functions_of_three_parameters_and_more_say_what_each_is():
    silent = []
    for module, tree in _modules():
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            names = [one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs) if one.arg not in ("self", "cls")]
            said = (ast.get_docstring(node) or "").partition("Args:")[2]
            lines = dict(re.findall(r"^\s+(\w+): (.*)", said, re.MULTILINE))
            named = [name for name in names if not name.startswith("_")]
            if any(_only_repeats(name, lines.get(name, "" if len(names) > 2 else "no need to")) for name in named):
                silent.append(f"{module}:{node.lineno} {node.name}")
    assert silent == []
