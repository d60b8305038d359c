"""A parameterization gives each layer W = s w, w ~ N(0, 1), a forward multiplier m and a learning-rate multiplier.

All that a network computes depends on s m only; all that gradient flow does depends on the learning rate over s^2.
So with the canonical product s m (1/sqrt(fan_in), and 1/N for a mean-field readout of N units) and a step Lambda s^2,

    ntk          s = 1,             m = 1/sqrt(fan_in),                      Lambda = 1
    mean_field   s = 1,             m as ntk, the readout times 1/sqrt(N),   Lambda = N
    mup          s = 1/sqrt(fan_in), m = 1; the readout s = 1, m = 1/N,      Lambda = N

and mean_field and mup follow the same trajectory under gradient descent, as does ntk at alpha / sqrt(N)
([JGH18]; [GSJW20], section 2; Yang and Hu, arXiv 2011.14522, table 1). `standard` is PyTorch's default: uniform
weights and biases of variance 1 / (3 fan_in), no multipliers, one learning rate.

Adam's step does not know the size of a gradient, so it is given the size that a step of gradient descent has: the
canonical |dF/dw| = m |delta| with |delta| = 1/sqrt(N) below the readout, times s. A step of lr then changes each
preactivation by about lr, and F by about lr times the number of layers; architectures of more than a few layers have it
divided by that number, so that one lr serves them all.

The gain and bias of a norm, and the rows of an embedding (whose input has one 1), are weights of fan_in 1: s = 1 and
m = 1 in all three, so PyTorch's own layers serve, and only the step differs: 1 in ntk, N in mean_field and mup. A
gain's part of the kernel is sum_i delta_i^2 xhat_i^2 over N units, of order 1 at every width, like a weight's. Whatever
stands below the readout is the same function of the same w in ntk and mean_field, f_mf = f_ntk / sqrt(N), so a step of
N times the gradient at sqrt(N) alpha is one of the gradient at alpha: for any layer that has these scales, and for none
that has not. Hence `unknown`: the word for a network with a layer whose scale nobody has said.
"""

from dataclasses import dataclass
from typing import Literal

from lazyregime.errors import LazyRegimeError

Parameterization = Literal["standard", "ntk", "mean_field", "mup"]
PARAMETERIZATIONS: tuple[str, ...] = ("standard", "ntk", "mean_field", "mup")
UNKNOWN = "unknown"


@dataclass(frozen=True)
class LayerScale:
    """How one layer is drawn, multiplied and stepped. `standard` layers have no `init_std`: PyTorch draws them."""

    parameterization: str  # one of PARAMETERIZATIONS, or unknown
    readout: bool  # whether the network's outputs are this layer's
    init_std: float | None
    multiplier: float
    bias_multiplier: float
    sgd: float  # learning-rate multiplier of weight and bias under gradient descent, for the weight
    sgd_bias: float
    adam: float  # the same under Adam
    adam_bias: float
    gradient: float  # the size of a gradient against the ntk parameterization's: Adam's eps is multiplied by it
    gradient_bias: float


def plain_scale(parameterization: str, *, readout: bool = False) -> LayerScale:
    """Of a layer that is as PyTorch, or a user, made it: no multipliers, one learning rate."""
    return LayerScale(parameterization, readout, None, *(1.0,) * 8)


def layer_scale(
    parameterization: str, *, fan_in: int, width: int, readout: bool, bias_scale: float = 0.1, num_layers: int = 1
) -> LayerScale:
    """The scales of a layer with `fan_in` inputs a unit, in a network of `width` hidden units.

    Args:
        parameterization: One of `PARAMETERIZATIONS`.
        fan_in: Inputs that a unit sums over: channels times kernel area for a convolution, 1 for a norm or embedding.
        width: N, the hidden units or channels.
        readout: Whether this is the last layer.
        bias_scale: The factor of a N(0, 1) bias in all but `standard`; 0.1 as in [JGH18], section 6.
        num_layers: By which Adam's step is divided in all but `standard`.

    Raises:
        LazyRegimeError: If the parameterization is not known.
    """
    if parameterization == "standard":
        return plain_scale("standard", readout=readout)
    if parameterization not in PARAMETERIZATIONS:
        choices = ", ".join(PARAMETERIZATIONS)
        raise LazyRegimeError(f"parameterization={parameterization!r} is not known; choose one of {choices}.")
    rich = parameterization != "ntk"  # a readout of size 1/N
    down = width**-0.5 if rich and readout else 1.0
    product = fan_in**-0.5 * down  # s m
    std = fan_in**-0.5 if parameterization == "mup" and not readout else 1.0
    step = float(width) if rich else 1.0
    # |dF/dw| in the ntk parameterization; alpha carries the factor sqrt(N) between it and the others (see docs).
    delta = 1.0 if readout else width**-0.5
    adam = (width**0.5 if rich else 1.0) * delta / num_layers
    return LayerScale(
        parameterization=parameterization,
        readout=readout,
        init_std=std,
        multiplier=product / std,
        bias_multiplier=bias_scale * down,
        sgd=step * std**2,
        sgd_bias=step,
        adam=adam * fan_in**-0.5 * std,
        adam_bias=adam * bias_scale,
        gradient=width**-0.5 / std if rich else 1.0,
        gradient_bias=width**-0.5 if rich else 1.0,
    )
