r"""Theta(x, X) c = J(x) (J(X)^T c): products with the empirical tangent kernel by a vjp and a jvp.

Written for the full kernel; the trace kernel has no such form, so its test rows are streamed through `empirical_ntk`.
"""

from dataclasses import dataclass, field, replace
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels._derivatives import Derivatives, Progress
from lazyregime.kernels._ways import Tangent
from lazyregime.kernels.empirical import empirical_ntk
from lazyregime.kernels.empirical._checks import check_inputs, check_model
from lazyregime.kernels.empirical._memory import default_budget
from lazyregime.kernels.kernel import AbstractKernel, apply_by_rows
from lazyregime.kernels.state import State, state_after, state_of
from lazyregime.networks import Linearized
from lazyregime.solve import rounding


@final
@dataclass(frozen=True)
class EmpiricalKernel(AbstractKernel):
    """The tangent kernel of a network at its present parameters; of a `Linearized` model, that of its network at w0.

    Attributes:
        model: Any module that `empirical_ntk` takes; only parameters with `requires_grad` count.
        outputs: "full", which couples outputs and predicts without the test kernel; or "trace".
        memory_budget: Bytes for temporaries; a fraction of what is free if not given.
        progress: Called with (done, in all): pairs of a kernel, samples of a prediction.

    Raises:
        LazyRegimeError: For a model that is random or depends on the batch, or unknown outputs.
    """

    model: nn.Module
    outputs: str = "full"
    memory_budget: int | None = None
    progress: Progress | None = None
    _known: dict[Any, Derivatives] = field(
        default_factory=dict[Any, Derivatives], init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        check_model(self.model)
        if self.outputs not in ("full", "trace"):
            raise LazyRegimeError(f"outputs={self.outputs!r} cannot be regressed on; choose full or trace.")

    def num_coupled(self, x: Tensor) -> int | None:  # noqa: D102
        return None if self.outputs == "trace" else self.derivatives(x).num_outputs

    def gram(self, x: Tensor) -> Tensor:
        """The kernel of x with itself; layers and chunks are added in float64, products stay in the model's dtype."""
        return self._ntk(x, None, accumulate=torch.float64)

    def state(self) -> State:
        """The network's weights, buffers, modes and settings."""
        return state_of(self._network()[0])

    def state_after(self, x: Tensor) -> State:
        """The same after a forward pass, of which nothing is left but this."""
        return state_after(self._network()[0], x)

    def gram_accuracy(self, x: Tensor) -> float:
        """The rounding of the model's dtype, in which the products are taken."""
        return max(rounding(p.dtype) for p in self._network()[0].parameters() if p.is_floating_point())

    def cross(self, x1: Tensor, x2: Tensor | None = None) -> Tensor:
        """The kernel itself, from `empirical_ntk`."""
        if x2 is not None and self.outputs == "trace" and len(x1) > len(x2):  # the engine keeps the factors of x1
            return self._ntk(x2, x1).T
        return self._ntk(x1, x2)

    def apply(self, x1: Tensor, x2: Tensor, coefficients: Tensor) -> Tensor:
        """Theta(x1, x2) c in float64; products are taken in the model's dtype."""
        if self.outputs == "trace":
            rows = max(1, self._budget(x1) // (16 * len(x2)))
            done = 0

            def cross(xs: Tensor, anchors: Tensor) -> Tensor:
                nonlocal done
                before, done = done, done + len(xs) * len(anchors)
                return replace(self, progress=_from(before, len(x1) * len(x2), self.progress)).cross(xs, anchors)

            return apply_by_rows(cross, x1, x2, coefficients, rows)
        return self.push(x1, self.pull(x2, coefficients))

    def pull(self, x: Tensor, coefficients: Float[Tensor, "n k"]) -> Tangent:
        """J(x)^T c: a direction in parameter space."""
        return self.derivatives(x).pull(x, coefficients)

    def push(self, x: Tensor, direction: Tangent) -> Float[Tensor, "n k"]:
        """J(x) direction, (n, k) in float64."""
        return self.derivatives(x).push(x, direction, self.progress)

    def derivatives(self, x: Tensor) -> Derivatives:
        """The products with the network's Jacobian, once it is known how to compute them for such samples.

        Raises:
            LazyRegimeError: For samples that the network cannot take.
        """
        network, everything = self._network()
        check_inputs(x, None, dict(network.named_parameters()))
        layers = tuple((id(module), module.training) for module in network.modules())
        weights = tuple((id(p), p.requires_grad, p._version) for p in network.parameters())
        key = (x.shape[1:], x.dtype, x.device, layers, weights)
        if key not in self._known:
            self._known.clear()
            self._known[key] = Derivatives(network, everything, x, self._budget(x))
        return self._known[key]

    def _ntk(self, x1: Tensor, x2: Tensor | None, accumulate: torch.dtype | None = None) -> Tensor:
        outputs: Any = self.outputs
        return empirical_ntk(
            self.model,
            x1,
            x2,
            outputs=outputs,
            memory_budget=self.memory_budget,
            progress=self.progress,
            accumulate=accumulate,
        )

    def _network(self) -> tuple[nn.Module, bool]:
        model = self.model
        return (model.network, True) if isinstance(model, Linearized) else (model, False)

    def _budget(self, x: Tensor) -> int:
        return self.memory_budget or default_budget(x.device)


def _from(before: int, total: int, progress: Progress | None) -> Progress | None:
    """The progress of a part of `total` pairs that begins after `before` of them."""
    return None if progress is None else lambda pairs, _: progress(before + pairs, total)
