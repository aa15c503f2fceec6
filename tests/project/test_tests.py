"""Tests that would pass whatever the program does."""

from __future__ import annotations

import ast
from functools import cache

from tests.project.tree import texts
from tests.some import some


@cache
def _tests() -> list[tuple[str, ast.FunctionDef]]:
    return [
        (f"{name}::{node.name}", node)
        for name, text in texts(".py").items()
        if name.startswith("tests/")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def _never_empty(over: ast.expr) -> bool:
    """Whether something is surely there to loop over: written out, a constant of the module, or made sure of by `some`."""
    if isinstance(over, (ast.Tuple, ast.List, ast.Set, ast.Dict)):
        return bool(over.elts if not isinstance(over, ast.Dict) else over.keys)
    if isinstance(over, ast.BinOp):
        return _never_empty(over.left)
    if isinstance(over, ast.Name):
        return over.id.isupper()
    if not isinstance(over, ast.Call):
        return False
    if isinstance(over.func, ast.Name):
        return over.func.id in {"range", "some"} or (over.func.id in {"sorted", "enumerate", "zip"} and _never_empty(over.args[0]))
    return isinstance(over.func, ast.Attribute) and over.func.attr in {"items", "values", "keys"} and _never_empty(over.func.value)


def _vacuous(test: ast.expr) -> bool:
    """Whether a condition holds where there is nothing to look at: `all(…)`, or nothing found among it (`[…] == []`)."""
    if isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and test.func.id == "all":
        looked_at = test.args[0]
    elif isinstance(test, ast.Compare) and ast.unparse(test.comparators[0]) in {"[]", "set()"}:
        looked_at = test.left
    else:
        return False
    return isinstance(looked_at, (ast.ListComp, ast.SetComp, ast.GeneratorExp)) and not _never_empty(looked_at.generators[0].iter)


def _sure(node: ast.AST) -> bool:
    """Whether something is asserted below a node in any case."""
    if isinstance(node, ast.For) and not _never_empty(node.iter):
        return any(_sure(each) for each in node.orelse)
    if isinstance(node, ast.With) and any("raises" in ast.unparse(each) for each in node.items):
        return True
    if isinstance(node, ast.Assert):
        return not _vacuous(node.test)
    return any(_sure(each) for each in ast.iter_child_nodes(node))


def test_no_test_passes_because_there_is_nothing_to_look_at():
    asserting = [(name, test) for name, test in _tests() if any(isinstance(node, ast.Assert) for node in ast.walk(test))]
    assert [name for name, test in some(asserting) if not _sure(test)] == [], "what is looked at may be nothing: put `some(…)` around it"


def test_nothing_is_asserted_that_is_true_in_itself():
    true = ast.GeneratorExp, ast.Lambda, ast.Tuple
    asserted = [(name, node) for name, test in _tests() for node in ast.walk(test) if isinstance(node, ast.Assert)]
    assert [f"{name}: {ast.unparse(node)}" for name, node in some(asserted) if isinstance(node.test, true)] == []
