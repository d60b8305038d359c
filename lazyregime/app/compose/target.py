"""The class or function behind a dotted path such as mine.ResNet, imported; what fails is a sentence."""

import importlib
from types import ModuleType
from typing import Any

from lazyregime.app.compose.hints import ConfigError, unknown_name


def target_of(path: str) -> Any:
    """The object that the path names.

    Raises:
        ConfigError: If its module cannot be imported, or has no such name.
    """
    module, names = _imported(path)
    found: Any = module
    for name in names:
        if not hasattr(found, name):
            public = [each for each in vars(found) if not each.startswith("_")] if hasattr(found, "__dict__") else []
            where = getattr(found, "__name__", path)
            raise ConfigError(unknown_name(f"there is no {name!r} in {where}", name, public))
        found = getattr(found, name)
    if isinstance(found, ModuleType) or not callable(found):
        raise ConfigError(f"it is a {type(found).__name__}; give a class or a function, as MODULE.NAME.")
    return found


def _imported(path: str) -> tuple[ModuleType, list[str]]:
    """The longest part of the path that is a module, and the names after it."""
    parts = path.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise ConfigError("it is no path; give MODULE.NAME, such as mine.ResNet.")
    for length in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:length])
        try:
            return importlib.import_module(name), parts[length:]
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):  # it imports what is not there
                raise ConfigError(f"{name} cannot be imported: {error}.") from error
        except Exception as error:  # whatever a module of the user's does
            raise ConfigError(f"{name} cannot be imported: {type(error).__name__}: {error}.") from error
    raise ConfigError(f"there is no module {parts[0]!r} here or on Python's path.")
