"""The kernels of one look, K(X, X) by protocol and K(Z, Z) of held-out points, and the regression with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError, in_words, is_of_the_machine
from lazyregime.measure.found import Found
from lazyregime.measure.kernel_maker import KernelMaker
from lazyregime.measure.measuring import Warn
from lazyregime.measure.points import Points
from lazyregime.measure.regression import Regressed, protocols, regress

REGRESSION = ("kernel_accuracy", "kernel_risk", "condition_number", "jitter")


@final
@dataclass(frozen=True)
class Looking:
    """Where to look, and how. What cannot be computed is told to `warn`, and is missing.

    Args:
        points: Anchors, test points and held-out points.
        kernel: How kernels are computed.
        ridge: Of the regression, relative to the kernel's mean diagonal.
        warn: Told what could not be computed.
    """

    points: Points
    kernel: KernelMaker
    ridge: float
    warn: Warn

    def at(self, model: nn.Module, tag: str, first: Found | None) -> Found:
        """The kernels and the regression now; where the kernels are those of the first look, so is the regression."""
        try:
            grams, held_out = self._kernels(model, tag)
        except Exception as error:
            if is_of_the_machine(error):  # a full disk or memory says nothing about the kernel
                raise
            self.warn(f"The kernel at {tag} could not be computed: {in_words(error)}")
            return Found()
        if first is not None and first.per_point and all(torch.equal(grams[p], first.grams[p]) for p in grams):
            same = {name: value for name, value in first.scalars.items() if name.startswith(REGRESSION)}
            return Found(same, {}, grams, held_out, first.per_point)
        try:
            found = regress(self.points, grams, self._test_kernels(model, tag), self.ridge)
        except Exception as error:
            if is_of_the_machine(error):
                raise
            self.warn(f"The kernel regression at {tag} could not be computed: {in_words(error)}")
            found = Regressed()
        return Found(found.scalars, {}, grams, held_out, found.per_point)

    def _kernels(self, model: nn.Module, tag: str) -> tuple[dict[str, Float[Tensor, "n n"]], Float[Tensor, "m m"]]:
        points = self.points
        grams = {"adh": self._finite(model, points.anchors, f"kernel of the anchors, adh, {tag}")}
        if "poster" in protocols(points):
            raw = points.raw_anchors
            grams["poster"] = (
                grams["adh"] if raw is None else self._finite(model, raw, f"kernel of the anchors, poster, {tag}")
            )
        return grams, self._finite(model, points.held_out, f"kernel of the held-out points, {tag}")

    def _test_kernels(self, model: nn.Module, tag: str) -> Mapping[str, Float[Tensor, "m n"]]:
        points, title = self.points, f"kernel of the test set, {tag}"
        if points.raw_anchors is None or points.num_classes is None:
            return dict.fromkeys(protocols(points), self.kernel(model, points.test_inputs, points.anchors, title=title))
        both = torch.cat([points.anchors, points.raw_anchors])  # so that the test points' side is computed once
        k = self.kernel(model, points.test_inputs, both, title=title)
        return dict(zip(protocols(points), k.split(len(points.anchors), dim=1), strict=True))

    def _finite(self, model: nn.Module, x: Tensor, title: str) -> Tensor:
        gram = self.kernel(model, x, title=title)
        if not gram.isfinite().all():
            raise LazyRegimeError(
                f"the {title}, has entries that are NaN or infinite, so the network has overflowed; use a smaller lr, "
                "or trainer.precision=float64."
            )
        return gram
