"""Classes and functions of one's own: `arch=own arch._target_=mine.ResNet arch.depth=18`, further keys its arguments.

Hydra knows no keys but those of its files, so the keys of such a group are given to it as `++key=value`. What cannot be
known beforehand is filled in afterwards: the name of the group (that of the class), the shapes of the data (from the
data), and a digest of the source, which is part of a run's identity.
"""

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.compose.source_digest import source_digest

OWN = "own"
GIVEN = "lazyregime.app.compose.given."  # what was handed over in Python
_NUMBER = re.compile(r"[+-]?(\d[\d_.]*([eE][+-]?\d+)?|nan|inf|true|false)", re.IGNORECASE)
SOURCES = "sources"  # the key of the digests


def with_own_arguments(overrides: Iterable[str]) -> list[str]:
    """The overrides, those that are arguments of a class of one's own as Hydra accepts them."""
    overrides = [_as_word(override) for override in overrides]
    own = {key.removesuffix("._target_") for key, value in map(_split, overrides) if _names_own(key, value)}
    return [f"++{override}" if _is_argument(override, own) else override for override in overrides]


def put_working_directory_on_path() -> None:
    """`python -m` does it, console scripts and workers do not: mine.py lies where the command is given."""
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)


def describe_own(config: dict[str, Any], groups: Sequence[str]) -> None:
    """Fill in the names and the digests of what is not this package's.

    Raises:
        ConfigError: If a group of one's own names nothing, or what cannot be found.
    """
    sources: dict[str, str] = {}
    for group in groups:
        node = config[group]
        if node.get("name") != OWN and "_target_" not in node:
            continue  # a group of words and numbers
        target = node.get("_target_")
        if not target:
            raise ConfigError(f"{group}={node.get('name')} needs {group}._target_=MODULE.NAME, such as mine.thing.")
        if node.get("name") in (OWN, None):
            node["name"] = str(target)
        if not str(target).startswith("lazyregime."):
            sources[group] = source_digest(str(target), group)
    if sources:
        config[SOURCES] = sources


def is_own(node: Mapping[str, Any]) -> bool:
    """Whether a group's class or function is not this package's."""
    target = str(node.get("_target_"))
    return target.startswith(GIVEN) or not target.startswith("lazyregime.")


def _as_word(override: str) -> str:
    """name=1e3 is a name, and no number."""
    key, value = _split(override)
    return f"{key}='{value}'" if key in ("name", "group") and _NUMBER.fullmatch(value) else override


def _split(override: str) -> tuple[str, str]:
    key, _, value = override.partition("=")
    return key, value


def _names_own(key: str, value: str) -> bool:
    return value == OWN or (key.endswith("._target_") and "/" not in key and not key.startswith(("hydra", "+", "~")))


def _is_argument(override: str, own: set[str]) -> bool:
    key, _ = _split(override)
    group, _, argument = key.partition(".")
    return group in own and bool(argument) and argument != "_target_"
