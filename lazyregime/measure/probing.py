"""A probe that looks while Lightning trains: at w0, whenever its schedule says so, and when asked."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor, nn
from typing_extensions import override

from lazyregime.data import ClassificationData
from lazyregime.lightning import pl
from lazyregime.measure.blocks import mean_over_processes
from lazyregime.measure.kernel_maker import KernelMaker, Progress, in_silence
from lazyregime.measure.points import points_of
from lazyregime.measure.probe import Probe
from lazyregime.measure.recorder import Recorder
from lazyregime.measure.schedule import Schedule
from lazyregime.measure.seen import Seen, as_seen
from lazyregime.networks import Linearized, frozen_copy
from lazyregime.regimes import AbstractRegime
from lazyregime.regimes.base import CHECK_EVERY


@final
class NTKProbe(pl.Callback):
    """Lets a `Probe` look at initialization, at the moments of a schedule, and when asked.

    Args:
        network: At w0; a frozen copy is kept to measure movement against.
        data: Where the points come from.
        recorder: Gets the scalars of looks in between into its rows, and does not count their time.
        progress: A context manager that shows how far a kernel has come.
        anchors_per_class: Anchors of each class; of real targets, so many in all.
        n_test: Test points; None for all.
        n_held_out: Held-out points, the first test points; None for as many as there are anchors.
        ridge: Added to the kernel of the regression, relative to its mean diagonal.
        protocol: By which looks in between regress; None for all that there are.
        at: The arguments of a `Schedule`. Its loss is the mean of 50 steps.
        memory_budget: Bytes for the kernel computation.
        block_rows: A kernel of more rows is computed in blocks of so many, in shares where there are several processes.
        blocks_dir: Where blocks are kept, so that a probe that was ended goes on with those that are missing.
        per_layer: Whether to look at the kernel of each layer too, by passes of its own.

    Raises:
        LazyRegimeError: If there are not so many points.
    """

    def __init__(
        self,
        network: nn.Module,
        data: ClassificationData,
        recorder: Recorder,
        progress: Progress = in_silence,
        *,
        anchors_per_class: int = 30,
        n_test: int | None = None,
        n_held_out: int | None = None,
        ridge: float = 0.0,
        protocol: str | None = None,
        at: Mapping[str, Any] | None = None,
        memory_budget: int | None = None,
        block_rows: int = 2500,
        blocks_dir: Path | None = None,
        per_layer: bool | None = None,
    ) -> None:
        self.points = points_of(data, anchors_per_class=anchors_per_class, n_test=n_test, n_held_out=n_held_out)
        self.initial = frozen_copy(network)
        self.probe = Probe(
            self.points, as_seen(self.initial, self.points.anchors),
            KernelMaker(progress, memory_budget, block_rows, blocks_dir), ridge=ridge, headline=protocol,
            per_layer=bool(per_layer),
        )  # fmt: skip
        self.recorder = recorder
        self.schedule = Schedule(**(at or {}))
        self._recent: list[Tensor] = []  # losses since the last look at them

    def look(self, module: AbstractRegime, tag: str, epoch: float | None = None) -> dict[str, float]:
        """Let the probe look at the module as it is now, after so many epochs; what it found."""
        return self.probe.look(self._state(module), tag, epoch).rows

    def _state(self, module: AbstractRegime) -> Seen:
        return as_seen(
            self.initial, self.points.anchors, model=module.trained, weights=displaced(module),
            features_of=None if module.linearized else module.network, objective=module.objective,
        )  # fmt: skip

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, AbstractRegime)
        if "init" not in self.probe.found:
            self.look(pl_module, "init", 0.0)
        if not self.recorder.rows:  # it is about to write the first, which is w0's
            self.recorder.extra |= self.probe.found["init"].rows
        self.recorder.restart_clock()

    @override
    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, AbstractRegime)
        due = [*self.schedule.after_step(trainer.global_step)]
        if self.schedule.fractions:
            self._recent.append(outputs["loss"].detach())
            if trainer.global_step % CHECK_EVERY == 0:
                loss = float(mean_over_processes(torch.stack(self._recent)).mean()) * pl_module.alpha**2
                self._recent = []
                due += self.schedule.below(loss)
        part = (batch_idx + 1) / trainer.num_training_batches
        found = self._looks(pl_module, due, trainer.current_epoch + part)
        if trainer.is_last_batch:  # the epoch's row is about to be written
            self.recorder.extra |= found
        elif found:
            self.recorder.add_look(trainer, part, found)

    @override
    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, AbstractRegime)
        epoch = trainer.current_epoch + 1
        self.recorder.extra |= self._looks(pl_module, self.schedule.after_epoch(epoch), epoch)

    def _looks(self, module: AbstractRegime, due: Iterable[str], epoch: float) -> dict[str, float]:
        """What was found at a moment, under each tag that is due there."""
        self.recorder.stop_clock()
        found: dict[str, float] = {}
        for tag in due:
            found |= self.look(module, tag, epoch)
        self.recorder.restart_clock()
        return found

    @override
    def state_dict(self) -> dict[str, Any]:
        recent = mean_over_processes(torch.stack(self._recent)) if self._recent else None
        return self.probe.state_dict() | {"schedule": self.schedule.state_dict(), "recent": recent}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.probe.load_state_dict(state_dict)
        self.schedule.load_state_dict(state_dict["schedule"])
        recent = state_dict.get("recent")
        self._recent = [] if recent is None else list(recent.unbind())


def displaced(module: AbstractRegime) -> dict[str, Tensor]:
    """The weights now, by the network's names: w, or w0 + delta of the tangent model."""
    if isinstance(module.function, Linearized):
        return module.function.displaced()
    return {name: p.detach() for name, p in module.network.named_parameters()}
