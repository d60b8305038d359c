"""The NTK probe: the kernel on the anchors, kernel regression on the test set, and how far all has moved from w0.

Two protocols (design, section 6; science 6.2). `adh`, the published formula: f*(x) = k(x, X) H^-1 Y with anchors that
are normalized as the test images are. `poster`, the survey's script: anchors as raw pixels 0..255, and the class of the
single anchor with the largest weight in k(x, X) H^-1.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from typing_extensions import override

from lazyregime.data import ClassificationData, as_inputs, first_per_class
from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import (
    KernelRegression,
    accuracy,
    centred_alignment,
    effective_rank,
    empirical_ntk,
    kernel_distance,
    relative_change,
    spectrum,
)
from lazyregime.lightning import pl
from lazyregime.measure.blocks import kernel_in_blocks, mean_over_processes
from lazyregime.measure.gates import signs, unchanged_fraction
from lazyregime.measure.recorder import Recorder
from lazyregime.measure.verdict import verdict
from lazyregime.networks import Linearized, frozen_copy
from lazyregime.regimes import AbstractRegime
from lazyregime.regimes.base import CHECK_EVERY

Progress = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
PROTOCOLS = ("adh", "poster")


@dataclass(frozen=True)
class Probed:
    """What one probe found: scalars by name without a suffix, and the kernels that they come from."""

    scalars: dict[str, float]
    grams: dict[str, Float[Tensor, "n n"]]  # by protocol


@final
class NTKProbe(pl.Callback):
    """Probes at initialization, after `at_epochs`, below `at_loss_fractions`, and when `measure` is called.

    Args:
        network: At w0; a frozen copy is kept to measure displacement against.
        data: Anchors come from its training set, test points are the first of its test set.
        recorder: Gets the scalars of probes in between into its rows, and does not count their time.
        progress: A context manager that shows how far a kernel has come.
        anchors_per_class: Training points of the regression, the first of each class.
        n_test: Test points; None for all.
        ridge: Added to the kernel, relative to its mean diagonal.
        at_epochs: Probe after these epochs.
        at_loss_fractions: Probe when the mean loss of 50 steps first falls below these fractions of the first one.
        memory_budget: Bytes for the kernel computation.
        block_rows: A kernel of more rows is computed in blocks of so many, in shares where there are several processes.
        blocks_dir: Where blocks are kept, so that a probe that was ended goes on with those that are missing.

    Raises:
        LazyRegimeError: If a setting is out of range, or the targets are no classes.
    """

    def __init__(
        self,
        network: nn.Module,
        data: ClassificationData,
        recorder: Recorder,
        progress: Progress,
        *,
        anchors_per_class: int = 30,
        n_test: int | None = None,
        ridge: float = 0.0,
        at_epochs: list[int] | None = None,
        at_loss_fractions: list[float] | None = None,
        memory_budget: int | None = None,
        block_rows: int = 2500,
        blocks_dir: Path | None = None,
    ) -> None:
        if n_test is not None and n_test < 1:
            raise LazyRegimeError(f"ntk.n_test={n_test} is not possible; it must be at least 1, or null for all.")
        if data.train_labels.is_floating_point():
            raise LazyRegimeError("The NTK probe needs classes, but the targets here are numbers; use ntk=none.")
        if data.is_multilabel:
            raise LazyRegimeError("The NTK probe needs one class a sample, and here are several labels; use ntk=none.")
        self.initial = frozen_copy(network)
        self.recorder, self.progress, self.ridge, self.memory_budget = recorder, progress, ridge, memory_budget
        self.block_rows, self.blocks_dir = block_rows, blocks_dir
        anchors = first_per_class(data.train_labels, anchors_per_class)
        self.anchor_labels = data.train_labels[anchors]
        normalized = data.train_inputs[anchors]
        self.anchors = {"adh": normalized, "poster": data.raw(normalized)}
        self.test_inputs, self.test_labels = data.test_inputs[:n_test], data.test_labels[:n_test]
        self.n_outputs = data.n_outputs
        self.at_epochs = set(at_epochs or [])
        self.fractions = sorted(at_loss_fractions or [], reverse=True)
        self.first_loss: float | None = None
        self._recent: list[Tensor] = []  # losses since the last look
        self.found: dict[str, Probed] = {}

    def measure(self, module: AbstractRegime, tag: str) -> Probed:
        """Probe the module as it is now, and remember it under `tag`."""
        was_training = module.training
        module.eval()
        self.found[tag] = self._probe(module, tag)
        module.train(was_training)
        return self.found[tag]

    def _probe(self, module: AbstractRegime, tag: str) -> Probed:
        grams = {p: self._kernel(module, x, f"kernel of the anchors, {p}, {tag}") for p, x in self.anchors.items()}
        first = self.found.get("init")
        if first is not None and all(torch.equal(grams[p], first.grams[p]) for p in PROTOCOLS):
            predictions = {k: v for k, v in first.scalars.items() if k.startswith(("kernel_acc", "cond", "jitter"))}
        else:
            predictions = self._regressions(module, grams, tag)
        gram = grams["adh"]
        scalars = predictions | {
            "kernel_alignment": float(centred_alignment(gram, self.anchor_labels)),
            "effective_rank": float(effective_rank(gram)),
        }
        if first is not None:
            scalars |= self._movement(module, gram, first.grams["adh"])
        return Probed(scalars, grams)

    def _regressions(self, module: AbstractRegime, grams: dict[str, Tensor], tag: str) -> dict[str, float]:
        both = torch.cat([self.anchors[p] for p in PROTOCOLS])  # so that the test points' side is computed once
        k_test = self._kernel(module, self.test_inputs, f"kernel of the test set, {tag}", both)
        scalars: dict[str, float] = {}
        for protocol, k in zip(PROTOCOLS, k_test.split(len(self.anchor_labels), dim=1), strict=True):
            regression = KernelRegression(
                relative_ridge=self.ridge, protocol=cast(Any, protocol), n_outputs=self.n_outputs
            ).fit_gram(grams[protocol], self.anchor_labels)
            scalars[f"kernel_accuracy_{protocol}"] = float(accuracy(regression.predict_gram(k), self.test_labels))
            scalars[f"condition_number_{protocol}"] = regression.report.condition_number
            scalars[f"jitter_{protocol}"] = regression.report.jitter
        return scalars

    def _kernel(self, module: AbstractRegime, x1: Tensor, title: str, x2: Tensor | None = None) -> Tensor:
        dtype, device = next(module.parameters()).dtype, module.device
        x1 = as_inputs(x1, device, dtype)
        x2 = None if x2 is None else as_inputs(x2, device, dtype)
        with self.progress(title) as update:
            if len(x1) > self.block_rows:
                return kernel_in_blocks(
                    module.trained, x1, x2, update, folder=self.blocks_dir, block_rows=self.block_rows,
                    memory_budget=self.memory_budget,
                ).cpu()  # fmt: skip
            return empirical_ntk(module.trained, x1, x2, memory_budget=self.memory_budget, progress=update).cpu()

    def _movement(self, module: AbstractRegime, gram: Tensor, gram0: Tensor) -> dict[str, float]:
        weights = displaced(module)
        initial = dict(self.initial.named_parameters())
        moved = {name: float((weights[name].cpu() - w0.cpu()).norm()) for name, w0 in initial.items()}
        size = {name: float(w0.norm()) for name, w0 in initial.items()}
        total = sum(v**2 for v in moved.values()) ** 0.5 / sum(v**2 for v in size.values()) ** 0.5
        scalars = {
            "kernel_change": float(relative_change(gram0, gram)),
            "kernel_distance": float(kernel_distance(gram0, gram)),
            "parameter_displacement": total,
            "relu_unchanged": self._unchanged_gates(weights),
        }
        return scalars | {
            f"parameter_displacement/{name}": moved[name] / size[name] for name in initial if size[name] > 0
        }

    def _unchanged_gates(self, weights: dict[str, Tensor]) -> float:
        x = as_inputs(self.anchors["adh"], None, next(self.initial.parameters()).dtype)
        with_weights = {name: w.to(x.device) for name, w in weights.items()}
        now = signs(self.initial, lambda: functional_call(self.initial, with_weights, (x,)))
        return unchanged_fraction(now, signs(self.initial, lambda: self.initial(x)))

    @override
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, AbstractRegime)
        if "init" not in self.found:
            self.measure(pl_module, "init")
        self.recorder.restart_clock()

    @override
    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if not self.fractions:
            return
        assert isinstance(pl_module, AbstractRegime)
        self._recent.append(outputs["loss"].detach())
        if trainer.global_step % CHECK_EVERY:
            return
        loss = float(mean_over_processes(torch.stack(self._recent)).mean()) * pl_module.alpha**2
        self._recent = []
        self.first_loss = loss if self.first_loss is None else self.first_loss
        while self.fractions and loss < self.fractions[0] * self.first_loss:
            self._probe_in_between(pl_module, f"loss_{self.fractions.pop(0):g}")

    @override
    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch + 1 in self.at_epochs:
            assert isinstance(pl_module, AbstractRegime)
            self._probe_in_between(pl_module, f"epoch_{trainer.current_epoch + 1}")

    def _probe_in_between(self, module: AbstractRegime, tag: str) -> None:
        self.recorder.stop_clock()
        self.recorder.extra |= self.measure(module, tag).scalars
        self.recorder.restart_clock()

    def result(self) -> dict[str, Any]:
        """The scalars of initialization and end under the names of a run's result, with the verdict."""
        first, last = self.found["init"].scalars, self.found["final"].scalars
        moved = {k: v for k, v in last.items() if k not in first}
        both = {f"{k}_{tag}": found[k] for tag, found in (("init", first), ("final", last)) for k in first}
        return both | moved | {"verdict": verdict(moved["kernel_change"], moved["kernel_distance"])}

    def tensors(self) -> dict[str, Tensor]:
        """Kernels and spectra of every probe, as a run keeps them."""
        kept: dict[str, Tensor] = {"anchor_labels": self.anchor_labels.cpu()}
        for tag, found in self.found.items():
            kept[f"gram_{tag}"] = found.grams["adh"].double().contiguous()
            kept[f"spectrum_{tag}"] = spectrum(found.grams["adh"]).double().contiguous()
        return kept

    @override
    def state_dict(self) -> dict[str, Any]:
        found = {tag: {"scalars": p.scalars, "grams": p.grams} for tag, p in self.found.items()}
        recent = mean_over_processes(torch.stack(self._recent)) if self._recent else None
        return {"found": found, "fractions": self.fractions, "first_loss": self.first_loss, "recent": recent}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.found = {tag: Probed(p["scalars"], p["grams"]) for tag, p in state_dict["found"].items()}
        self.fractions, self.first_loss = list(state_dict["fractions"]), state_dict["first_loss"]
        recent = state_dict.get("recent")
        self._recent = [] if recent is None else list(recent.unbind())


def displaced(module: AbstractRegime) -> dict[str, Tensor]:
    """The weights now, by the network's names: w, or w0 + delta of the tangent model."""
    if isinstance(module.function, Linearized):
        return module.function.displaced()
    return {name: p.detach() for name, p in module.network.named_parameters()}
