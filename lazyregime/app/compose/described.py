"""What a configuration says of the data (features, an image, tokens, outputs) is what they are and a network takes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lazyregime.app.compose.config import ConfigDict
from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.compose.own import is_own

if TYPE_CHECKING:
    from lazyregime.data import ClassificationData  # torch, for which a plan of many runs does not wait

DESCRIPTIONS = ("in_channels", "image_size", "in_features", "n_outputs", "num_tokens", "sequence_length")
_CHOOSE_SHAPE = ("components", "one_hot")  # options of data after which they have other features


def check_typed(overrides: Sequence[str], config: ConfigDict) -> None:
    """Refuse another description of our data on the command line: it follows from them.

    Raises:
        ConfigError: For the first.
    """
    data = config.get("data")
    if not isinstance(data, dict) or is_own(data):
        return
    free = {"in_features"} if any(option in data for option in _CHOOSE_SHAPE) else set[str]()
    fixed = {f"data.{key}" for key in DESCRIPTIONS if key not in free}
    for override in overrides:
        key = override.lstrip("+").partition("=")[0]
        if key in fixed:
            raise ConfigError(f"{override}: this follows from data={data['name']} and its other options; leave it out.")


def check_features(data: ConfigDict) -> None:
    """Refuse features that are not as many as the principal components.

    Raises:
        ConfigError: If they are not.
    """
    if data.get("components") is not None and data.get("in_features") != data["components"]:
        raise ConfigError(
            f"data.in_features={data.get('in_features')} of data.components={data['components']} principal components; "
            "give as many of the one as of the other."
        )


def check_taken(arch: ConfigDict, data: ConfigDict) -> None:
    """Refuse a network of ours that takes what the data do not have, or have otherwise.

    Raises:
        ConfigError: Naming what.
    """
    for key in DESCRIPTIONS:
        if key not in arch:
            continue
        has = data.get(key)
        if arch[key] is None and has is None:
            raise ConfigError(
                f"arch={arch['name']} needs data.{key}, which data={data['name']} does not have as it is configured; "
                f"choose another arch or other data, or give data.{key}."
            )
        if has is not None and arch[key] != has:
            raise ConfigError(f"arch.{key}={arch[key]}, but data={data['name']} has {has}; leave arch.{key} out.")


def check_loaded(described: ConfigDict, data: "ClassificationData") -> None:
    """Refuse data that are not what their configuration says.

    Raises:
        ConfigError: If they have other features or outputs.
    """
    features, said = data.train_inputs[0].numel(), described.get("in_features")
    if said is not None and not described.get("sequence_length") and said != features:
        raise ConfigError(f"data.in_features={said}, but a sample of data={described['name']} has {features} numbers.")
    if described.get("n_outputs") not in (None, data.n_outputs):
        raise ConfigError(
            f"data.n_outputs={described['n_outputs']}, but data={described['name']} has {data.n_outputs}."
        )
