"""What a cell expects of its answer: `--expect "len(_) < 200"`."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from typing import Any

from g4f.errors import ExpectationError, InputError, close_matches, quoted

__all__ = ["Expectation"]

ANSWER, _LEFT = "_", "__g4f_left"
"""The name of the answer in an expression, and that of what stands left of a comparison."""


class Expectation:
    """An expression of the user that must be true of an answer, which is `_` in it."""

    def __init__(self, source: str) -> None:
        """Raise InputError for what is no expression."""
        self._source = source.strip()
        try:
            tree = ast.parse(self._source, "--expect", mode="eval")
            self._names = _free(tree)
            self._left = _keep_left(tree)
            self._code = compile(tree, "--expect", "eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            why = error.msg if isinstance(error, SyntaxError) else type(error).__name__
            raise InputError(f"needs an expression such as len(_) < 200, not {quoted(source)}: {why}") from None

    def look_up(self, names: Mapping[str, Any]) -> None:
        """Raise InputError, with close matches, if the expression has a name that nobody has."""
        known = {*names, *vars(builtins), ANSWER}
        for name in self._names:
            if name not in known:
                raise InputError(f"--expect {self._source}: there is no variable {name!r}.{close_matches(name, known)}")

    def check(self, answer: object, names: Mapping[str, Any]) -> None:
        """Raise ExpectationError if it is not true of the answer, or raises."""
        variables = {**names, ANSWER: answer}
        try:
            value = eval(self._code, variables)  # noqa: S307 - the user wrote it into the cell
            holds = bool(value)
        except Exception as error:
            raise ExpectationError(f"--expect {self._source} raised {type(error).__name__}: {error}") from error
        if not holds:
            what = f"{self._left} is {quoted(variables[_LEFT])}" if self._left else f"it is {quoted(value)}"
            raise ExpectationError(f"the answer does not meet --expect {self._source}: {what}")


def _free(tree: ast.AST) -> list[str]:
    """Return the names that an expression takes from around it."""
    nodes = list(ast.walk(tree))
    own = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    used = [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    return [name for name in dict.fromkeys(used) if name not in own]


def _keep_left(tree: ast.Expression) -> str:
    """Have a comparison keep the value of its left side, and return that side as text; "" if there is none to show."""
    compared = tree.body
    if not isinstance(compared, ast.Compare) or isinstance(compared.left, ast.Constant):
        return ""
    left = compared.left
    compared.left = ast.NamedExpr(ast.Name(_LEFT, ast.Store()), left)
    ast.fix_missing_locations(tree)
    return ast.unparse(left)
