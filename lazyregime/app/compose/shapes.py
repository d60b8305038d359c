"""Shapes that conf/data leaves open, as of data of one's own, are those that the data have; architectures get them."""

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from lazyregime.app.compose.config import ConfigDict
from lazyregime.app.compose.hints import ConfigError
from lazyregime.data import ClassificationData, shapes_of
from lazyregime.errors import LazyRegimeError

# Of the data, for the architectures.
DESCRIPTIONS = ("in_channels", "image_size", "in_features", "n_outputs", "num_tokens", "sequence_length")
Load = Callable[[ConfigDict], ClassificationData]


def arch_node(config: ConfigDict, load: Load) -> Mapping[str, Any]:
    """The architecture's keys; shapes that neither the user nor conf/data gives are asked of the data, loaded once.

    Raises:
        ConfigError: If the data have no such shape, or cannot be loaded.
    """
    arch, data = config["arch"], config["data"]
    wanted = [key for key in DESCRIPTIONS if key in arch and arch[key] is None and data.get(key) is None]
    if not wanted:
        return arch
    shapes = shapes_in(config, load)
    for key in wanted:
        if shapes[key] is None:
            raise ConfigError(
                f"arch={arch['name']} asks for {key}, which inputs of shape {shapes['shape']} in data={data['name']} "
                f"do not have; choose another arch, another shape, or give arch.{key}."
            )
    return {**arch, **{key: shapes[key] for key in wanted}}


def shapes_in(config: ConfigDict, load: Load) -> Mapping[str, Any]:
    """`shapes_of` the data, with the shape of an input and the number of held-out samples.

    Raises:
        ConfigError: If the data cannot be loaded.
    """
    return _shapes(json.dumps({"data": config["data"]}, sort_keys=True, default=str), load)


@functools.lru_cache(maxsize=256)  # the runs of a sweep share them
def _shapes(config: str, load: Load) -> Mapping[str, Any]:
    node = json.loads(config)
    try:
        data = load(node)
    except LazyRegimeError:
        raise
    except Exception as error:  # whatever a user's function may raise
        name = node["data"]["_target_"]
        raise ConfigError(f"data._target_={name} failed: {type(error).__name__}: {error}.") from error
    return {
        **shapes_of(data), "shape": tuple(data.train_inputs.shape[1:]), "n_validation": len(data.validation_labels)
    }  # fmt: skip
