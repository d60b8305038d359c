"""One run folder as one flat row: result.json, config.yaml under `config.`, the status and the reason for it."""

# pandas tells its types only in part.
# pyright: reportGeneralTypeIssues=false, reportReturnType=false

import csv
import io
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from safetensors import SafetensorError
from safetensors.numpy import load_file
from yaml import YAMLError

Row = dict[str, Any]

FILES_OF_A_RUN = ("result.json", "failure.json", "config.yaml", "metrics.csv", "kernels.safetensors", "lock")
DEAD_AFTER_SECONDS = 300.0  # a lock of another host that has not been touched for so long
NOT_RUNS = {"report", "wandb", "figures", "checkpoints", "lightning_logs", "__pycache__"}


def is_run(folder: Path) -> bool:
    """Whether a run wrote here, however little of it arrived."""
    return any((folder / name).exists() for name in FILES_OF_A_RUN) or (folder / "checkpoints").is_dir()


def find_runs(folder: Path) -> Iterator[Path]:
    """The run folders at or under `folder`, in order of name; hidden folders and links are not followed."""
    try:
        if is_run(folder):
            yield folder
            return
        children = sorted(child for child in folder.iterdir() if child.is_dir() and not child.is_symlink())
    except OSError:
        yield folder  # it cannot be looked into: listed with that reason rather than passed over
        return
    for child in children:
        if child.name not in NOT_RUNS and not child.name.startswith("."):
            yield from find_runs(child)


def read_run(folder: Path) -> Row:
    """Everything known of one run, for any state it was left in."""
    result, result_error = _read_json(folder / "result.json")
    config, config_error = _read_config(folder / "config.yaml")
    row = _from_config(config) | {key: value for key, value in flatten(result).items() if value is not None}
    row |= {f"config.{key}": value for key, value in flatten(config).items()}
    row["path"] = str(folder)
    row["status"], row["reason"] = _status(folder, result, result_error or config_error)
    row.setdefault("name", folder.name)
    return row


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Row:
    """{"a": {"b": 1}} as {"a.b": 1}; lists become one readable string."""
    flat: Row = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
    return flat


def read_metrics(path: Path) -> pd.DataFrame:
    """metrics.csv as numbers, one row an epoch; a line cut short while being written is left out."""
    if not path.is_file():
        return pd.DataFrame()
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1])))
    if not lines:
        return pd.DataFrame()
    header, rows = lines[0], [line for line in lines[1:] if len(line) == len(lines[0])]
    return pd.DataFrame(rows, columns=pd.Index(header)).apply(pd.to_numeric, errors="coerce")


def read_kernels(path: Path) -> dict[str, np.ndarray]:
    """The arrays of kernels.safetensors; empty when there are none or the file is damaged."""
    try:
        return load_file(path)
    except (OSError, SafetensorError):
        return {}


def _read_json(path: Path) -> tuple[Row, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, ""
    except (OSError, ValueError) as error:
        return {}, f"{path.name} cannot be read ({error})"
    return (content, "") if isinstance(content, dict) else ({}, f"{path.name} does not hold a JSON object")


def _read_config(path: Path) -> tuple[Row, str]:
    try:
        content = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except FileNotFoundError:
        return {}, "config.yaml is missing"
    except (OSError, ValueError, YAMLError, OmegaConfBaseException) as error:
        return {}, f"config.yaml cannot be read ({str(error).splitlines()[0]})"
    return ({str(k): v for k, v in content.items()}, "") if isinstance(content, dict) else ({}, "config.yaml is empty")


def _from_config(config: Row) -> Row:
    """What result.json would have said of an unfinished run: the scalars, and the names of the choices."""
    row = {key: value for key, value in config.items() if not isinstance(value, dict | list) and value is not None}
    for key in ("arch", "regime", "data", "optimizer", "loss"):
        choice = config.get(key)
        if isinstance(choice, dict):
            name = choice.get("name") or str(choice.get("_target_", "")).rpartition(".")[2].lower()
            row |= {key: name} if name else {}
    return row


def _status(folder: Path, result: Row, trouble: str) -> tuple[str, str]:
    if result.get("status") == "complete":
        lacking = [key for key in ("arch", "width", "regime") if result.get(key) is None]
        if lacking and result.get("command", "train") == "train":
            return "incomplete", f"result.json does not say its {', '.join(lacking)}"
        return "complete", ""
    if _is_being_written(folder / "lock"):
        return "running", _progress(folder)
    failure, failure_error = _read_json(folder / "failure.json")
    if failure or failure_error:
        words = [str(failure[key]) for key in ("error", "message") if failure.get(key)]
        return "failed", ": ".join(words).strip() or failure_error or "failure.json gives no reason"
    return "incomplete", "; ".join(filter(None, [trouble, _progress(folder)]))


def _progress(folder: Path) -> str:
    metrics = read_metrics(folder / "metrics.csv")
    last = metrics["epoch"].max() if "epoch" in metrics else 0
    return f"{last:g} epoch{'s' if last > 1 else ''} finished" if last > 0 else "no epoch finished yet"


def _is_being_written(lock: Path) -> bool:
    """A lock left behind by a process of this machine that has died does not count."""
    if not lock.exists():
        return False
    owner, _ = _read_json(lock)
    if owner.get("host") == socket.gethostname():
        return _is_alive(owner.get("pid"), owner.get("process_started"))
    try:  # on another host: its writer touches the lock every half a minute
        return time.time() - lock.stat().st_mtime < DEAD_AFTER_SECONDS
    except FileNotFoundError:
        return False


def _is_alive(pid: object, started: object) -> bool:
    """Whether the process lives and is the same one (process ids are given again)."""
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
        return started is None or Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19] == started
    except PermissionError:
        return True  # it is another user's
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it lives, and this system has no /proc to tell more
