"""Data of one's own: called once and checked; runs are told their shapes, and are known by what the data are.

A configuration that is only composed runs nobody's code: what lies in a folder is composed too. `completed` does, for
a run that is going to be planned or computed.
"""

import functools
import json
from collections.abc import Mapping
from typing import Any

from lazyregime.app.compose.described import DESCRIPTIONS
from lazyregime.app.compose.fingerprint import fingerprint_of_tensors
from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.compose.own import SOURCES, is_own
from lazyregime.app.compose.source_digest import module_file
from lazyregime.data import ClassificationData, shapes_of

# Of the data, for the architectures.


def completed(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with the shapes and the fingerprint of data of one's own, which are loaded for that.

    Raises:
        LazyRegimeError: If the function cannot be called, returns no data, or the architecture wants another shape.
    """
    node = config.get("data")
    if not isinstance(node, Mapping) or not is_own(node):
        return config
    data = own_data(node)
    shapes = {key: value for key, value in shapes_of(data).items() if node.get(key) is None}
    config = {**config, "data": {**node, **shapes}}
    config[SOURCES] = {**config.get(SOURCES, {}), "data_content": fingerprint_of(data)}
    if "arch" in config:
        config["arch"] = _with_shapes(config["arch"], config["data"], data)
    return config


def own_data(node: Mapping[str, Any]) -> ClassificationData:
    """The data that the function of a node returns, kept for the next who asks.

    Raises:
        LazyRegimeError: If the function cannot be called, or returns no data.
    """
    target = str(node["_target_"])
    arguments = {key: value for key, value in node.items() if key not in ("name", "_target_", *DESCRIPTIONS)}
    file = module_file(target)
    changed = file.stat().st_mtime_ns if file is not None else 0
    return _loaded(target, json.dumps(arguments, sort_keys=True, default=str), changed)


def fingerprint_of(data: ClassificationData) -> str:
    """SHA-256 of all tensors of a data set, in 16 hexadecimal digits."""
    parts = [f"{split}_{part}" for split in ("train", "validation", "test") for part in ("inputs", "labels")]
    return fingerprint_of_tensors({part: getattr(data, part) for part in parts})


@functools.lru_cache(maxsize=2)
def _loaded(target: str, arguments: str, _changed: int) -> ClassificationData:
    from lazyregime.app.compose.build import build
    from lazyregime.data import from_user

    node = {"name": target, "_target_": target, **json.loads(arguments)}
    try:
        value = build(node, "data")
    except ConfigError:
        raise
    except Exception as error:  # whatever a function of the user's does
        raise ConfigError(f"data._target_={target} failed: {type(error).__name__}: {error}.") from error
    return from_user(value, name=target, origin=f"what {target} gives")


def _with_shapes(arch: Mapping[str, Any], node: Mapping[str, Any], data: ClassificationData) -> dict[str, Any]:
    """The architecture's keys, those that conf/ leaves to the data filled in."""
    wanted = [key for key in DESCRIPTIONS if key in arch and arch[key] is None]
    for key in wanted:
        if node.get(key) is None:
            raise ConfigError(
                f"arch={arch['name']} asks for {key}, which inputs of shape {tuple(data.train_inputs.shape[1:])} in "
                f"data={node['name']} do not have; choose another arch, another shape, or give arch.{key}."
            )
    return {**arch, **{key: node[key] for key in wanted}}
