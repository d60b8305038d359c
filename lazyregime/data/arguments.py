"""The arguments of data functions, checked without loading anything: a plan refuses what a run would refuse later."""

import functools
import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np

from lazyregime.errors import LazyRegimeError

P = ParamSpec("P")
R = TypeVar("R")
MOST_SEED = 2**63 - 1


def checked_by(check: Callable[..., None]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator: the function first calls `check` with all its arguments by name, and `check_arguments` only that.

    The check takes what it looks at, and `**_` for the others.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = inspect.signature(function).bind(*args, **kwargs)
            bound.apply_defaults()
            check(**bound.arguments)
            return function(*args, **kwargs)

        checked.__dict__["check"] = check
        return checked

    return decorate


def check_arguments(function: Callable[..., Any], **arguments: Any) -> None:
    """Refuse arguments of a data function that cannot be, without loading or drawing any data.

    A function of one's own may have an attribute `check`, which is called with all its arguments by name.

    Raises:
        LazyRegimeError: If the function does not take them, or its check refuses them.

    >>> from lazyregime.data import sphere
    >>> check_arguments(sphere, n_train=0)
    Traceback (most recent call last):
    lazyregime.errors.LazyRegimeError: data.n_train=0 is not possible; give a whole number from 1.
    """
    name = getattr(function, "__qualname__", repr(function))
    try:
        bound = inspect.signature(function).bind(**arguments)
    except TypeError as error:
        raise LazyRegimeError(f"the data function {name} cannot be called so: {error}.") from error
    bound.apply_defaults()
    check = getattr(function, "check", None)
    if check is not None:
        check(**bound.arguments)


def whole(name: str, value: object, least: int, most: int | None = None, *, or_none: str | None = None) -> None:
    """Refuse what is no whole number of this range; `or_none` says what None means, where it is allowed.

    Raises:
        LazyRegimeError: Naming the range.
    """
    if value is None and or_none is not None:
        return
    given = _as_int(value)
    if given is None or given < least or (most is not None and given > most):
        span = f"from {least}" if most is None else f"from {least} to {most}"
        none = "" if or_none is None else f", or null for {or_none}"
        raise LazyRegimeError(f"data.{name}={value} is not possible; give a whole number {span}{none}.")


def number(name: str, value: object, least: float = -math.inf) -> None:
    """Refuse what is no finite number, or below the least.

    Raises:
        LazyRegimeError: Naming the least.
    """
    if not (math.isfinite(_as_number(value)) and _as_number(value) >= least):
        above = "" if least == -math.inf else f" >= {least:g}"
        raise LazyRegimeError(f"data.{name}={value} is not possible; give a finite number{above}.")


def powers_of_degrees(name: str, values: Any, most: int) -> None:
    """Refuse what is no list of squared norms of degree 0, 1, ..

    Raises:
        LazyRegimeError: Saying what is.
    """
    given = [*values] if isinstance(values, Sequence) and not isinstance(values, str) else values
    are_powers = isinstance(given, list) and all(0 <= _as_number(p) < math.inf for p in given)
    if not are_powers or not 1 <= len(given) <= most:
        raise LazyRegimeError(
            f"data.{name}={given} is not possible; give a list of 1 to {most} numbers >= 0, of degrees 0, 1, .."
        )


def one_of(name: str, value: object, allowed: Sequence[str], *, or_none: str | None = None) -> None:
    """Refuse a word that is not known; `or_none` says what None means, where it is allowed.

    Raises:
        LazyRegimeError: Naming those that are.
    """
    if not (value in allowed or (value is None and or_none is not None)):
        none = "" if or_none is None else f", or null for {or_none}"
        raise LazyRegimeError(f"data.{name}={value} is not known; choose one of {', '.join(allowed)}{none}.")


def _as_number(value: object) -> float:
    """A number as a float, nan for whatever is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return math.nan
    return float(value)


def _as_int(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        return None
    return int(value)
