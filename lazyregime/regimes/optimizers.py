"""Steps co-scaled with alpha and the parameterization, so that F moves at the same rate whatever they are.

Gradient descent on l(alpha f) / alpha^2 moves F = alpha f at a rate free of alpha, and follows the parameterization by
the factor s^2 Lambda (lazyregime.networks.parameterization). Adam forgets the size of the gradient, so its step is
divided by alpha and multiplied by the size that the gradient would have had, and its eps by the same gradient scale.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.networks import LayerScale

Scaled = Iterable[tuple[str, nn.Parameter, LayerScale]]


class AbstractOptimizer(ABC):
    """A recipe that builds a torch optimizer over scaled parameters."""

    @abstractmethod
    def build(self, parameters: Scaled, *, alpha: float) -> torch.optim.Optimizer:
        """The optimizer, one group per distinct step."""


@final
@dataclass(frozen=True)
class Adam(AbstractOptimizer):
    """Adam with a fused step where the device has one.

    Args:
        weight_decay: Decoupled: a step shrinks every weight by lr * weight_decay, whatever its own step; None is none.

    Raises:
        LazyRegimeError: If a setting is out of range.
    """

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float | None = None

    def __post_init__(self) -> None:
        _check_positive("lr", self.lr)
        if self.weight_decay is not None:
            _check_positive("optimizer.weight_decay", self.weight_decay, "; null is none")
        _check_positive("optimizer.eps", self.eps)
        for name, beta in (("beta1", self.beta1), ("beta2", self.beta2)):
            if not 0 <= beta < 1:
                raise LazyRegimeError(f"optimizer.{name}={beta} is not possible; it must lie in [0, 1).")

    def build(self, parameters: Scaled, *, alpha: float) -> torch.optim.Optimizer:  # noqa: D102
        def step(scale: LayerScale, bias: bool) -> dict[str, float]:
            adam, gradient = (scale.adam_bias, scale.gradient_bias) if bias else (scale.adam, scale.gradient)
            own = {"lr": self.lr * adam / alpha, "eps": self.eps * gradient / alpha}
            decay = {} if self.weight_decay is None else {"weight_decay": self.weight_decay * self.lr / own["lr"]}
            return own | decay  # torch multiplies the decay by the group's step, which is not to enter

        kind = torch.optim.Adam if self.weight_decay is None else torch.optim.AdamW
        return kind(groups(parameters, step), lr=self.lr, betas=(self.beta1, self.beta2), fused=True)


@final
@dataclass(frozen=True)
class SGD(AbstractOptimizer):
    """Gradient descent, with momentum if asked for.

    Raises:
        LazyRegimeError: If a setting is out of range.
    """

    lr: float = 0.1
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        _check_positive("lr", self.lr)
        if not 0 <= self.momentum < 1:
            raise LazyRegimeError(f"optimizer.momentum={self.momentum} is not possible; it must lie in [0, 1).")
        if self.nesterov and self.momentum == 0:
            raise LazyRegimeError("optimizer.nesterov=true needs optimizer.momentum above 0; set one, such as 0.9.")

    def build(self, parameters: Scaled, *, alpha: float) -> torch.optim.Optimizer:  # noqa: D102
        def step(scale: LayerScale, bias: bool) -> dict[str, float]:
            return {"lr": self.lr * (scale.sgd_bias if bias else scale.sgd)}

        return torch.optim.SGD(groups(parameters, step), lr=self.lr, momentum=self.momentum, nesterov=self.nesterov)


def groups(parameters: Scaled, step: Any) -> list[dict[str, Any]]:
    """Parameter groups, one for each distinct result of `step(scale, is_bias)`."""
    found: dict[tuple[float, ...], dict[str, Any]] = {}
    for name, parameter, scale in parameters:
        options = step(scale, name.endswith("bias"))
        found.setdefault(tuple(options.values()), {"params": [], **options})["params"].append(parameter)
    return list(found.values())


def _check_positive(name: str, number: float, more: str = "") -> None:
    if not 0 < number < float("inf"):
        raise LazyRegimeError(f"{name}={number} is not possible; it must be positive and finite{more}.")
