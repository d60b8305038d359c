"""One look: the kernels by protocol and of held-out points, and the regression with them.

A look in between costs a fraction of one at an end: its regression is tested on the held-out points alone, whose kernel
is wanted anyway, and goes by the headline's protocol. The verdict is of the two ends, and sees none of it.
"""

from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor, nn

from lazyregime.errors import in_words, is_of_the_machine
from lazyregime.measure.found import Found
from lazyregime.measure.kernel_maker import KernelMaker
from lazyregime.measure.look_kernels import LookKernels
from lazyregime.measure.measuring import Warn
from lazyregime.measure.points import Points
from lazyregime.measure.regression import Regressed, protocols, regress

REGRESSION = ("kernel_accuracy", "kernel_risk", "condition_number", "jitter")
ROUNDING = 32  # times the resolution of its type: by less one kernel differs if it is computed in another order


@final
@dataclass(frozen=True)
class Looking:
    """Where to look, and how. What cannot be computed is told to `warn`, and is missing.

    Args:
        points: Anchors, test points and held-out points.
        kernel: How kernels are computed.
        ridge: Of the regression, relative to the kernel's mean diagonal.
        warn: Told what could not be computed.
        headline: The protocol by which looks in between regress; None for all that there are.
        per_layer: Whether to compute the anchors' kernel of each layer too, by passes of its own.
    """

    points: Points
    kernel: KernelMaker
    ridge: float
    warn: Warn
    headline: str | None = None
    per_layer: bool = False

    def at(self, model: nn.Module, tag: str, first: Found | None, *, in_between: bool = False) -> Found:
        """The kernels and the regression now; where the kernels are those of the first look, so is the regression."""
        points, asked = self.points, protocols(self.points)
        if in_between:
            points, asked = _held_out_alone(points), tuple(p for p in asked if self.headline in (None, p))
        kernels = LookKernels(self.kernel, model, points, asked, tag)
        try:
            grams, held_out = kernels.square()
            by_layer = self.kernel.by_layer(model, points.anchors) if self.per_layer else None
        except Exception as error:
            if is_of_the_machine(error):  # a full disk or memory says nothing about the kernel
                raise
            self.warn(f"The kernel at {tag} could not be computed: {in_words(error)}")
            return Found()
        if first is not None and first.per_point and all(_same(grams[p], first.grams[p]) for p in grams):
            return replace(_as_at_first(first, held_out, asked), layer_grams=by_layer)
        try:
            found = regress(points, grams, kernels.test(), self.ridge)
        except Exception as error:
            if is_of_the_machine(error):
                raise
            self.warn(f"The kernel regression at {tag} could not be computed: {in_words(error)}")
            found = Regressed()
        return Found(found.scalars, {}, grams, held_out, found.per_point, by_layer)


def _held_out_alone(points: Points) -> Points:
    return replace(points, test_inputs=points.held_out, test_labels=points.held_out_labels)


def _same(now: Tensor, first: Tensor) -> bool:
    """Up to rounding: a frozen kernel."""
    return bool(torch.linalg.norm(now - first) <= ROUNDING * torch.finfo(now.dtype).eps * torch.linalg.norm(first))


def _as_at_first(first: Found, held_out: Tensor, asked: tuple[str, ...]) -> Found:
    names = tuple(f"{name}_{protocol}" for name in REGRESSION for protocol in asked)
    grams = {protocol: first.grams[protocol].clone() for protocol in dict.fromkeys(("adh", *asked))}
    same = {name: value for name, value in first.scalars.items() if name in names}
    return Found(same, {}, grams, held_out, {protocol: first.per_point[protocol] for protocol in asked})
