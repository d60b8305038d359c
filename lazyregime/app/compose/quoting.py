"""Values of Python as overrides that Hydra reads as they stand, whatever is in them."""

import enum
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString

from lazyregime.app.compose.hints import ConfigError


def as_overrides(settings: Mapping[str, Any], prefix: str = "") -> list[str]:
    """`width=8, trainer={"max_epochs": 2}` as ["width=8", "trainer.max_epochs=2"].

    Raises:
        ConfigError: For a value that no configuration can hold.
    """
    return [f"{key}={as_value(value, key)}" for key, value in _flat(settings, prefix)]


def as_sweep(settings: Mapping[str, Any]) -> list[str]:
    """`width=[8, 16], lr=0.1` as ["width=8,16", "lr=0.1"]: a list is swept over, a list in it is a value.

    Raises:
        ConfigError: For a value that no configuration can hold, or a list without any.
    """
    return [f"{key}={','.join(as_value(value, key) for value in _swept(key, values))}"
            for key, values in _flat(settings, "")]  # fmt: skip


def _flat(settings: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _swept(key: str, values: Any) -> list[Any]:
    if hasattr(values, "tolist"):  # an array of numpy or a tensor
        values = values.tolist()
    if not isinstance(values, list | tuple | range):
        return [values]
    if not values:
        raise ConfigError(f"{key}={values!r} is a sweep over no values; give at least one.")
    return list(values)


def as_value(value: Any, key: str) -> str:
    """One value as Hydra's grammar has it.

    Raises:
        ConfigError: For a value that no configuration can hold.
    """
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case enum.Enum():
            return quoted(str(value.value))
        case int():
            return str(value)
        case float():
            return repr(value)  # inf and nan too are words of the grammar
        case str() | PurePath():
            return quoted(str(value))
        case list() | tuple() | range():
            return f"[{','.join(as_value(item, key) for item in value)}]"
        case _ if hasattr(value, "item"):  # a scalar of numpy or torch
            return as_value(value.item(), key)
        case _:
            raise ConfigError(f"{key}={value!r} is a {type(value).__name__}; give a number, a word, a list, or None.")


def quoted(value: str) -> str:
    """A word that Hydra reads as it stands, whatever is in it."""
    return QuotedString(value.replace("${", "\\${"), Quote.single).with_quotes()
