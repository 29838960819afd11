"""Small faults put into a right answer, one at a time: signs, operators, dropped terms, constants, axes, reductions."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator

_OTHER: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}
_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
}
_REDUCED = {"sum": "mean", "mean": "sum", "all": "any", "any": "all", "argmax": "argmin", "argmin": "argmax"}
Change = Callable[[ast.AST], ast.AST]


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    """Each fault that this node can have, as a function from a copy of it to what takes its place."""
    if isinstance(node, ast.BinOp):
        if type(node.op) in _OTHER:
            other = _OTHER[type(node.op)]
            yield f"{type(node.op).__name__} to {other.__name__}", lambda n: _with(n, op=other())
        yield "left term alone", lambda n: n.left  # type: ignore[attr-defined]  # of a BinOp
        yield "right term alone", lambda n: n.right  # type: ignore[attr-defined]  # of a BinOp
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "without the minus", lambda n: n.operand  # type: ignore[attr-defined]  # of a UnaryOp
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARED:
        yield "the other comparison", lambda n: _with(n, ops=[_COMPARED[type(n.ops[0])]()])  # type: ignore[attr-defined]  # of a Compare
    if isinstance(node, ast.BoolOp):
        yield "or for and", lambda n: _with(n, op=ast.Or() if isinstance(n.op, ast.And) else ast.And())  # type: ignore[attr-defined]  # of a BoolOp
        yield "first condition alone", lambda n: n.values[0]  # type: ignore[attr-defined]  # of a BoolOp
        yield "last condition alone", lambda n: n.values[-1]  # type: ignore[attr-defined]  # of a BoolOp
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield "the other truth", lambda n: _with(n, value=not n.value)  # type: ignore[attr-defined]  # of a Constant
        elif isinstance(node.value, int):
            yield "one more", lambda n: _with(n, value=n.value + 1)  # type: ignore[attr-defined]  # of a Constant
            yield "one less", lambda n: _with(n, value=n.value - 1)  # type: ignore[attr-defined]  # of a Constant
        elif isinstance(node.value, float):
            yield "twice", lambda n: _with(n, value=2 * n.value)  # type: ignore[attr-defined]  # of a Constant
            yield "nothing", lambda n: _with(n, value=0.0)
    if isinstance(node, ast.Attribute) and node.attr in _REDUCED:
        yield f"{node.attr} to {_REDUCED[node.attr]}", lambda n: _with(n, attr=_REDUCED[n.attr])  # type: ignore[attr-defined]  # of an Attribute
    if isinstance(node, ast.Return):
        yield "nothing returned", lambda n: _with(n, value=None)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    for name, value in fields.items():
        setattr(node, name, value)
    return node


class _Replace(ast.NodeTransformer):
    """Puts a change into the node that is the n-th of a walk in this transformer's own order."""

    def __init__(self, number: int, change: Change) -> None:
        self.number, self.change, self.seen = number, change, -1

    def visit(self, node: ast.AST) -> ast.AST:
        self.seen += 1
        if self.seen == self.number:
            self.number = -1
            return self.change(node)
        return self.generic_visit(node)


class _Walk(ast.NodeVisitor):
    def __init__(self) -> None:
        self.nodes: list[ast.AST] = []

    def visit(self, node: ast.AST) -> None:
        self.nodes.append(node)
        self.generic_visit(node)


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """(what was changed, the changed source) for every fault; annotations and docstrings are left alone."""
    tree = ast.parse(source)
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        function.returns = None
        for argument in function.args.args:
            argument.annotation = None
        if ast.get_docstring(function) is not None:
            function.body = function.body[1:]
    walk = _Walk()
    walk.visit(tree)
    for number, node in enumerate(walk.nodes):
        for name, change in _changes(node):
            changed = ast.fix_missing_locations(_Replace(number, change).visit(copy.deepcopy(tree)))
            line = source.splitlines()[getattr(node, "lineno", 1) - 1].strip()
            yield f"{name}: {ast.unparse(node)[:40]} in {line}", ast.unparse(changed)
