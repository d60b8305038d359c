"""A report's files: each is written whole, and what an earlier report wrote that this one does not is taken away."""

import json
from collections.abc import Iterable
from pathlib import Path

from lazyregime.atomic import atomic_write

LIST = ".report.json"


def written(path: Path, text: str) -> Path:
    """The path of the file, once it holds the text."""
    atomic_write(path, text)
    return path


def forget_others(folder: Path, files: Iterable[Path]) -> None:
    """Remove what the last report in `folder` listed and this one has not written; nothing else is touched."""
    mine = {path.relative_to(folder).as_posix() for path in files}
    for name in _listed(folder) - mine:
        path = (folder / name).resolve()
        if path.is_relative_to(folder.resolve()):
            path.unlink(missing_ok=True)
    atomic_write(folder / LIST, json.dumps(sorted(mine), indent=0) + "\n")


def _listed(folder: Path) -> set[str]:
    try:
        content = json.loads((folder / LIST).read_text(encoding="utf-8"))
        return {name for name in content if isinstance(name, str)}
    except (OSError, ValueError, TypeError):
        return set()
