"""How well a flow fits at log-spaced times, on training and test set, with its gates frozen too [GSJW20; COB19]."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.data import ClassificationData
from lazyregime.gradient_flow import Snapshot, margins
from lazyregime.measure.gates import gates_of, has_gates, with_frozen_gates
from lazyregime.measure.seen import Seen
from lazyregime.networks import Linearized
from lazyregime.regimes import AbstractRegime
from lazyregime.regimes.losses import Labels, num_correct

Row = dict[str, float]
GATE_POINTS = 500  # of the test set, on which gates are compared with those at w0


@final
class FlowMeasures:
    """Measures one run; `module` takes the weights of the moment.

    Args:
        module: The regime at w0.
        data: On the device of the module.
        margin: Points with a margin below it are counted.
        test_kernel: K(test, train) of a dual flow, whose parameters are then the dual coefficients.
    """

    def __init__(
        self,
        module: AbstractRegime,
        data: ClassificationData,
        *,
        margin: float = 1.0,
        test_kernel: Float[Tensor, "m n"] | None = None,
    ) -> None:
        self.module, self.data, self.margin, self.test_kernel = module, data, margin, test_kernel
        self.gates = self._gates() if has_gates(module.network) and not module.linearized else None
        self.initial = replace(self.state(), weights=self._weights(copied=True), gates=self._first_gates())
        self.test_outputs: Tensor | None = None  # F at the latest look

    @torch.no_grad()
    def row(self, snapshot: Snapshot) -> Row:
        """All scalars at one moment."""
        self._take(snapshot.params)
        train = self.module.alpha * snapshot.outputs
        test = self._test_outputs(snapshot.params)
        self.test_outputs = test
        row: Row = {"time": snapshot.time, "dt": snapshot.dt, "step": snapshot.steps, "attempts": snapshot.attempts}
        row["max_output"] = float(train.abs().max())
        row |= self._fit("train", train, self.data.train_labels) | self._fit("test", test, self.data.test_labels)
        return row | self._frozen_gates()

    def state(self) -> Seen:
        """The module at the latest look, for a probe."""
        network, points = self.module.network, self.data.test_inputs[:GATE_POINTS]
        gates = None if self.gates is None else lambda: gates_of(network, lambda: network(points))
        tangent = self.module.linearized or self.test_kernel is not None
        shown = None if tangent else network
        return Seen(self.module.trained, self._weights(), gates, shown, self.module.objective)

    def _take(self, params: Sequence[Tensor]) -> None:
        if self.test_kernel is None:
            function = self.module.function
            targets = function.delta if isinstance(function, Linearized) else self.module.network.parameters()
            for parameter, value in zip(targets, params, strict=True):
                parameter.copy_(value)

    def _test_outputs(self, params: Sequence[Tensor]) -> Float[Tensor, "m k"]:
        if self.test_kernel is not None:
            return self.module.alpha * (self.test_kernel @ params[0])
        return torch.cat([self.module(x) for x in self.data.test_inputs.split(2000)])

    def _fit(self, split: str, outputs: Tensor, labels: Labels) -> Row:
        row = {f"{split}_loss": float(self.module.loss(outputs, labels))}
        if labels.is_floating_point():
            return row
        row[f"{split}_accuracy"] = float(num_correct(outputs, labels)) / len(labels)
        row[f"{split}_unfitted"] = float((margins(outputs, labels) <= self.margin).sum())
        return row

    def _weights(self, *, copied: bool = False) -> dict[str, Tensor] | None:
        if self.test_kernel is not None:
            return None
        if isinstance(self.module.function, Linearized):
            return self.module.function.displaced()
        parameters = self.module.network.named_parameters()
        return {name: p.detach().clone() if copied else p.detach() for name, p in parameters}

    def _gates(self) -> list[Tensor]:
        x = self.data.test_inputs
        return gates_of(self.module.network, lambda: self.module.network(x))

    def _first_gates(self) -> Callable[[], list[Tensor]] | None:
        if self.gates is None:
            return None
        before = [gate[:GATE_POINTS] for gate in self.gates]
        return lambda: before

    def _frozen_gates(self) -> Row:
        if self.gates is None or self.data.is_regression:
            return {}
        frozen = with_frozen_gates(self.module.network, self.gates, self.data.test_inputs)
        if self._f0 is not None:
            frozen = frozen - self._f0
        correct = num_correct(self.module.alpha * frozen, self.data.test_labels)
        return {"frozen_gates_test_accuracy": float(correct) / len(frozen)}

    @property
    def _f0(self) -> Tensor | None:
        initial = getattr(self.module.function, "initial", None)
        return None if initial is None else initial(self.data.test_inputs)


def half_loss_time(rows: Sequence[Row]) -> float | None:
    """When the training loss first is half of what it was, interpolated in log t between two looks; None if never."""
    for before, after in itertools.pairwise(rows):
        half = rows[0]["train_loss"] / 2
        if after["train_loss"] <= half:
            if before["time"] <= 0:
                return after["time"]
            part = (before["train_loss"] - half) / (before["train_loss"] - after["train_loss"])
            return before["time"] * (after["time"] / before["time"]) ** part
    return None
