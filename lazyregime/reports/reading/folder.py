"""One run folder as one flat row: result.json, config.yaml under `config.`, the status and the reason for it."""

import os
from collections.abc import Iterator
from pathlib import Path

from lazyregime.reports.reading.cleaning import Row, clean_text
from lazyregime.reports.reading.expected import trouble_with, wrong_fields
from lazyregime.reports.reading.files import read_json, read_kernels, read_metrics, read_yaml
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.status import Status
from lazyregime.runs.stored import stored_result

__all__ = ["find_runs", "is_run", "read_kernels", "read_metrics", "read_run"]

FILES_OF_A_RUN = ("result.json", "failure.json", "config.yaml", "metrics.csv", "kernels.safetensors", "lock")
NOT_RUNS = {"report", "comparison", "wandb", "figures", "checkpoints", "lightning_logs", "__pycache__"}
OURS = {"path", "status", "reason", "key", "network"}  # columns that no result may set
NOT_READ = ("config.", "checksums.", "sha256")


def is_run(folder: Path) -> bool:
    """Whether a run wrote here, however little of it arrived."""
    return any((folder / name).exists() for name in FILES_OF_A_RUN) or (folder / "checkpoints").is_dir()


def find_runs(folder: Path) -> Iterator[Path]:
    """The run folders at or under `folder`, in order of name; hidden folders and links are not followed."""
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            if is_run(here):
                yield here
                continue
            with os.scandir(here) as entries:
                inside = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        except OSError:
            yield here  # it cannot be looked into: listed with that reason rather than passed over
            continue
        waiting += [here / name for name in reversed(inside) if name not in NOT_RUNS and not name.startswith(".")]


def read_run(folder: Path) -> Row:
    """Everything known of one run, for any state it was left in and whatever its files hold."""
    result, _ = read_json(folder / "result.json")
    config, config_trouble = read_yaml(folder / "config.yaml")
    told = {key: value for key, value in result.items() if value is not None and not _is_ours(key)}
    row = _from_config(config) | told
    try:
        status = RunFolder.named(folder).status()
        reason = _reason(folder, status, row, config_trouble)
    except OSError as error:
        status, reason = Status.damaged, f"the folder cannot be looked into ({error})"
    for key in wrong_fields(row):
        del row[key]
    row |= {f"config.{key}": value for key, value in config.items()}
    row |= {"path": str(folder), "status": status.value, "reason": reason}
    row.setdefault("name", folder.name)
    return row


def _is_ours(key: str) -> bool:
    return key in OURS or key.startswith(NOT_READ)


def _from_config(config: Row) -> Row:
    """What result.json would have said of an unfinished run: the scalars, and the names of the choices."""
    row = {key: value for key, value in config.items() if "." not in key and key != "tags" and value is not None}
    for key in ("arch", "regime", "data", "optimizer", "loss", "machine"):
        name = config.get(f"{key}.name") or str(config.get(f"{key}._target_") or "").rpartition(".")[2].lower()
        row |= {key: name} if name else {}
    return row


def _reason(folder: Path, status: Status, row: Row, config_trouble: str) -> str:
    """Why a run is not complete; of a complete one, what is wrong with its numbers."""
    match status:
        case Status.complete:
            return trouble_with(row)
        case Status.running:
            return _progress(folder)
        case Status.failed:
            failure, trouble = read_json(folder / "failure.json")
            words = [str(failure[key]) for key in ("error", "message") if failure.get(key)]
            return ": ".join(words).strip() or trouble or "failure.json gives no reason"
        case Status.damaged:
            _, why = stored_result(folder / "result.json")
            return f"result.json is damaged ({clean_text(why)}); the same command makes it again"
        case _:
            return "; ".join(filter(None, [config_trouble, _progress(folder)]))


def _progress(folder: Path) -> str:
    metrics = read_metrics(folder / "metrics.csv")
    last = float(metrics["epoch"].max()) if "epoch" in metrics else 0.0  # pyright: ignore[reportArgumentType]
    return f"{last:g} epoch{'s' if last > 1 else ''} finished" if last > 0 else "no epoch finished yet"
