"""The kernels that one look needs: of anchors by protocol, of held-out points, and of test points with anchors.

Where all test points are held-out points, one kernel of anchors and test points together has the last two and the
first: each point's gradients are computed once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.measure.kernel_maker import KernelMaker
from lazyregime.measure.null_cache import inputs_for
from lazyregime.measure.points import Points


@final
@dataclass(frozen=True)
class LookKernels:
    """Computed when asked for; `square` first, of which `test` takes what is there.

    Args:
        kernel: How kernels are computed.
        model: At this moment.
        points: Where.
        asked: Protocols of the regression.
        tag: Names the moment in messages.
    """

    kernel: KernelMaker
    model: nn.Module
    points: Points
    asked: Sequence[str]
    tag: str
    _test: dict[str, Float[Tensor, "m n"]] = field(default_factory=dict)

    def square(self) -> tuple[dict[str, Float[Tensor, "n n"]], Float[Tensor, "m m"]]:
        """K(X, X) by protocol, always that of `adh`, by which movement is measured, and K(Z, Z)."""
        points = self.points
        if points.num_held_out == len(points.test_inputs):
            grams, held_out = self._joined()
        else:
            grams = {"adh": self._finite(points.anchors, "kernel of the anchors, adh")}
            held_out = self._finite(points.held_out, "kernel of the held-out points")
        if "poster" in self.asked:
            raw = points.raw_anchors
            grams["poster"] = grams["adh"] if raw is None else self._finite(raw, "kernel of the anchors, poster")
        return grams, held_out

    def test(self) -> dict[str, Float[Tensor, "m n"]]:
        """K(x, X) of the test points by protocol."""
        lacking, raw = [name for name in self.asked if name not in self._test], self.points.raw_anchors
        if raw is None and lacking:
            k = self._test.get("adh")
            k = self._of_test_points(self.points.anchors) if k is None else k
            return dict.fromkeys(self.asked, k)
        columns = {"adh": self.points.anchors, "poster": raw}
        sides = [side for name in lacking if (side := columns[name]) is not None]
        if sides:  # together, so that the test points' side is computed once
            parts = self._of_test_points(torch.cat(sides)).split(len(self.points.anchors), dim=1)
            self._test.update(zip(lacking, parts, strict=True))
        return {name: self._test[name] for name in self.asked}

    def _joined(self) -> tuple[dict[str, Float[Tensor, "n n"]], Float[Tensor, "m m"]]:
        n = len(self.points.anchors)
        k = self._finite(inputs_for(self.model, self.points), "kernel of the anchors and held-out points")
        self._test["adh"] = k[n:, :n]
        return {"adh": k[:n, :n]}, k[n:, n:]

    def _of_test_points(self, anchors: Tensor) -> Tensor:
        return self.kernel(self.model, self.points.test_inputs, anchors, title=f"kernel of the test set, {self.tag}")

    def _finite(self, x: Tensor, what: str) -> Tensor:
        gram = self.kernel(self.model, x, title=f"{what}, {self.tag}")
        if not gram.isfinite().all():
            raise LazyRegimeError(
                f"the {what}, {self.tag}, has entries that are NaN or infinite, so the network has overflowed; use a "
                "smaller lr, or trainer.precision=float64."
            )
        return gram
