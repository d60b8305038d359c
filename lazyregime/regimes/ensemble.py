r"""Steps of Adam and SGD of E networks at once: one batched forward and backward pass, and one update of all weights.

Each member takes the very steps that its own optimizer would take, up to rounding: its own seed, batches, learning rate
and alpha, by the recipe that all share. A member's step is a multiple of the learning rate: a row of numbers, since the
weights of a member lie one behind the other, (E, P).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, cast, final

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.gradient_flow import stacked_forward
from lazyregime.regimes.base import AbstractRegime
from lazyregime.regimes.optimizers import SGD, Adam

OWN = ("lr",)  # what the members' recipes may differ in


@final
@dataclass(frozen=True)
class StepTaken:
    """What a step saw: outputs F and loss l(F, y), not divided by alpha^2, of each member."""

    outputs: Float[Tensor, "e n k"]
    losses: Float[Tensor, " e"]


@final
class Ensemble:
    """Members of one architecture and regime that are trained in step.

    Args:
        modules: Regimes at their initialization, with Adam or SGD.

    Raises:
        LazyRegimeError: If they differ in more than weights, alpha and learning rate.
    """

    def __init__(self, modules: Sequence[AbstractRegime]) -> None:
        first = modules[0]
        _check_alike(modules)
        self.modules, self.recipe = list(modules), cast(Adam | SGD, first.optimizer)
        self.shapes = [p.shape for p in first.network.parameters()]
        self._forward = stacked_forward(first.network)
        self._initial = torch.stack([_flat(m.network.parameters()) for m in modules])
        self.weights = torch.zeros_like(self._initial) if first.linearized else self._initial.clone()
        self.steps = 0
        like = self.weights
        self._alpha = like.new_tensor([m.alpha for m in modules])
        options = [self._options(module) for module in modules]
        self._lr, self._eps, self._decay = (torch.stack([o[i] for o in options]) for i in range(3))
        self._first, self._second, self._room = (torch.zeros_like(like) for _ in range(3))

    def step(
        self, x: Shaped[Tensor, "e n *d"], y: Int[Tensor, "e n"] | Shaped[Tensor, "e n k"], factor: float = 1.0
    ) -> StepTaken:
        """One step of every member on a batch of its own; `factor` is the schedule's, of the learning rates."""
        outputs, gradient, losses = self._gradient(x, y)
        self.steps += 1
        if isinstance(self.recipe, Adam):
            self._adam(gradient, factor)
        else:
            self._sgd(gradient, factor)
        return StepTaken(outputs, losses)

    def parameters_of(self, member: int) -> list[Tensor]:
        """What the member trains, in the order of its network's parameters."""
        return _parts(self.weights[member], self.shapes)

    def optimizer_state_of(self, member: int) -> list[Mapping[str, Any]]:
        """What the member's own optimizer would keep of each parameter."""
        first, second = (_parts(state[member], self.shapes) for state in (self._first, self._second))
        if isinstance(self.recipe, Adam):
            count = torch.tensor(float(self.steps))
            pairs = zip(first, second, strict=True)
            return [{"step": count.clone(), "exp_avg": a.clone(), "exp_avg_sq": b.clone()} for a, b in pairs]
        return [{"momentum_buffer": a.clone()} if self.recipe.momentum else {} for a in first]

    def _gradient(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        first = self.modules[0]
        x = self._forward.prepare(x, False)
        at = self._initial if first.linearized else self.weights
        leaves = [p.detach().requires_grad_() for p in _stacked(at, self.shapes)]
        with torch.enable_grad():
            base = self._forward(leaves, x, False)
        h = base.detach()
        if first.linearized:
            h = self._pushed(x, leaves)
        elif first.centred:
            with torch.no_grad():
                h = h - self._forward(_stacked(self._initial, self.shapes), x, False)
        scale = self._alpha[:, None, None]
        with torch.enable_grad():
            outputs = (scale * h).requires_grad_()
            losses = first.loss.per_sample(outputs.flatten(0, 1), y.flatten(0, 1)).view(len(outputs), -1).mean(1)
            (cotangent,) = torch.autograd.grad(losses.sum(), outputs)
        # of l / alpha^2 in h, where dF/dh = alpha
        pulled = torch.autograd.grad(base, leaves, cotangent / scale)
        return outputs.detach(), torch.cat([g.flatten(1) for g in pulled], 1), losses.detach()

    def _pushed(self, x: Tensor, leaves: list[Tensor]) -> Tensor:
        """J(w0) (w - w0)."""
        jvp = cast(Any, torch.func.jvp)
        points = tuple(p.detach() for p in leaves)
        return jvp(lambda *w: self._forward(list(w), x, False), points, tuple(_stacked(self.weights, self.shapes)))[1]

    def _adam(self, gradient: Tensor, factor: float) -> None:
        recipe = cast(Adam, self.recipe)
        if recipe.weight_decay is not None:
            self.weights.mul_(1 - self._lr * factor * self._decay)
        self._first.lerp_(gradient, 1 - recipe.beta1)
        self._second.mul_(recipe.beta2).addcmul_(gradient, gradient, value=1 - recipe.beta2)
        correction = (1 - recipe.beta2**self.steps) ** 0.5
        # in place, for each pass over all weights of all members goes to memory and back
        size = torch.sqrt(self._second, out=self._room).div_(correction).add_(self._eps)
        direction = torch.div(self._first, size, out=size)
        self.weights.addcmul_(self._lr, direction, value=-factor / (1 - recipe.beta1**self.steps))

    def _sgd(self, gradient: Tensor, factor: float) -> None:
        recipe = cast(SGD, self.recipe)
        if recipe.momentum:
            self._first.mul_(recipe.momentum).add_(gradient)
            gradient = gradient + recipe.momentum * self._first if recipe.nesterov else self._first
        self.weights.addcmul_(self._lr, gradient, value=-factor)

    def _options(self, module: AbstractRegime) -> tuple[Tensor, Tensor, Tensor]:
        """Learning rate, eps and decay of each weight, as the member's own optimizer has them by its groups."""
        optimizer = module.optimizer.build(module.scaled_parameters(), alpha=module.alpha)
        found: dict[int, dict[str, Any]] = {
            id(p): group for group in optimizer.param_groups for p in cast(list[Tensor], group["params"])
        }
        rows = []
        for key in ("lr", "eps", "weight_decay"):
            parts = [
                self.weights.new_full((p.numel(),), float(found[id(p)].get(key, 0.0)))
                for _, p, _ in module.scaled_parameters()
            ]
            rows.append(torch.cat(parts))
        return rows[0], rows[1], rows[2]


def _check_alike(modules: Sequence[AbstractRegime]) -> None:
    first = modules[0]
    for module in modules:
        kinds = [(type(m.optimizer), m.centred, m.linearized, m.loss, m.schedule) for m in (first, module)]
        shapes = [[p.shape for p in m.network.parameters()] for m in (first, module)]
        if kinds[0] != kinds[1] or shapes[0] != shapes[1] or not isinstance(module.optimizer, Adam | SGD):
            raise LazyRegimeError(
                "Networks are trained together where they differ in weights, alpha and learning rate alone, by Adam or "
                "SGD; these differ in their shapes, regime, loss, schedule or optimizer."
            )
        for field in fields(module.optimizer):
            if field.name not in OWN and getattr(module.optimizer, field.name) != getattr(first.optimizer, field.name):
                raise LazyRegimeError(f"Networks that are trained together have one optimizer.{field.name}.")


def _flat(parameters: Any) -> Tensor:
    return torch.cat([p.detach().flatten() for p in parameters])


def _parts(row: Tensor, shapes: Sequence[torch.Size]) -> list[Tensor]:
    return [part.view(shape) for part, shape in zip(row.split([s.numel() for s in shapes]), shapes, strict=True)]


def _stacked(rows: Tensor, shapes: Sequence[torch.Size]) -> list[Tensor]:
    parts = rows.split([s.numel() for s in shapes], dim=1)
    return [part.unflatten(1, shape) if len(shape) else part[:, 0] for part, shape in zip(parts, shapes, strict=True)]
