"""From a configuration to the objects that it names, each argument checked against the constructor's signature."""

import inspect
import types
import typing
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from lazyregime.app.compose.bounds import check_anchors, check_bounds
from lazyregime.app.compose.config import ConfigDict
from lazyregime.app.compose.described import DESCRIPTIONS, check_features, check_loaded, check_taken
from lazyregime.app.compose.devices import check_devices
from lazyregime.app.compose.hints import ConfigError, unknown_name
from lazyregime.app.compose.own import is_own
from lazyregime.app.compose.own_data import own_data
from lazyregime.app.compose.target import target_of
from lazyregime.app.compose.trial import SAMPLES, check_network, check_shapes, sample_inputs
from lazyregime.data import ClassificationData, check_arguments
from lazyregime.networks import UNKNOWN, parameterization_of, why_unknown
from lazyregime.regimes import AbstractRegime, alpha_of


def load_data(config: ConfigDict) -> ClassificationData:
    """The data set, in memory."""
    if is_own(config["data"]):
        return own_data(config["data"])
    data: ClassificationData = build(config["data"], "data", drop=DESCRIPTIONS)
    check_loaded(config["data"], data)
    return data


def check_data(config: ConfigDict) -> None:
    """Refuse arguments of the data set that cannot be, without loading it.

    Raises:
        LazyRegimeError: If it does not take them, or its own check refuses them.
    """
    data = config["data"]
    if is_own(data):  # they have been loaded, and checked
        return
    function, arguments = _call(data, "data", DESCRIPTIONS, {})
    check_arguments(function, **arguments)
    check_features(data)


