r"""Theta(x, X) c = J(x) (J(X)^T c): products with the empirical tangent kernel by a vjp and a jvp.

Written for the full kernel; the trace kernel has no such form, so its test rows are streamed through `empirical_ntk`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical import empirical_ntk
from lazyregime.kernels.empirical._checks import check_model
from lazyregime.kernels.empirical._engine import Progress
from lazyregime.kernels.empirical._memory import default_budget
from lazyregime.kernels.kernel import AbstractKernel, apply_by_rows
from lazyregime.kernels.state import State, state_of
from lazyregime.networks import Linearized
from lazyregime.solve import rounding

Tangent = dict[str, Tensor]
_jvp = cast(Callable[..., tuple[Tensor, Tensor]], torch.func.jvp)
_vjp = cast(Callable[..., tuple[Tensor, Callable[[Tensor], tuple[Tangent]]]], torch.func.vjp)

_CHUNK_BYTES = 32 << 20  # of activations: measured on two cores, larger chunks leave the cache
_COPIES = 4  # of the activations in a jvp or vjp: primal, tangent and what is on its way


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

    def __post_init__(self) -> None:
        check_model(self.model)
        if self.outputs not in ("full", "trace"):
            raise LazyRegimeError(f"outputs={self.outputs!r} cannot be regressed on; choose full or trace.")

    def num_coupled(self, x: Tensor) -> int | None:  # noqa: D102
        if self.outputs == "trace":
            return None
        with torch.no_grad():
            return self._function(x[:1])(self._parameters()).shape[1]

    def gram(self, x: Tensor) -> Tensor:
        """The kernel of x with itself; layers and chunks are added in float64, products stay in the model's dtype."""
        return self._ntk(x, None, accumulate=torch.float64)

    def state(self) -> State:
        """The network's weights, buffers, modes and settings."""
        return state_of(self._network()[0])

    def gram_accuracy(self, x: Tensor) -> float:
        """The rounding of the model's dtype, in which the products are taken."""
        return rounding(next(iter(self._parameters().values())).dtype)

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
        w = self._parameters()
        total = {name: torch.zeros_like(p) for name, p in w.items()}
        for xs, cs in zip(*(t.split(self._chunk(x)) for t in (x, coefficients)), strict=True):
            _, pullback = _vjp(self._function(xs), w)
            for name, gradient in pullback(cs.to(next(iter(w.values()))))[0].items():
                total[name] += gradient.detach()
        return total

    def push(self, x: Tensor, direction: Tangent) -> Float[Tensor, "n k"]:
        """J(x) direction, (n, k) in float64."""
        w = self._parameters()
        parts: list[Tensor] = []
        with torch.no_grad():
            for xs in x.split(self._chunk(x)):
                parts.append(_jvp(self._function(xs), (w,), (direction,))[1])
                if self.progress is not None:
                    self.progress(sum(map(len, parts)), len(x))
        return torch.cat(parts).double()

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

    def _parameters(self) -> Tangent:
        network, everything = self._network()
        return {n: p.detach() for n, p in network.named_parameters() if everything or p.requires_grad}

    def _function(self, x: Tensor) -> Callable[[Tangent], Tensor]:
        network, _ = self._network()
        return lambda w: cast(Tensor, functional_call(network, w, (x,)))

    def _budget(self, x: Tensor) -> int:
        return self.memory_budget or default_budget(x.device)

    def _chunk(self, x: Tensor) -> int:
        network, _ = self._network()
        return max(1, min(self._budget(x), _CHUNK_BYTES * _COPIES) // (_COPIES * activation_bytes(network, x[:1])))


def _from(before: int, total: int, progress: Progress | None) -> Progress | None:
    """The progress of a part of `total` pairs that begins after `before` of them."""
    return None if progress is None else lambda pairs, _: progress(before + pairs, total)


def activation_bytes(network: nn.Module, sample: Tensor) -> int:
    """Bytes of what the modules without children give out on one sample."""
    sizes: list[int] = []

    def record(_module: nn.Module, _inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            sizes.append(output.numel() * output.element_size())

    handles = [m.register_forward_hook(record) for m in network.modules() if not list(m.children())]
    try:
        with torch.no_grad():
            network(sample)
    finally:
        for handle in handles:
            handle.remove()
    return max(1, sum(sizes))
