"""What a .wandb file says, read without wandb's service: a LevelDB log of protocol buffers.

After a header of 7 bytes come blocks of 32 KiB (the header counts to the first) with fragments: crc32 (4 bytes),
length (2), kind (1: whole, 2: first, 3: middle, 4: last), data. A tail that a killed writer left is where it ends.
"""

import json
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2


@dataclass
class WandbRun:
    """One run as it is on disk."""

    folder: Path
    run: Any = None
    config: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, str] = field(default_factory=dict)
    artifacts: list[tuple[str, str]] = field(default_factory=list)
    exit_code: int | None = None


def wandb_runs(folder: Path, patience: float = 10.0) -> list[WandbRun]:
    """All runs of a wandb folder, in the order in which they were started.

    The service writes the end of a file a moment after `finish` has returned, hence the patience.
    """
    deadline = time.monotonic() + patience
    while True:
        runs = [_read(path) for path in (folder / "wandb").glob("*run-*/run-*.wandb")]
        if all(run.exit_code is not None for run in runs) or time.monotonic() > deadline:
            return sorted(runs, key=lambda run: 0 if run.run is None else run.run.start_time.ToNanoseconds())
        time.sleep(0.05)


def history(run: WandbRun) -> list[dict[str, Any]]:
    """The numbers of each row, without what wandb adds, and figures and tables."""
    media = tuple({key.removesuffix("_type") for row in run.rows for key in row if key.endswith("/_type")})
    return [{k: v for k, v in row.items() if not k.startswith("_") and not k.startswith(media)} for row in run.rows]


def _read(path: Path) -> WandbRun:
    found = WandbRun(path.parent)
    for data in _records(path.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        match record.WhichOneof("record_type"):
            case "run":
                found.run = record.run
                found.config = {item.key: json.loads(item.value_json) for item in record.run.config.update}
            case "history":
                found.rows.append(
                    {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
                )
            case "summary":
                for item in record.summary.update:
                    found.summary[item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
            case "metric":
                found.metrics[record.metric.name or record.metric.glob_name] = record.metric.step_metric
            case "artifact":
                found.artifacts.append((record.artifact.name, record.artifact.type))
            case "request" if record.request.WhichOneof("request_type") == "log_artifact":
                asked = record.request.log_artifact.artifact
                found.artifacts.append((asked.name, asked.type))
            case "exit":
                found.exit_code = record.exit.exit_code
    return found


def _records(content: bytes) -> Iterator[bytes]:
    assert content[:4] == b":W&B"
    position, parts = 7, []
    while position + 7 <= len(content):
        room = 32768 - position % 32768
        if room < 7:
            position += room
            continue
        _, length, kind = struct.unpack_from("<IHB", content, position)
        position += 7
        fragment = content[position : position + length]
        if kind == 0 or len(fragment) < length:
            return
        position += length
        parts = [fragment] if kind in (1, 2) else [*parts, fragment]
        if kind in (1, 4):
            yield b"".join(parts)
