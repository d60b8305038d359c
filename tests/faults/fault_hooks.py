"""In the process of a command: something happens at the n-th call of a function that writes."""

import builtins
import errno
import io
import os
from collections.abc import Callable
from typing import Any


def at_call(name: str, number: int, do: Callable[[], object], *, after: bool = False, for_good: bool = False) -> None:
    """`do` something before or after the call of that number (from 0), or also all later ones."""
    holder, attribute = _where(name)
    original, count = getattr(holder, attribute), 0

    def call(*arguments: Any, **options: Any) -> Any:
        nonlocal count
        if name == "open" and not _writes(arguments, options):
            return original(*arguments, **options)
        now = count == number or (for_good and count > number)
        count += 1
        if now and not after:
            do()
        value = original(*arguments, **options)
        if now and after:
            do()
        return value

    setattr(holder, attribute, call)
    if name == "open":
        io.open = call


def fail_at_call(name: str, number: int, error: int, *, for_good: bool = False) -> None:
    """Let the system refuse the call of that number."""

    def refuse() -> None:
        raise OSError(error, os.strerror(error))

    assert error in errno.errorcode
    at_call(name, number, refuse, for_good=for_good)


def _where(name: str) -> tuple[Any, str]:
    if name == "savefig":
        from matplotlib.figure import Figure

        return Figure, "savefig"
    if name == "finish_block":
        from lazyregime.kernels.empirical._stored import StoredKernel

        return StoredKernel, "finish"
    return (builtins, "open") if name == "open" else (os, name)


def _writes(arguments: tuple[Any, ...], options: dict[str, Any]) -> bool:
    mode = arguments[1] if len(arguments) > 1 else options.get("mode", "r")
    return isinstance(arguments[0], str | os.PathLike) and any(letter in str(mode) for letter in "wxa+")
