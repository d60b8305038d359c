"""A run folder is data: what may be built from one are the classes that conf/ names, and those of trusted modules.

A configuration that lies in a folder may come from anybody, so `_target_` in it is no order. It is followed if one of
conf/'s own files for that group names it, or if it was defined in a module that the user of this command has named in
`trust=` (which is then imported, and may do anything).
"""

import functools
import importlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.compose.resources import conf_dir

MOST_BYTES = 1 << 20  # of a config.yaml; ours have some 3000
_TARGET = re.compile(r"^\s*_target_:\s*([\w.]+)", re.MULTILINE)


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases: a file of a few lines could stand for gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has an alias, which no configuration of ours has")
        return super().compose_node(parent, index)


def stored_config(path: Path) -> dict[str, Any]:
    """What config.yaml of a run folder says, as plain values; nothing in it is interpolated or built.

    Raises:
        ConfigError: If it is not there, or is no configuration.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError(f"{path} has more than {MOST_BYTES >> 20} MiB, which no configuration of ours has.")
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_PlainLoader)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(f"{path} cannot be read ({first}); give its command again, or another folder.") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds no configuration; give its command again, or another folder.")
    return {str(key): value for key, value in content.items()}


def check_stored(config: Mapping[str, Any], groups: Iterable[str], trust: object, where: object) -> None:
    """Refuse a stored configuration that names classes which are neither ours nor trusted.

    Args:
        config: As it was stored.
        groups: Those that are going to be built.
        trust: Modules, as `trust=` has them: null, a word, or several.
        where: The folder, for the message.

    Raises:
        ConfigError: For the first such class.
    """
    for group in groups:
        node = config.get(group)
        if not isinstance(node, Mapping):
            raise ConfigError(f"{where} has no {group} in its configuration; give the folder of another run.")
        target = str(node.get("_target_"))
        if target not in _own_targets(group) and not _is_trusted(target, trusted_modules(trust)):
            raise ConfigError(
                f"{where} asks for {group}._target_={target!r}, which is no {group} of lazyregime's, and a folder is "
                f"not obeyed; if you know that module and trust it, add trust={_module_of(target)}."
            )


def trusted_modules(trust: object) -> tuple[str, ...]:
    """The names of modules in `trust=`.

    Raises:
        ConfigError: If it is anything else.
    """
    names: list[Any] = [trust] if isinstance(trust, str) else list(trust) if isinstance(trust, list | tuple) else []
    if not (trust is None or names) or not all(isinstance(n, str) and _is_module(n) for n in names):
        raise ConfigError(f"trust={trust!r} is not possible; give the name of a module, or several: trust=[a,b.c].")
    return tuple(names)


def _is_trusted(target: str, modules: Sequence[str]) -> bool:
    """Whether it was defined, and not only imported, in one of these modules, or in a module inside of one."""
    if not any(target.startswith(f"{module}.") for module in modules):
        return False
    path, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(path), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"{target} cannot be imported: {error}.") from error
    home = str(getattr(found, "__module__", ""))
    return any(home == module or home.startswith(f"{module}.") for module in modules)


def _module_of(target: str) -> str:
    module = target.rpartition(".")[0]
    return module if _is_module(module) else "MODULE"


def _is_module(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


@functools.cache
def _own_targets(group: str) -> frozenset[str]:
    files = (conf_dir() / group).glob("*.yaml")
    return frozenset(target for file in files for target in _TARGET.findall(file.read_text(encoding="utf-8")))
