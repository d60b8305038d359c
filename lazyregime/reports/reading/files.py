"""The files of a run as data: JSON, YAML, CSV and arrays; nothing is executed, and what is damaged is said in words."""

# pandas tells its types only in part.
# pyright: reportGeneralTypeIssues=false, reportReturnType=false

import csv
import io
import json
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from safetensors import SafetensorError, safe_open

from lazyregime.reports.reading.cleaning import Row, Unreadable, clean_text, flatten

LARGEST_TEXT = 8_000_000  # bytes; a configuration has some thousand
# YAML 1.1 takes 1e-3 for a word; what writes and reads configurations (OmegaConf) takes it for a number
NUMBER = re.compile(
    r"[-+]?([0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+|[0-9][0-9_]*\.[0-9_]*|\.[0-9_]+|\.(inf|nan))\Z", re.I
)
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast


_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in _Base.yaml_implicit_resolvers.items()
}
_Loader: Any = type("_Loader", (_Base,), {"yaml_implicit_resolvers": _resolvers})
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+0123456789."))


def read_json(path: Path) -> tuple[Row, str]:
    """A JSON object, flat, and what is wrong with the file; a file that is not there is an empty object."""
    try:
        content = json.loads(read_bytes(path, LARGEST_TEXT).decode())
    except FileNotFoundError:
        return {}, ""
    except RecursionError:
        return {}, f"{path.name} cannot be read (it is nested too deeply)"
    except (OSError, ValueError) as error:
        return {}, f"{path.name} cannot be read ({_why(error)})"
    return _object(path, content, "does not hold a JSON object")


def read_yaml(path: Path) -> tuple[Row, str]:
    """A YAML mapping, flat, and what is wrong with the file."""
    try:
        text = read_bytes(path, LARGEST_TEXT).decode()
        if "*" in text and any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, _Loader)):
            return {}, f"{path.name} cannot be read (it has an alias: a few lines of them stand for gigabytes)"
        content = yaml.load(text, _Loader)
    except FileNotFoundError:
        return {}, f"{path.name} is missing"
    except RecursionError:
        return {}, f"{path.name} cannot be read (it is nested too deeply)"
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        return {}, f"{path.name} cannot be read ({_why(error)})"
    return _object(path, content, "is empty" if content is None else "does not hold keys and values")


def read_metrics(path: Path) -> pd.DataFrame:
    """metrics.csv as numbers, one row an epoch; a line cut short while being written is left out."""
    try:
        text = read_bytes(path).decode("utf-8", errors="replace")
        lines = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1])))
    except (OSError, csv.Error):
        return pd.DataFrame()
    if not lines:
        return pd.DataFrame()
    header, rows = lines[0], [line for line in lines[1:] if len(line) == len(lines[0])]
    table = pd.DataFrame(rows, columns=pd.Index(map(clean_text, header)))
    return table.loc[:, ~table.columns.duplicated()].apply(pd.to_numeric, errors="coerce")


def read_kernels(path: Path, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of kernels.safetensors, or those of them that are named; empty where it is not there or is damaged."""
    try:
        if not path.is_file():
            return {}
        with safe_open(path, "np") as file:
            kept = file.keys() if names is None else set(names) & set(file.keys())
            return {name: file.get_tensor(name) for name in kept}
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return {}


def read_bytes(path: Path, most: float = math.inf) -> bytes:
    """The content of a regular file.

    Raises:
        OSError: If it is none, or cannot be read.
        ValueError: If it has more bytes than `most`.
    """
    if path.exists() and not path.is_file():
        raise OSError("it is no file")  # a pipe would be waited for
    if path.exists() and path.stat().st_size > most:
        raise ValueError(f"it has more than {most:,} bytes")
    return path.read_bytes()


def _object(path: Path, content: object, otherwise: str) -> tuple[Row, str]:
    if not isinstance(content, dict):
        return {}, f"{path.name} {otherwise}"
    try:
        return flatten(content), ""
    except (Unreadable, RecursionError) as error:
        return {}, f"{path.name} {error}" if isinstance(error, Unreadable) else f"{path.name} is nested too deeply"


def _why(error: Exception) -> str:
    return clean_text((str(error).splitlines() or [type(error).__name__])[0])
