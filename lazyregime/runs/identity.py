"""Which run is this: id = sha256(all that determines the result), and a name a person can read."""

import enum
import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import PurePath
from typing import Any

from lazyregime.errors import LazyRegimeError

# What a run is called, where it lies, how it is watched, and on what it is computed: none of it changes the result.
# A nested key is written with a dot.
NOT_IDENTITY = frozenset(
    {
        "group",
        "name",
        "tags",
        "data_dir",
        "runs_dir",
        "rerun",
        "tracking",
        "progress",
        "num_threads",
        "device",
        "trust",
        "machine.trust",
        "machine.run",  # the fingerprint of its weights stands for it
        "machine.unfinished",
        "trainer.accelerator",
        "trainer.devices",
        "trainer.num_nodes",
        "trainer.strategy",
        "trainer.profile",
        "ntk.memory_budget",
        "ntk.block_rows",
        "data.data_dir",
        "data.offline",
        "optimizer.save_every",
        "optimizer.together",
    }
)


@dataclass(frozen=True)
class Naming:
    """How the runs of a command are named: what is always said, and what only where it is out of the ordinary.

    Args:
        always: (key, how it is written), left out where there is no such key.
        ordinary: (key, the ordinary values, how another one is written).
    """

    always: tuple[tuple[str, str], ...]
    ordinary: tuple[tuple[str, tuple[object, ...], str], ...] = ()


TRAINING = Naming(
    always=(("regime.name", "{}"), ("arch.name", "{}"), ("width", "w{}")),
    ordinary=(
        ("data.name", (None, "mnist"), "{}"),
        ("data.n_train", (None,), "n{}"),
        ("arch.depth", (None, 3), "depth{}"),
        ("arch.activation", (None, "relu"), "{}"),
        ("optimizer.name", (None, "adam"), "{}"),
        ("alpha", (None, 1), "alpha{}"),
        ("laziness", (None,), "laziness{}"),
    ),
)


def identity(config: Mapping[str, Any], command: str = "train") -> str:
    """The id of a run: 8 hex digits that depend on every setting that can change its result, and on no other.

    A key whose value is null counts as absent, so an option added later, off by default, leaves old ids as they are.
    """
    text = json.dumps({"command": command, "config": _canonical(config)}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def readable_name(config: Mapping[str, Any], naming: Naming = TRAINING) -> str:
    """``lazy-mlp-w1024-s0``: regime, architecture, width, what is out of the ordinary, seeds; or the user's name.

    Raises:
        LazyRegimeError: If the user's name cannot be the name of a folder.
    """
    given = config.get("name")
    if given is not None:
        return folder_name(given, "name")
    seed = config.get("seed", 0)
    told = [(key, (None,), form) for key, form in naming.always] + list(naming.ordinary)
    values = [(look_up(config, key), ordinary, form) for key, ordinary, form in told]
    parts = [
        form.format(f"{value:g}" if isinstance(value, float) else value)
        for value, ordinary, form in values
        if value not in ordinary
    ]
    parts += own_arguments(config, naming).values()
    parts.append(f"s{seed}")
    for key, letter in (("init_seed", "i"), ("data_seed", "d"), ("batch_seed", "b")):
        value = config.get(key)
        if value is not None and value != seed:
            parts.append(f"{letter}{value}")
    return re.sub(r"[^\w.+-]", "_", "-".join(parts))


def own_arguments(config: Mapping[str, Any], naming: Naming = TRAINING) -> dict[str, str]:
    """``{"arch.kernel": "kernel3"}``: arguments of a network of the user's own that the name says nowhere else.

    As many as fit into 60 letters, since the names of folders are bounded; the id tells the rest apart.
    """
    if "arch" not in (config.get("sources") or {}):  # where the digest of its source is
        return {}
    told = {key for key, *_ in (*naming.always, *naming.ordinary)} | {"arch._target_", "arch.width"}
    given = {f"arch.{key}": (key, value) for key, value in config["arch"].items() if f"arch.{key}" not in told}
    words = {
        path: f"{key}{value}" for path, (key, value) in given.items() if isinstance(value, bool | int | float | str)
    }
    lengths = accumulate(len(word) + 1 for word in words.values())
    return {path: word for (path, word), length in zip(words.items(), lengths, strict=True) if length <= 60}


def folder_name(given: object, key: str) -> str:
    """`given` as the name of one folder.

    Raises:
        LazyRegimeError: If it is empty, too long, starts with a dot or a dash, or has a separator in it.
    """
    name = str(given)
    if not 0 < len(name) <= 120 or name[0] in ".-" or re.search(r"[/\\\x00-\x1f]", name):
        raise LazyRegimeError(
            f"{key}={name!r} cannot be the name of a folder: give 1 to 120 characters without a slash or a "
            "backslash, the first of them neither a dot nor a dash."
        )
    return name


def look_up(config: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key, None where there is none."""
    value: Any = config
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _canonical(value: Any, key: str = "") -> Any:
    """The same value, written in one way: numbers that are equal look equal, null keys are gone."""
    match value:
        case Mapping():
            paths = {name: f"{key}.{name}" if key else str(name) for name in value}
            return {
                str(name): _canonical(item, paths[name])
                for name, item in value.items()
                if item is not None and paths[name] not in NOT_IDENTITY
            }
        case list() | tuple():
            return [_canonical(item, f"{key}[]") for item in value]
        case None | bool() | str() | int():
            return value
        case float():
            if not math.isfinite(value):
                return f"float {value}"
            return int(value) if value.is_integer() else value
        case enum.Enum():
            return value.name
        case PurePath():
            return str(value)
        case _:
            raise TypeError(f"{key}: a {type(value).__name__} is no part of a resolved configuration")
