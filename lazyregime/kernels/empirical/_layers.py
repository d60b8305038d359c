"""What a model is made of, as far as its kernel is concerned, and how the gradients of its layers are recorded."""

from dataclasses import dataclass, field
from typing import final

import torch
from torch import Tensor, nn
from torch.func import functional_call

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._factors import Factor
from lazyregime.kernels.empirical._registry import LayerCall, RegisteredRule
from lazyregime.kernels.empirical._tape import Keep, Seen, below_readout, calls, flat_output, record


@final
@dataclass(frozen=True)
class Layer:
    """A layer that a rule serves."""

    name: str
    module: nn.Module
    registered: RegisteredRule
    trained: frozenset[str]
    jacobian: Tensor | None


@final
@dataclass
class Survey:
    """What the model is made of, as far as its kernel is concerned.

    Attributes:
        leaves: the model's parameters by name, detached, the counted ones requiring a gradient.
        layers: those with a rule.
        fallback: why, for each parameter that goes through torch.func.
        looped: why, for each parameter that goes through autograd one output at a time, as vmap refuses the model.
        plain: why, for each parameter that functional_call does not reach.
        unused: parameters on which the output does not depend.
    """

    model: nn.Module
    leaves: dict[str, Tensor]
    num_outputs: int
    layers: list[Layer] = field(default_factory=list[Layer])
    fallback: dict[str, str] = field(default_factory=dict[str, str])
    looped: dict[str, str] = field(default_factory=dict[str, str])
    plain: dict[str, str] = field(default_factory=dict[str, str])
    unused: list[str] = field(default_factory=list[str])
    samples: dict[str, list[Factor]] = field(default_factory=dict[str, list[Factor]])
    activation_bytes: int = 0
    channels_last: bool = False
    fast_leaves: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    trace: bool = False
    keep: Keep = field(default_factory=Keep)

    def forward(self, x: Tensor) -> Tensor:
        """The model's output (n, k)."""
        return flat_output(functional_call(self.model, self.leaves, (x,)), x.shape[0])

    def fast_forward(self, x: Tensor) -> Tensor:
        """The same in the memory layout that suits the layers best, for backward passes to activations only.

        Weight gradients are not taken in this layout: oneDNN's for a strided 1x1 kernel corrupts the heap (torch 2.13).
        """
        if not self.channels_last:
            return self.forward(x)
        # An explicit copy, since a tensor of one channel counts as being in both layouts.
        x = torch.empty_like(x, memory_format=torch.channels_last).copy_(x)
        return flat_output(functional_call(self.model, self.fast_leaves, (x,)), x.shape[0])

    def prepare_layout(self, x: Tensor) -> None:
        """Channels last for float32 on a CPU: oneDNN is about a third faster, and unfolding cheaper."""
        self.channels_last = (
            x.device.type == "cpu"
            and x.dtype == torch.float32
            and x.ndim == 4
            and any(isinstance(layer.module, nn.Conv2d) for layer in self.layers)
        )
        if self.channels_last:
            self.fast_leaves = {
                name: leaf.detach().contiguous(memory_format=torch.channels_last).requires_grad_(leaf.requires_grad)
                if leaf.ndim == 4
                else leaf
                for name, leaf in self.leaves.items()
            }

    def record(self, x: Tensor) -> list[LayerCall]:
        """Inputs and output gradients of every layer with a rule.

        Raises:
            LazyRegimeError: If a layer is not called once, as it was on the first samples.
        """
        y, seen = record(self.fast_forward, [layer.module for layer in self.layers], x)
        once: list[Seen] = []
        readout: int | None = None
        for index, layer in enumerate(self.layers):
            found = seen.get(layer.module, [])
            if len(found) != 1 or found[0].edge is None:
                raise LazyRegimeError(
                    f"layer {layer.name!r} was used {len(found)} times for these inputs but once for others, so "
                    "the model's path depends on its "
                    "data; compute its kernel with rules='none'."
                )
            once.append(found[0])
            readout = index if layer.jacobian is not None else readout
        trained = [layer.trained for layer in self.layers]
        channel_dims = [layer.registered.channel_dim for layer in self.layers]
        if readout is None:
            basis = torch.eye(self.num_outputs, dtype=y.dtype, device=y.device)
            return calls(y, once, trained, channel_dims, list(basis), channels_last=self.channels_last, keep=self.keep)
        # The gradients of the outputs by the readout's input are its weights: the backward passes start there.
        start, weights = once[readout].first, self.layers[readout].jacobian
        assert weights is not None
        if start is None or not start.requires_grad:
            return [
                LayerCall(call.inputs, None, names, self.num_outputs) for call, names in zip(once, trained, strict=True)
            ]
        skipped = {readout}
        below = below_readout(start, once) if self.trace and self.layers[readout].module in seen else None
        if below is not None and self.layers[below].registered.jacobian is not None:
            skipped.add(below)
        found_calls = calls(
            y, once, trained, channel_dims, list(weights), start, skipped, self.channels_last, self.keep
        )
        if below in skipped:
            # b_k = W_k d unit by unit, so that the sum over k is one product with d sqrt(sum_k W_k^2).
            assert below is not None
            scale = torch.linalg.vector_norm(weights, dim=0).expand(start.shape)
            (d,) = torch.autograd.grad(start, [once[below].edge], scale)  # pyright: ignore[reportArgumentType, reportCallIssue]
            found_calls[below] = LayerCall(once[below].inputs, d[:, None], trained[below], 1)
        return found_calls
