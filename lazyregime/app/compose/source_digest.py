"""SHA-256 of the module that defines a class and of what it imports from its folder: changed code is another run."""

import ast
import functools
import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

from lazyregime.app.compose.hints import ConfigError


def source_digest(target: str, group: str) -> str:
    """Of the source behind MODULE.NAME, in 16 hexadecimal digits; `target` is not executed for it.

    Raises:
        ConfigError: If there is no such module, or no source of it.
    """
    path = module_file(target)
    if path is None:
        raise ConfigError(
            f"{group}._target_={target} cannot be found: there is no module of that name here ({Path.cwd()}) or on "
            "Python's path; give MODULE.NAME, and let MODULE.py lie in the folder in which the command is given."
        )
    files = {file: file.stat().st_mtime_ns for file in _with_imports(path)}
    return _digest(path.parent, tuple(sorted(files.items())))


def module_file(target: str) -> Path | None:
    """The file of the module in which a dotted name is; None if there is none."""
    parts = target.split(".")
    for length in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:length])
        module = sys.modules.get(name)
        try:
            spec = getattr(module, "__spec__", None) or importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError):
            continue
        origin = getattr(module, "__file__", None) or (spec.origin if spec is not None else None)
        if origin is not None and Path(origin).is_file():
            return Path(origin).resolve()
    return None


def _with_imports(path: Path) -> set[Path]:
    """The file, and those of its folder and below that it imports, directly or not."""
    found, waiting = {path}, [path]
    while waiting:
        file = waiting.pop()
        for other in _imported(file, path.parent):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def _imported(file: Path, folder: Path) -> Iterator[Path]:
    for name in _imported_names(file, file.stat().st_mtime_ns):
        for base in {folder, file.parent, folder.parent}:  # as a script's neighbour, relatively, by way of the package
            below = base.joinpath(*name.split("."))
            for candidate in (below.with_suffix(".py"), below / "__init__.py", below.parent.with_suffix(".py")):
                if candidate.is_file() and candidate.resolve().is_relative_to(folder):
                    yield candidate.resolve()


@functools.cache
def _imported_names(file: Path, _changed: int) -> tuple[str, ...]:
    if file.suffix != ".py":  # a compiled module: its own bytes are all there is
        return ()
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError as error:
        raise ConfigError(f"{file} cannot be read as Python: {error.msg} in line {error.lineno}.") from error
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names += [f"{module}.{alias.name}".strip(".") for alias in node.names] + ([module] if module else [])
    return tuple(dict.fromkeys(names))


@functools.cache
def _digest(folder: Path, files: tuple[tuple[Path, int], ...]) -> str:
    digest = hashlib.sha256()
    for file, _ in files:
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
