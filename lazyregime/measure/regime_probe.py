"""Lazy or rich, in anybody's training loop: a probe before it, a verdict after it, curves in between if wanted.

`probe = RegimeProbe(network, x, y)` before any training of `network`, by whatever loop or Trainer;
`print(probe.verdict().sentence)` after it; `probe.step()` wherever curves should have a point.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, final

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError, is_out_of_memory, out_of_memory
from lazyregime.measure.evidence import evidence_of
from lazyregime.measure.kernel_maker import KernelMaker
from lazyregime.measure.null import NUM_DRAWS
from lazyregime.measure.points import Points
from lazyregime.measure.probe import Probe
from lazyregime.measure.seen import Seen, as_seen
from lazyregime.measure.verdict import Verdict, judge
from lazyregime.networks import frozen_copy
from lazyregime.regimes.losses import MSE, CrossEntropy

if TYPE_CHECKING:
    from lazyregime.lightning import pl


@final
class RegimeProbe:
    """Looks at a network as it is now, at w0, and whenever it is asked after that.

    The network is trained in place by others, who need to know nothing of this. Every second point is an anchor, on
    which the kernel is compared and regression fitted; the others are predicted, and the centred kernel is compared
    there. A look costs the tangent kernel of all points: use a few hundred.

    Args:
        network: A module from inputs (n, ...) to outputs (n, k); nothing is changed in it.
        x: Points, best such as are not trained on.
        y: Their class numbers (n,), or real targets (n,) or (n, k).
        draw: Makes a network like this one, newly initialized: `lambda: Net(...)`. Then the turn of the kernel stands
            beside that of two initializations; without it the verdict takes those of a narrow network.
        loss: From outputs and labels to what is minimized, for the sharpness; None for the cross entropy of class
            numbers, and half the mean square of real targets.
        memory_budget: Bytes for each kernel; None for a part of what is free.

    Raises:
        LazyRegimeError: If points and labels do not fit together.
    """

    def __init__(
        self,
        network: nn.Module,
        x: Shaped[Tensor, "n *d"],
        y: Shaped[Tensor, "m *k"],
        *,
        draw: Callable[[], nn.Module] | None = None,
        loss: Callable[[Tensor, Tensor], Tensor] | None = None,
        memory_budget: int | None = None,
    ) -> None:
        self.network, self.draw, self.memory_budget = network, draw, memory_budget
        points = _halves(x, y)
        self.loss = loss or (CrossEntropy() if points.num_classes else MSE())
        initial = frozen_copy(network).eval()
        self.probe = Probe(points, as_seen(initial, points.anchors), KernelMaker(memory_budget=memory_budget))
        self.curves: list[dict[str, float]] = []
        self._look("init")
        if "init" not in self.probe.found or not self.probe.found["init"].grams:
            raise LazyRegimeError(" ".join(self.probe.warnings))

    def step(self) -> dict[str, float]:
        """Look now: every measure by name, also appended to `curves`."""
        self.curves.append(self._look(f"step_{len(self.curves) + 1}"))
        return self.curves[-1]

    def result(self) -> dict[str, Any]:
        """Look now: every measure at w0 (`NAME_init`) and now (`NAME_final`), what moved, and the verdict's word."""
        self._look("final")
        null = None
        if self.draw is not None:
            make = self.draw
            null = self.probe.null(lambda seed: make(), num_draws=NUM_DRAWS, memory_budget=self.memory_budget)
        return self.probe.result(null)

    def verdict(self) -> Verdict:
        """Look now: the word, and the sentence that says what was seen."""
        return judge(evidence_of(self.result()))

    @property
    def warnings(self) -> list[str]:
        """What could not be measured, and why."""
        return self.probe.warnings

    def callback(self) -> "pl.Callback":
        """For a Lightning Trainer: a step after each epoch."""
        from lazyregime.lightning import pl  # which takes seconds to import

        probe = self

        class Steps(pl.Callback):
            def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
                probe.step()

        return Steps()

    def _look(self, tag: str) -> dict[str, float]:
        try:
            return self.probe.look(self._now(), tag, len(self.curves) + (tag != "init")).rows
        except Exception as error:  # the training around it is not ours to end
            if not is_out_of_memory(error):
                raise
            self.warnings.append(f"Nothing could be measured at {tag}: {out_of_memory(error) or error}")
            return {}

    def _now(self) -> Seen:
        assert self.probe.points is not None
        return as_seen(
            self.network, self.probe.points.anchors, features_of=self.network,
            objective=lambda outputs, initial, labels: self.loss(outputs, labels),
        )  # fmt: skip


def _halves(x: Tensor, y: Tensor) -> Points:
    """Every second point an anchor, of each class as many as there are."""
    if len(x) != len(y) or len(x) < 4:
        raise LazyRegimeError(f"A probe needs as many labels as points, and at least 4; it got {len(x)} and {len(y)}.")
    is_real = y.is_floating_point()
    if not is_real and y.ndim != 1:
        raise LazyRegimeError(
            f"y holds class numbers of shape {tuple(y.shape)}; give one number a point, or real targets of any width."
        )
    labels = y.detach().reshape(len(y), -1) if is_real else y.detach().long()
    if not is_real and int(labels.min()) < 0:
        raise LazyRegimeError(f"y holds class numbers from {int(labels.min())}; they are counted from 0.")
    order = torch.arange(len(x)) if is_real else torch.argsort(labels.cpu(), stable=True)
    anchors, others = order[::2].sort().values, order[1::2].sort().values
    return Points(
        anchors=x.detach()[anchors],
        anchor_labels=labels[anchors],
        raw_anchors=None,
        test_inputs=x.detach()[others],
        test_labels=labels[others],
        num_held_out=len(others),
        num_classes=None if is_real else max(2, int(labels.max()) + 1),
    )
