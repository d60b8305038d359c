"""dw/dt = -rate grad l(F, y) / alpha^2 on all training points: the recipe of the flow [GSJW20; science 5.2].

The door `train` hands it to `lazyregime.app.train.gradient_flow`, which steps many runs at once and stops them; in a
Trainer it is an optimizer like any other, for batches that hold the whole training set, and the Trainer says when to
stop.
"""

from dataclasses import dataclass
from typing import Any, final

import torch

from lazyregime import gradient_flow
from lazyregime.errors import LazyRegimeError
from lazyregime.networks import LayerScale
from lazyregime.regimes.optimizers import AbstractOptimizer, Scaled, groups


@final
@dataclass(frozen=True)
class GradientFlow(AbstractOptimizer, gradient_flow.FlowSettings):
    """The choices of `lazyregime.two_layer.FlowSettings`, and what a run needs besides.

    Attributes:
        dual: For regime=lazy: flow the dual coefficients under the frozen kernel, which takes the same steps.
        per_decade: Measurements a decade of flow time.
        save_every: Seconds between two checkpoints.
        together: auto, or never: train the runs of a sweep that differ in seeds and alpha as one batch.

    Raises:
        LazyRegimeError: If a setting is out of range.
    """

    dual: bool = False
    per_decade: int = 5
    save_every: float = 30.0
    together: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.per_decade < 1:
            raise LazyRegimeError(f"optimizer.per_decade={self.per_decade} is not possible; it must be at least 1.")
        if not self.save_every > 0:
            raise LazyRegimeError(f"optimizer.save_every={self.save_every} is not possible; it must be positive.")
        if self.together not in ("auto", "never"):
            raise LazyRegimeError(f"optimizer.together={self.together} is not known; choose one of auto, never.")

    def build(self, parameters: Scaled, *, alpha: float) -> torch.optim.Optimizer:  # noqa: D102
        def step(scale: LayerScale, bias: bool) -> dict[str, Any]:
            return {"lr": scale.sgd_bias if bias else scale.sgd}

        return gradient_flow.GradientFlow(groups(parameters, step), settings=self)
