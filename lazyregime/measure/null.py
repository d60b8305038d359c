"""The null of a verdict: by how much the kernels of two initializations of one network differ, before any training.

A network that is drawn anew has other weights, features and kernel, and has learned nothing. What it differs by is the
scale beside which a turn of the kernel, or a gain of the regression with it, is to be seen; it falls as 1/sqrt(width).
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lazyregime.kernels import KernelRegression, centre, empirical_ntk, kernel_angle, kernel_distance
from lazyregime.measure.gain import scores
from lazyregime.measure.null_cache import NullCache, digest_of, inputs_for
from lazyregime.measure.points import Points
from lazyregime.measure.seen import in_eval_mode

Draw = Callable[[int], nn.Module]
NUM_DRAWS = 2
FIRST_SEED = 1_000_003  # of the draws, so that all runs of an architecture have the same null


@final
@dataclass(frozen=True)
class Null:
    """Root mean squares over all pairs of initializations.

    Attributes:
        angle: The sine of the angle between their kernels on the anchors.
        cka: 1 - CKA of their kernels on the held-out points; None for one point, whose kernel is nothing once centred.
        gain: The difference of what regression with them scores on the held-out points.
        num_draws: So many initializations.
    """

    angle: float
    cka: float | None
    gain: float
    num_draws: int


@final
@dataclass(frozen=True, eq=False)
class Drawn:
    """What one network is compared by."""

    gram: Float[Tensor, "n n"]
    held_out: Float[Tensor, "m m"]
    score: float


def null_of(
    draw: Draw,
    points: Points,
    *,
    num_draws: int = NUM_DRAWS,
    memory_budget: int | None = None,
    kept_in: Path | None = None,
) -> Null:
    """Draw networks and compare them, or read what was found of the same ones before.

    It costs `num_draws` kernels of anchors and held-out points together: a few per cent of a run's probes.

    Args:
        draw: Makes the network of a seed.
        points: Where they are compared.
        num_draws: So many networks, at least 2.
        memory_budget: Bytes for each kernel.
        kept_in: A folder, where the null is kept under what networks and points are.

    Raises:
        LazyRegimeError: If a kernel cannot be computed.
    """
    networks = [_drawn(draw, FIRST_SEED + number) for number in range(num_draws)]
    cache = None if kept_in is None else NullCache(kept_in, digest_of(networks, points))
    known = None if cache is None else cache.read([field.name for field in fields(Null)])
    if known is not None:
        return Null(**known)
    null = compared([look(network, points, memory_budget) for network in networks])
    if cache is not None:
        cache.write(asdict(null))
    return null


def compared(drawn: Sequence[Drawn]) -> Null:
    """The differences of all pairs."""
    pairs = list(itertools.combinations(drawn, 2))
    turned = [kernel_distance(centre(a.held_out), centre(b.held_out)) for a, b in pairs if len(a.held_out) > 1]
    return Null(
        angle=_rms([kernel_angle(a.gram, b.gram) for a, b in pairs]),
        cka=_rms(turned) if turned else None,
        gain=_rms([a.score - b.score for a, b in pairs]),
        num_draws=len(drawn),
    )


def look(network: nn.Module, points: Points, memory_budget: int | None = None) -> Drawn:
    """One kernel of anchors and held-out points together has all that is needed."""
    n = len(points.anchors)
    with in_eval_mode(network):
        k = empirical_ntk(network, inputs_for(network, points), memory_budget=memory_budget).cpu()
    regression = KernelRegression(n_outputs=points.num_classes).fit_gram(k[:n, :n], points.anchor_labels.cpu())
    predicted, truth = regression.predict_gram(k[n:, :n]), points.held_out_labels.cpu()
    if points.num_classes is None:
        right = (predicted - truth.to(predicted)).square().sum(1)
    else:
        right = torch.eq(predicted, truth)
    return Drawn(k[:n, :n], k[n:, n:], float(scores(right, truth).mean()))


def _rms(values: Sequence[float]) -> float:
    return (sum(value**2 for value in values) / len(values)) ** 0.5


def _drawn(draw: Draw, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return draw(seed).eval()