def build_network(config: ConfigDict) -> nn.Module:
    """The network at the initialization that init_seed draws, whatever was drawn before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config["init_seed"])
        network = _own_network(config) if is_own(config["arch"]) else build(config["arch"], "arch")
    return network.to(torch_dtype(config))


def _own_network(config: ConfigDict) -> nn.Module:
    """A network of the user's class; shapes, width and parameterization are given to it if it has such arguments.

    Raises:
        ConfigError: If it cannot be made, is no module, or does not take what was asked for.
    """
    node = config["arch"]
    target, _ = _call(node, "arch", (), {})
    parameters = inspect.signature(target).parameters
    known = {key: config["data"].get(key) for key in DESCRIPTIONS} | {"width": config["width"]}
    if config["parameterization"] != UNKNOWN:
        known["parameterization"] = config["parameterization"]
    if config["width"] is not None and "width" not in parameters:
        raise ConfigError(
            f"width={config['width']} is asked for, and {node['_target_']} has no such argument; leave it out."
        )
    extra = {key: v for key, v in known.items() if v is not None and key in parameters and key not in node}
    try:
        network = build(node, "arch", extra=extra)
    except ConfigError:
        raise
    except Exception as error:  # whatever a class of the user's does
        raise ConfigError(f"{node['_target_']} cannot be made: {type(error).__name__}: {error}.") from error
    if not isinstance(network, nn.Module):
        raise ConfigError(f"{node['_target_']} makes a {type(network).__name__}; arch wants a torch module.")
    return network


def build_regime(config: ConfigDict, network: nn.Module) -> AbstractRegime:
    """The regime around a network."""
    _check_parameterization(config, network)
    extra = {
        "network": network,
        "alpha": resolve_alpha(config, network),
        "loss": build(config["loss"], "loss"),
        "optimizer": build(config["optimizer"], "optimizer"),
        "schedule": config["trainer"]["schedule"],
    }
    return build(config["regime"], "regime", drop=("parameterization",), extra=extra)


def resolve_alpha(config: ConfigDict, network: nn.Module) -> float | None:
    """Alpha as given, or that of the laziness given; None leaves it to the regime.

    Raises:
        ConfigError: If both are given.
        LazyRegimeError: If the network has no laziness.
    """
    alpha, given = config["alpha"], config["laziness"]
    if given is None:
        return alpha
    if alpha is not None:
        raise ConfigError(f"alpha={alpha:g} and laziness={given:g} say the same thing twice; give one of them.")
    return alpha_of(given, network)


def torch_dtype(config: ConfigDict) -> torch.dtype:
    """The floating point type of data and weights."""
    return torch.float64 if config["trainer"]["precision"] == "float64" else torch.float32


def build(
    node: Mapping[str, Any], group: str, *, drop: tuple[str, ...] = (), extra: Mapping[str, Any] | None = None
) -> Any:
    """Call the `_target_` of a group with the group's keys.

    Args:
        node: The group's part of the configuration.
        group: Its name, for messages.
        drop: Keys that are not arguments.
        extra: Arguments that no configuration can hold.

    Raises:
        ConfigError: If a key is no argument of the target, or a value is not of its type.
    """
    target, arguments = _call(node, group, drop, extra or {})
    return target(**arguments)


def _call(
    node: Mapping[str, Any], group: str, drop: tuple[str, ...], extra: Mapping[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """The target of a group and its arguments, each found in its signature and of its type."""
    target = _target(node, group)
    parameters = inspect.signature(target).parameters
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    keys = {k: v for k, v in node.items() if k not in ("name", "_target_", *drop)}
    for key, value in keys.items():
        if key not in parameters:
            if takes_any:
                continue
            valid = [name for name in parameters if name not in extra]
            raise ConfigError(unknown_name(f"{group}.{key}: {node['_target_']} has no such argument", key, valid))
        _check_type(f"{group}.{key}", value, parameters[key].annotation)
    return target, {**keys, **extra}


def check(config: ConfigDict) -> int:
    """Build everything but the data, without memory for the weights, and return the number of parameters.

    Raises:
        LazyRegimeError: A sentence about the first thing that cannot be.
    """
    check_data(config)
    few = _few(config["data"])
    network = _tried(config, few)
    module = build_regime(config, network)
    if few is not None:
        labels = few.train_labels[:SAMPLES]
        module.loss(torch.zeros(len(labels), config["data"]["n_outputs"]), labels)  # it says which labels it takes
        check_anchors(config["ntk"], few)
    check_bounds(config)
    check_devices(config)
    return sum(p.numel() for p in network.parameters())


def _few(data: ConfigDict) -> ClassificationData | None:
    """Samples of the kind that the data have; None where only files would tell."""
    if is_own(data):
        return own_data(data)
    if "data_dir" in data:
        return None
    few = {key: min(data[key], SAMPLES) for key in ("n_train", "n_test") if data.get(key) is not None}
    return build({**data, **few}, "data", drop=DESCRIPTIONS)


def _tried(config: ConfigDict, few: ClassificationData | None) -> nn.Module:
    """The network, seen to take these data: ours without memory for its weights, one of the user's as it is."""
    arch, data = config["arch"], config["data"]
    x = None if few is None else few.train_inputs[:SAMPLES]
    if not is_own(arch):
        check_taken(arch, data)
        with torch.device("meta"):
            network: nn.Module = build(arch, "arch")
        check_shapes(network, sample_inputs(data, x), data["n_outputs"], f"arch={arch['name']}", f"data={data['name']}")
        return network
    network, x = build_network(config), sample_inputs(data, x)
    x = x.to(torch_dtype(config)) if x.is_floating_point() else x
    check_network(network, x, data["n_outputs"], str(arch["name"]))
    return network


def _check_parameterization(config: ConfigDict, network: nn.Module) -> None:
    """The configuration asks for a parameterization; what the network has is asked of the network."""
    asked, has = config["parameterization"], parameterization_of(network)
    if asked not in (has, "standard", UNKNOWN):
        why = f", since {why_unknown(network)}" if has == UNKNOWN else ""
        raise ConfigError(
            f"parameterization={asked} is asked for, but that of arch={config['arch']['name']} is {has}{why}; "
            f"give arch.parameterization, if it has that argument, or parameterization={has}."
        )


def _target(node: Mapping[str, Any], group: str) -> Any:
    path = str(node["_target_"])
    try:
        return target_of(path)
    except ConfigError as error:
        raise ConfigError(f"{group}._target_={path}: {error}") from error


def _check_type(key: str, value: Any, annotation: Any) -> None:
    allowed = _plain_types(annotation)
    if not allowed or type(value) in allowed or (float in allowed and type(value) is int):
        return
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a word", type(None): "null"}
    given = "null" if value is None else value
    raise ConfigError(f"{key}={given} is not possible; it must be {' or '.join(words[t] for t in allowed)}.")


def _plain_types(annotation: Any) -> tuple[type, ...]:
    """The plain types that an annotation allows; none if it allows anything else."""
    union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    members = typing.get_args(annotation) if union else (annotation,)
    return members if all(m in (int, float, bool, str, type(None)) for m in members) else ()
