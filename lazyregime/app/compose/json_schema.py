"""JSON schemas of conf/'s files, for an editor that completes yaml: types of the dataclasses, and of `_target_`s.

`python -m lazyregime.app.compose.json_schema FOLDER` writes them; schemas/ has them for this repository's editors.
"""

import enum
import importlib
import inspect
import json
import sys
import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from lazyregime.app.compose.resources import conf_dir
from lazyregime.app.compose.schema import NTK, Tracking, TrainConfig, Trainer
from lazyregime.app.fit.schema import FitConfig
from lazyregime.app.flow.schema import FlowConfig, Init, Integrator, Scaling, Target

Schema = dict[str, Any]
COMMANDS = {"train": TrainConfig, "fit": FitConfig, "flow": FlowConfig}
GROUPS: dict[str, type[Any]] = {"trainer": Trainer, "ntk": NTK, "tracking": Tracking} | {
    "target": Target, "init": Init, "integrator": Integrator, "scaling": Scaling,
}  # fmt: skip
OF_CLASSES = ("arch", "data", "loss", "machine")  # groups whose files name a class or a function
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_INTERPOLATION: Schema = {"type": "string", "pattern": r"\$\{"}
_PLAIN: dict[Any, Schema] = {
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    str: {"type": "string"},
    type(None): {"type": "null"},
}


def json_schemas() -> dict[str, Schema]:
    """By name: of whole configurations (train, fit, flow; also experiments, regimes and debug) and of each group."""
    found = {name: of_dataclass(schema, is_whole=True) for name, schema in COMMANDS.items()}
    everything: Schema = {}
    for schema in found.values():
        for key, value in schema["properties"].items():
            other = everything.setdefault(key, value)
            everything[key] = value if other == value else {"anyOf": [other, value]}
    found["global"] = {
        **_object(everything),
        "description": "A file with `# @package _global_`: any keys of a command.",
    }
    found |= {name: of_dataclass(schema) for name, schema in GROUPS.items()}
    found |= {name: _of_targets(name) for name in OF_CLASSES}
    return {name: {"$schema": _DIALECT, "title": f"lazyregime: {name}", **schema} for name, schema in found.items()}


def of_dataclass(schema: type[Any], *, is_whole: bool = False) -> Schema:
    """Its fields, none of them required: a file may say a part."""
    hints = typing.get_type_hints(schema)
    properties = {field.name: _of_type(hints[field.name]) for field in fields(schema)}
    nested = {f.name: f.default_factory for f in fields(schema) if f.default_factory is not MISSING}
    properties |= {name: of_dataclass(hints[name]) for name in nested if is_dataclass(hints[name])}
    return _object(properties | ({"hydra": {"type": "object"}} if is_whole else {}))


def _of_targets(group: str) -> Schema:
    """The arguments of whatever the files of a group name; others too, as a class of the user's may have any."""
    word = {"type": ["string", "null"]}
    properties: Schema = {"name": word, "width": {}, "_target_": word | {"description": "MODULE.NAME"}}
    for file in sorted((conf_dir() / group).glob("*.yaml")):
        target = str(OmegaConf.to_container(OmegaConf.load(file), resolve=False).get("_target_", ""))  # type: ignore
        if target.startswith("lazyregime."):
            module, _, name = target.rpartition(".")
            for key, parameter in inspect.signature(getattr(importlib.import_module(module), name)).parameters.items():
                properties.setdefault(key, {"description": "", **_of_type(parameter.annotation)})
                properties[key] = _either(properties[key], _of_type(parameter.annotation), target)
    return _object(properties) | {"additionalProperties": True}


def _either(there: Schema, other: Schema, target: str) -> Schema:
    """A key that two classes take, perhaps with different types."""
    told = f"{there.pop('description', '')} {target}".strip()
    options = there["anyOf"] if other.get("anyOf") and there.get("anyOf") else None
    if options is not None:
        there = {"anyOf": [*options, *(o for o in other["anyOf"] if o not in options)]}
    elif there != other:
        there = {}
    return {"description": told, **there}


def _of_type(annotation: Any) -> Schema:
    """A value of this type, or an interpolation; anything where the type says nothing that yaml could hold."""
    options = _options(annotation)
    return {"anyOf": [*options, _INTERPOLATION]} if options else {}


def _options(annotation: Any) -> list[Schema]:
    if annotation in _PLAIN:
        return [_PLAIN[annotation]]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        parts = [_options(part) for part in typing.get_args(annotation)]
        return [option for part in parts for option in part] if all(parts) else []
    if typing.get_origin(annotation) is list:
        inner = _options(typing.get_args(annotation)[0])
        return [{"type": "array", "items": {"anyOf": inner} if inner else {}}]
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return [{"enum": [member.value for member in annotation]}]
    return []


def _object(properties: Schema) -> Schema:
    defaults: Schema = {"defaults": {"type": "array", "description": "files that this one begins with"}}
    return {"type": "object", "properties": properties | defaults, "additionalProperties": False}


def main(folder: str) -> None:
    """Write a file for each."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, schema in json_schemas().items():
        (Path(folder) / f"{name}.json").write_text(json.dumps(schema, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
