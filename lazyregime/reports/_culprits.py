"""f(runs) in spite of damaged runs: those without which f succeeds are found by halving, named, and left out.

What a table expects is checked where a run is read; this is for what nobody thought of, in a file of arrays say.
"""

from collections.abc import Callable
from typing import TypeVar

import pandas as pd

T = TypeVar("T")

MOST = 8  # culprits; with more, it is the function that is at fault


class Beyond(Exception):
    """It is not some runs that are at fault."""


def without_culprits(
    function: Callable[[pd.DataFrame], T], runs: pd.DataFrame, *, but: type[Exception] | tuple[()] = ()
) -> tuple[T | None, list[str]]:
    """What `function` makes of the runs, and a sentence for each run left out; None if it cannot be helped.

    Args:
        function: Of some or all of the runs.
        runs: All of them.
        but: What is no damage, and is raised.
    """
    try:
        return function(runs), []
    except but:
        raise
    except Exception as error:
        first = error
    found: dict[object, Exception] = {}
    try:
        function(runs.iloc[:0])
        good = _good(function, runs.iloc[:0], runs, found)
        if good.empty:
            raise Beyond
        result = function(good)
    except Exception as error:
        told = first if isinstance(error, Beyond) else error
        return None, [f"could not be made ({type(told).__name__}: {told})"]
    return result, [f"{_called(runs.loc[index])}: left out ({type(e).__name__}: {e})" for index, e in found.items()]


def _called(row: pd.Series) -> str:
    """A run by its folder, the row of a table by what stands in its first columns."""
    return str(row.path) if "path" in row else ", ".join(str(value) for value in row.iloc[:5])


def _good(
    function: Callable[[pd.DataFrame], T], good: pd.DataFrame, chunk: pd.DataFrame, found: dict[object, Exception]
) -> pd.DataFrame:
    both = pd.concat([good, chunk])
    try:
        function(both)
        return both
    except Exception as error:
        if len(chunk) == 1:
            found[chunk.index[0]] = error
            if len(found) > MOST:
                raise Beyond from error
            return good
    middle = len(chunk) // 2
    return _good(function, _good(function, good, chunk.iloc[:middle], found), chunk.iloc[middle:], found)
