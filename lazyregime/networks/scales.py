"""What is known of a network is asked of its layers: each carries its `LayerScale`, or its scale is unknown."""

from collections.abc import Iterator
from typing import TypeVar

from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.networks.parameterization import UNKNOWN, LayerScale, plain_scale

Layer = TypeVar("Layer", bound=nn.Module)


def with_scale(layer: Layer, scale: LayerScale) -> Layer:
    """The same layer, which from now on carries this scale for its own parameters (not those of its children)."""
    vars(layer)["scale"] = scale
    return layer


def scale_of(layer: nn.Module) -> LayerScale | None:
    """What the layer carries; None if nobody has said."""
    scale = vars(layer).get("scale")
    return scale if isinstance(scale, LayerScale) else None


def parameter_scales(network: nn.Module) -> dict[str, LayerScale]:
    """The `LayerScale` of every parameter, in the order of `named_parameters`; those of no known scale are `unknown`.

    A parameter that belongs to several layers has a scale if they agree.
    """
    found: dict[int, set[LayerScale]] = {}
    for _, layer in network.named_modules():
        scale = scale_of(layer) or plain_scale(UNKNOWN)
        for parameter in layer.parameters(recurse=False):
            found.setdefault(id(parameter), set()).add(scale)
    scales = {name: found[id(parameter)] for name, parameter in network.named_parameters()}
    return {name: next(iter(each)) if len(each) == 1 else plain_scale(UNKNOWN) for name, each in scales.items()}


def parameterization_of(network: nn.Module) -> str:
    """standard, ntk, mean_field or mup if every layer says so, and one says that it is the readout; else unknown.

    >>> parameterization_of(nn.Linear(3, 1))
    'unknown'
    """
    scales = set(parameter_scales(network).values())
    words = {scale.parameterization for scale in scales}
    return words.pop() if len(words) == 1 and any(scale.readout for scale in scales) else UNKNOWN


def width_of(network: nn.Module) -> int | None:
    """N, the network's attribute `width`; None if it has none."""
    width = getattr(network, "width", None)
    return width if isinstance(width, int) and not isinstance(width, bool) and width >= 1 else None


def why_unknown(network: nn.Module) -> str:
    """What keeps the parameterization from being known, as a clause."""
    unknown = list(_unknown_layers(network))
    if unknown:
        more = f" and of {len(unknown) - 1} more" if len(unknown) > 1 else ""
        return f"the scale of {unknown[0]}{more} is not known"
    words = sorted({scale.parameterization for scale in parameter_scales(network).values()})
    if UNKNOWN in words:
        return "a parameter belongs to several layers, which have different scales"
    if len(words) > 1:
        return f"its layers are in several parameterizations: {', '.join(words)}"
    return "none of its layers was made as the readout"


def check_scales(network: nn.Module) -> None:
    """Refuse what is in part in the ntk, mean_field or mup parameterization: layers of unknown scale, or no readout.

    The steps of the known layers follow the parameterization, and those of the unknown ones cannot, so that the
    trajectory would depend on alpha and width in a way that nobody meant.

    Raises:
        LazyRegimeError: Naming such a layer and the cure.
    """
    words = {scale.parameterization for scale in parameter_scales(network).values()}
    scaled = sorted(words - {"standard", UNKNOWN})
    if scaled and parameterization_of(network) == UNKNOWN:
        raise LazyRegimeError(
            f"The network has layers in the {scaled[0]} parameterization, but {why_unknown(network)}, so their steps "
            "cannot be matched; make every layer with LayerFactory, the last with readout=True, or say a layer's scale "
            "by with_scale(layer, factory.scale(fan_in)), or build the network with parameterization=standard."
        )


def _unknown_layers(network: nn.Module) -> Iterator[str]:
    for name, layer in network.named_modules():
        if scale_of(layer) is None and next(layer.parameters(recurse=False), None) is not None:
            yield f"layer {name!r} ({type(layer).__name__})" if name else f"the {type(layer).__name__}"
