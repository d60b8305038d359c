"""The network as a function of its weights, on the anchors: outputs, features of the last layer, and the tangent model.

Legend: n points, k outputs, h features, d what a layer is given.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.func import functional_call, jvp

from lazyregime.data import as_inputs
from lazyregime.networks.plain_attention import plain_attention

Weights = Mapping[str, Tensor]
MOST_OUTPUTS = 100  # each costs a backward pass where gradients of layers are asked for


@final
@dataclass(frozen=True, eq=False)
class Function:
    """f(x; w) for any w, as it is at one moment.

    Args:
        network: Gives the structure and the buffers; its own weights do not count.
        x: The points.
    """

    network: nn.Module
    x: Shaped[Tensor, "n *d"]
    _run: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)  # by the mapping of weights, while it lives

    @staticmethod
    def of(network: nn.Module | None, x: Shaped[Tensor, "n *d"]) -> "Function | None":
        """None where there is no network, or it has no layer whose inputs could be called features."""
        return Function(network, x) if network is not None and _layers(network) else None

    def outputs(self, weights: Weights) -> Float[Tensor, "n k"]:
        """f(x; w)."""
        return self._once(weights)[0]

    def features(self, weights: Weights) -> Float[Tensor, "n h"]:
        """What the last layer with weights is given, flattened."""
        return self._once(weights)[1]

    @torch.no_grad()
    def tangent(self, at: Weights, to: Weights) -> Float[Tensor, "n k"]:
        """f(x; w0) + J(x; w0) (w - w0), with w0 `at` and w `to`."""
        w0, w = self._here(at), self._here(to)
        with plain_attention():
            pushed: tuple[Tensor, ...] = jvp(self._at, (w0,), ({name: w[name] - w0[name] for name in w0},))
        return (pushed[0] + pushed[1]).reshape(len(self.x), -1)

    @torch.enable_grad()
    def curvature(
        self, weights: Weights, loss: Callable[[Float[Tensor, "n k"]], Float[Tensor, ""]]
    ) -> tuple[Callable[[Tensor], Tensor], int]:
        """The product v -> H v with the Hessian H of loss(f(x; w)) by all weights, and how many they are."""
        w = {name: value.requires_grad_() for name, value in self._here(weights).items()}
        leaves = list(w.values())
        with plain_attention():
            value = loss(self._at(w).reshape(len(self.x), -1))
            slopes = torch.autograd.grad(value, leaves, create_graph=True, materialize_grads=True)
        flat = torch.cat([g.flatten() for g in slopes])

        def product(v: Tensor) -> Tensor:
            found = torch.autograd.grad(flat @ v.to(flat.dtype), leaves, retain_graph=True, materialize_grads=True)
            return torch.cat([h.flatten() for h in found]).to(v.dtype)

        return product, len(flat)

    @torch.enable_grad()
    def layer_gradients(self, weights: Weights) -> dict[str, tuple[Float[Tensor, "o d"], Float[Tensor, "n k d"]]]:
        """W and df_k / da of each linear layer but the last weighted one, where a layer is given vectors a (n, d)."""
        names = {id(layer): name for name, layer in self.network.named_modules()}
        w = {name: value.requires_grad_() for name, value in self._here(weights).items()}
        outputs, given = self._recorded(w)
        f = outputs.reshape(len(self.x), -1)
        linear = [(m, a) for m, a in given[:-1] if isinstance(m, nn.Linear) and a.ndim == 2 and a.requires_grad]
        if not linear or f.shape[1] > MOST_OUTPUTS:
            return {}
        asked = [a for _, a in linear]
        rows = [torch.autograd.grad(f[:, k].sum(), asked, retain_graph=True) for k in range(f.shape[1])]
        g = [torch.stack(each, dim=1) for each in zip(*rows, strict=True)]
        return {
            names[id(m)]: (w[f"{names[id(m)]}.weight"].detach(), each) for (m, _), each in zip(linear, g, strict=True)
        }

    def _once(self, weights: Weights) -> tuple[Tensor, Tensor]:
        if id(weights) not in self._run:
            with torch.no_grad():
                outputs, given = self._recorded(self._here(weights))
            n = len(self.x)
            self._run[id(weights)] = outputs.reshape(n, -1), given[-1][1].detach().reshape(n, -1)
        return self._run[id(weights)]

    def _recorded(self, weights: dict[str, Tensor]) -> tuple[Tensor, list[tuple[nn.Module, Tensor]]]:
        """f, and what each layer with weights was given, in the order of their use."""
        given: list[tuple[nn.Module, Tensor]] = []
        handles = [
            m.register_forward_pre_hook(lambda m, inputs: given.append((m, inputs[0]))) for m in _layers(self.network)
        ]
        try:
            return self._at(weights), given
        finally:
            for handle in handles:
                handle.remove()

    def _at(self, weights: dict[str, Tensor]) -> Any:
        own = next(iter(weights.values()))
        x = as_inputs(self.x, own.device, own.dtype)
        if own.requires_grad and x.is_floating_point():
            x = x.detach().requires_grad_()
        return functional_call(self.network, weights, (x,))

    def _here(self, weights: Weights) -> dict[str, Tensor]:
        own = next(self.network.parameters())
        return {name: w.detach().to(own.device) for name, w in weights.items()}


def _layers(network: nn.Module) -> list[nn.Module]:
    """Those whose inputs are features of some depth."""
    return [m for m in network.modules() if isinstance(m, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d)]
