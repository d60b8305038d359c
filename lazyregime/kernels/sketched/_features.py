"""Phi(x) (probes, q, q), linear in the gradients of x: forward once, backward, and each layer's gradients projected."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._factors import Factor, Lookup, Rows
from lazyregime.kernels.empirical._fallback import Fallback
from lazyregime.kernels.empirical._layers import Layer, Survey
from lazyregime.kernels.empirical._tape import calls
from lazyregime.kernels.sketched._project import mixed_rows, project, project_dense
from lazyregime.kernels.sketched._signs import BLOCK, Signs

_COPIES = 2 * BLOCK + 4  # of the activations: gradients of a block of outputs, the same mixed for a block of probes


@final
@dataclass(frozen=True)
class Sketcher:
    """What projects the gradients of a surveyed network."""

    found: Survey
    fallback: Fallback | None
    signs: Signs
    memory_budget: int

    def features(self, x: Tensor) -> Tensor:
        """(n, probes, q q) of all samples, a few at a time.

        Raises:
            LazyRegimeError: If the features, or one sample, do not fit the memory budget.
        """
        q = self.signs.size
        phi = self.signs.like.new_empty(len(x), self.signs.num_probes, q * q)
        chunk = self._chunk()
        for start in range(0, len(x), chunk):
            part = self._chunk_features(x[start : start + chunk])
            phi[start : start + chunk] = part.flatten(2)
        return phi

    def _chunk(self) -> int:
        size, k = self.signs.like.itemsize, self.found.num_outputs
        numbers = sum(p.numel() for p in self._rest().values())
        dense = size * numbers * (2 * k + BLOCK)
        a_sample = _COPIES * self.found.activation_bytes + dense
        if dense > self.memory_budget:
            raise LazyRegimeError(
                f"{numbers:,} parameters have no rule, and their gradients of {k} outputs take {dense / 2**20:.0f} MiB "
                f"a sample, more than memory_budget={self.memory_budget / 2**20:.0f} MiB; `explain` lists them: "
                "register rules for their layers, or name others by params."
            )
        return max(1, self.memory_budget // max(1, a_sample))

    def _rest(self) -> dict[str, Tensor]:
        """The parameters without a rule, in the order of the fallback's columns."""
        names = [*self.found.fallback, *self.found.looped]
        return {name: self.found.loan.parameters[name] for name in names}

    def _chunk_features(self, x: Tensor) -> Tensor:
        signs, q = self.signs, self.signs.size
        phi = signs.like.new_zeros(len(x), signs.num_probes, q, q)
        z = signs.outputs(self.found.num_outputs)
        if self.found.layers:
            self._add_layers(phi, x, z)
        if self.fallback is not None:
            self._add_rest(phi, x, z)
        return phi

    def _add_layers(self, phi: Tensor, x: Tensor, z: Tensor) -> None:
        found = self.found
        alone = len(x) == 1 and not found.same_alone and any(layer.operations for layer in found.layers)
        n, x = len(x), torch.cat([x, x]) if alone else x  # as `Survey.record` does it
        try:
            seen = found.run(x)
            once = found.seen(seen)
            flat = [layer for layer in found.layers for _ in range(layer.num_calls)]
            trained, dims = [layer.trained for layer in flat], [layer.registered.channel_dim for layer in flat]
            for cotangents, blocks, mix in self._passes(z):
                rows = list(cotangents.to(seen.y))
                made = iter(calls(seen.y, once, trained, dims, rows, channels_last=found.channels_last))
                for index, layer in enumerate(found.layers):
                    own = [next(made) for _ in range(layer.num_calls)]
                    for number, factor in enumerate(layer.factors(own)):
                        part, height = (index, number), self._table_rows(layer, factor)
                        for block in blocks:
                            mixed = None if mix is None else mix[block]
                            phi[:, block] += project(factor, self.signs, block, part, height, mixed)[:n]
        finally:
            found.loan.restore()

    def _table_rows(self, layer: Layer, factor: Factor) -> int:
        """How many rows the parameter has that a lookup is in."""
        if not isinstance(factor, Lookup):
            return 0
        sizes = [self.found.loan.parameters[name].numel() for name in layer.parameters.values()]
        return max(sizes) // factor.b.shape[-1]

    def _passes(self, z: Tensor) -> Iterator[tuple[Tensor, list[slice], Tensor | None]]:
        """What is differentiated together, for which probes, and how these mix it: each output, or each mixture."""
        blocks, (num_probes, k) = self.signs.blocks(), z.shape
        if k > num_probes:
            yield from ((z[block], [block], None) for block in blocks)
            return
        basis = torch.eye(k, dtype=z.dtype, device=z.device)
        yield from ((basis[i : i + BLOCK], blocks, z[:, i : i + BLOCK]) for i in range(0, k, BLOCK))

    def _add_rest(self, phi: Tensor, x: Tensor, z: Tensor) -> None:
        assert self.fallback is not None
        jacobian = torch.cat(self.fallback.gradients(x).pieces, 2)
        last = len(self.found.layers)
        for block in self.signs.blocks():
            g = mixed_rows(Rows(jacobian), z[block], self.signs)
            start = 0
            for number, p in enumerate(self._rest().values()):
                rows = p.shape[0] if p.ndim > 1 else p.numel()
                own = g[..., start : start + p.numel()].reshape(len(g), len(x), rows, p.numel() // max(1, rows))
                start += p.numel()
                phi[:, block] += project_dense(own, self.signs, block, (last, number))
