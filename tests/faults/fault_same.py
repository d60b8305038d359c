"""What a folder holds after the same command, beside the undisturbed one: everything but times must be equal."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from lazyregime.runs.folder import RunFolder
from lazyregime.runs.status import Status

TIMES = ("seconds", "started", "finished", "checksums", "sha256", "flows_together", "config.", "path", "made by")
EXISTS_ONLY = (".png", ".pdf", ".ckpt", ".html", ".md", ".tex")  # drawn anew, or with times inside
CACHE = ".nulls"  # what is not whole there is measured again when it is needed


def contents(folder: Path) -> dict[str, str]:
    """Each file by its name, and what must be the same of it."""
    leaves = [path for path in sorted(folder.rglob("*")) if _is_leaf(path) and not _does_not_matter(path)]
    return {str(path.relative_to(folder)): _essence(path) for path in leaves}


def differences(mine: Mapping[str, str], undisturbed: Mapping[str, str]) -> list[str]:
    """In words; none where nothing differs."""
    missing = [f"{name} is missing" for name in undisturbed if name not in mine]
    more = [f"{name} is left over" for name in mine if name not in undisturbed]
    other = [f"{name} differs: {_first_difference(mine[name], undisturbed[name])}"
             for name in undisturbed if name in mine and mine[name] != undisturbed[name]]  # fmt: skip
    return [*missing, *more, *other]


def unsound(folder: Path) -> list[str]:
    """Runs that are not complete, and their files that are not what their results say."""
    runs = [RunFolder.named(path.parent) for path in folder.rglob("config.yaml")]
    undone = [f"{run.path.name} is {run.status()}" for run in runs if run.status() != Status.complete]
    return undone or [f"{path} is damaged" for run in runs for path in run.damaged_files()]


def _is_leaf(path: Path) -> bool:
    return path.is_symlink() or not path.is_dir() or not any(path.iterdir())


def _does_not_matter(path: Path) -> bool:
    """What a flow has saved, which depends on the clock; a cache; a record that names the place; what was put aside."""
    if any(part.endswith(".damaged") for part in path.parent.parts):
        return True
    if path.parent.name == "checkpoints" and "gradient_flow" in path.parents[1].name:
        return True
    if CACHE in (path.name, path.parent.name):
        return True
    return path.parent.name == ".sweeps" and b"runs_dir=" in path.read_bytes()


def _essence(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return "a link" if path.is_symlink() else "no file"
    if path.suffix in EXISTS_ONLY:
        return "there" if path.stat().st_size else "empty"
    text = path.read_bytes()
    if path.name == "checksums.json":
        return "there"  # its content is among the checksums of the run
    if path.name == "config.yaml":
        return _configuration(text)
    if path.name == "result.json" and _is_json(text):
        flat = {k: v for k, v in json.loads(text).items() if not k.startswith(TIMES)}
        return json.dumps(flat, sort_keys=True, indent=0)
    if path.suffix == ".csv":
        rows = list(csv.DictReader(io.StringIO(text.decode(errors="replace"))))
        return json.dumps([{k: v for k, v in row.items() if not k.startswith(TIMES)} for row in rows], indent=0)
    return hashlib.sha256(text).hexdigest()


def _configuration(text: bytes) -> str:
    """Where a run lies, how it is watched and in how many parts it is computed are no part of what it is."""
    try:
        config = yaml.load(text, Loader=yaml.CSafeLoader)
        for key in ("runs_dir", "rerun", "tracking"):
            config.pop(key, None)
        config.get("ntk", {}).pop("memory_budget", None)
    except (ValueError, AttributeError, TypeError, yaml.YAMLError):
        return text.decode(errors="replace")
    return yaml.dump(config)


def _is_json(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _first_difference(mine: str, other: str) -> str:
    pairs = zip(mine.splitlines(), other.splitlines(), strict=False)
    return next((f"{a} instead of {b}" for a, b in pairs if a != b), "one is longer")[:300]
