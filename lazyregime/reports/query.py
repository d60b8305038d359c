"""regime=lazy and width>=512: the rows of a table of runs for which a condition holds.

A condition is made of COLUMN = != < <= > >= VALUE, `COLUMN in [VALUE, ...]`, `and`, `or`, `not` and parentheses. A
column is a heading of `load_runs`, without its `config.` if that is the only one of its name; a value is a number, a
word, or a text in quotes. It is parsed, never run.
"""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportReturnType=false, reportAttributeAccessIssue=false, reportOperatorIssue=false, reportCallIssue=false

import ast
import difflib
import operator
import re
from collections.abc import Callable

import pandas as pd

from lazyregime.errors import LazyRegimeError

_COMPARE: dict[type[ast.cmpop], Callable[..., pd.Series]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_WORDS = {"true": True, "false": False}
_LONE_EQUALS = re.compile(r"(?<![=!<>])=(?!=)")
_LIKE = 'such as --where "regime=lazy and width>=512"'


def select(runs: pd.DataFrame, where: str) -> pd.DataFrame:
    """The rows for which the condition holds; where a run has no such value, it does not.

    Raises:
        LazyRegimeError: If it cannot be read, or names a column that no run has.
    """
    if len(where) > 2000:
        raise LazyRegimeError(f"The condition has {len(where)} letters; at most 2000 are read.")
    try:
        tree = ast.parse(_LONE_EQUALS.sub("==", where.strip()), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise LazyRegimeError(f"The condition {where!r} cannot be read; write one {_LIKE}.") from None
    return runs[_mask(runs, tree)]


def column_of(runs: pd.DataFrame, name: str) -> str:
    """The heading that `name` means.

    Raises:
        LazyRegimeError: If there is none.
    """
    for heading in (name, f"config.{name}"):
        if heading in runs.columns:
            return heading
    short = [str(heading).removeprefix("config.") for heading in runs.columns]
    close = difflib.get_close_matches(name, short, n=3)
    meant = f"did you mean {', '.join(dict.fromkeys(close))}?" if close else "there are, for one, regime, width, seed."
    raise LazyRegimeError(f"No run here has {name!r}: {meant}")


def _mask(runs: pd.DataFrame, node: ast.expr) -> pd.Series:
    if isinstance(node, ast.BoolOp):
        first, *others = (_mask(runs, value) for value in node.values)
        for other in others:
            first = first & other if isinstance(node.op, ast.And) else first | other
        return first
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ~_mask(runs, node.operand)
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        every = pd.Series(True, index=runs.index)
        for left, how, right in zip(sides, node.ops, sides[1:], strict=False):
            every &= _comparison(runs, left, how, right)
        return every
    raise LazyRegimeError(f"{ast.unparse(node)!r} is no comparison; write one {_LIKE}.")


def _comparison(runs: pd.DataFrame, left: ast.expr, how: ast.cmpop, right: ast.expr) -> pd.Series:
    if isinstance(left, ast.Constant) or (isinstance(left, ast.UnaryOp) and type(how) in _COMPARE):
        turned = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
        left, how, right = right, turned.get(type(how), type(how))(), left  # 256 < width
    column = runs[column_of(runs, _name(left))]
    if isinstance(how, ast.In | ast.NotIn) and isinstance(right, ast.List | ast.Tuple):
        inside = pd.Series(False, index=runs.index)
        for value in right.elts:
            inside |= _compared(column, operator.eq, _value(value))
        return inside if isinstance(how, ast.In) else ~inside & column.notna()
    if type(how) not in _COMPARE:
        raise LazyRegimeError("A condition compares by = != < <= > >= or by `in [...]`.")
    return _compared(column, _COMPARE[type(how)], _value(right))


def _compared(column: pd.Series, how: Callable[..., pd.Series], value: object) -> pd.Series:
    """Numbers as numbers, all else as text; nothing holds of what is not there."""
    numbers = pd.to_numeric(column, errors="coerce")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return how(numbers, value) & numbers.notna()
    if how in (operator.eq, operator.ne):
        return how(column.map(_text), _text(value)) & column.notna()
    raise LazyRegimeError(f"{value!r} is no number, and only numbers are less or more; write one {_LIKE}.")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _name(node: ast.expr) -> str:
    """A column: a word, or words with dots."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise LazyRegimeError(f"{ast.unparse(node)!r} is no column; write a condition {_LIKE}.")


def _value(node: ast.expr) -> object:
    """A number, a word, a text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        value = node.operand.value
        if isinstance(value, int | float):
            return -value
    if isinstance(node, ast.Name | ast.Attribute):
        word = _name(node)
        return _WORDS.get(word.lower(), word)
    raise LazyRegimeError(f"{ast.unparse(node)!r} is neither a number nor a word; put a text into quotes.")
