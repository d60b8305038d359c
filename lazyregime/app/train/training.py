"""One run from its configuration to its result: data, network, regime, callbacks, Trainer, probe."""

import math
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

import torch
from safetensors.torch import save

from lazyregime.app.command import AbstractWork
from lazyregime.app.compose.build import build_network, build_regime, load_data, torch_dtype
from lazyregime.app.compose.config import ConfigDict
from lazyregime.app.compose.devices import trainer_options
from lazyregime.app.console import Console
from lazyregime.app.facts import seeds, which
from lazyregime.app.train.facts import of_classes, trained
from lazyregime.app.train.nulls import null_for
from lazyregime.app.train.progress import TrainingProgress
from lazyregime.app.train.soundness import doubts, looked_at_the_end
from lazyregime.atomic import atomic_write
from lazyregime.data import Batches, ClassificationData
from lazyregime.errors import LazyRegimeError
from lazyregime.lightning import pl
from lazyregime.measure.checkpoints import LastCheckpoint
from lazyregime.measure.divergence import Divergence
from lazyregime.measure.frozen_gates import frozen_gates_accuracy
from lazyregime.measure.improvement import Improvement
from lazyregime.measure.probing import NTKProbe
from lazyregime.measure.recorder import Recorder, Row
from lazyregime.regimes import AbstractRegime, evaluate, weighted
from lazyregime.runs.clock import Clock
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.kinds import TrainResult
from lazyregime.runs.tables import write_rows
from lazyregime.tracking.tracking import Tracking


@final
class Training(AbstractWork):
    """One training run; `run` does it all, and leaves the step it reached in `step`, also where it fails."""

    def __init__(self, config: ConfigDict, folder: RunFolder, console: Console, tracking: Tracking) -> None:
        self.config, self.folder, self.console, self.tracking = config, folder, console, tracking
        self.clock = Clock(("pytorch-lightning",))
        with console.progress(f"Loading {config['data']['name']}"):
            data = load_data(config)
        self.network = build_network(config)
        self.num_params = sum(p.numel() for p in self.network.parameters())
        self.recorder = Recorder(data, self._write_rows)
        self.probing = self._probing(data)
        self.improvement = self._improvement()
        self.divergence = self._divergence()
        self.module = build_regime(config, self.network)
        self.module.loss = weighted(self.module.loss, data.class_weights, data.train_labels)
        self.trainer = self._trainer()
        self.device = self.trainer.strategy.root_device
        self.data = self.recorder.data = data.to(self.device, torch_dtype(config))

    @property
    def step(self) -> int:
        """Optimizer steps taken."""
        return self.trainer.global_step

    def opening(self) -> str:  # noqa: D102
        return f"{formula(self.module)}; {self.num_params:,} parameters on {self.device}"

    def run(self) -> TrainResult:
        """Train, or go on from the last checkpoint, and measure."""
        trainer, config = self.config["trainer"], self.config
        torch.manual_seed(config["batch_seed"])
        batches = Batches(
            self.data.train_inputs, self.data.train_labels,
            batch_size=trainer["batch_size"], seed=config["batch_seed"], limit=trainer["limit_batches"],
            share=(self.trainer.global_rank, self.trainer.world_size),
        )  # fmt: skip
        resume = self._where_to_go_on()
        self.trainer.fit(self.module, train_dataloaders=batches, ckpt_path=resume, weights_only=True)
        self._write_rows(self.recorder.rows)  # a run that had been trained to its end has written none
        if self.improvement is not None and self.improvement.kept is not None:
            self.trainer.strategy.barrier()  # the first process has written them
            self.improvement.restore_best(self.module)
        self.module.to(self.device).eval()
        since = time.perf_counter()
        measured: dict[str, Any] = {}
        if self.probing is not None and not self._has_diverged():  # of which no kernel tells anything
            measured = self._measured(self.probing) | self._behind_frozen_gates()
            self._add_to_last_row(self.probing)
            if self.trainer.is_global_zero:
                atomic_write(self.folder.kernels, save(self.probing.probe.tensors()))
                shutil.rmtree(self.folder.blocks, ignore_errors=True)
        seconds_probe = time.perf_counter() - since
        self._check_kept()
        return self._result(measured, seconds_probe)

    def _measured(self, probing: NTKProbe) -> dict[str, Any]:
        """What the probe finds."""
        rows = self.recorder.rows
        epochs = None if self._has_kept_another() or not rows else float(rows[-1]["epoch"])
        if not looked_at_the_end(lambda: probing.look(self.module, "final", epochs), probing.probe.warnings):
            return {}
        return probing.probe.result(null_for(self.config, probing.probe, self.device, self.console))

    def _has_kept_another(self) -> bool:
        """Whether the weights are not those after the last epoch."""
        return self.improvement is not None and self.improvement.kept is not None

    def _add_to_last_row(self, probing: NTKProbe) -> None:
        """What the probe found at the end, where the weights are still those after the last epoch."""
        if not self._has_kept_another() and self.recorder.rows and "final" in probing.probe.found:
            self.recorder.rows[-1] |= probing.probe.found["final"].rows
            self._write_rows(self.recorder.rows)

    def _where_to_go_on(self) -> Path | None:
        """The checkpoint to resume from; None to begin."""
        checkpoints = self.folder.kept
        last = checkpoints.newest(self.console.warn)
        if last is None:
            return None
        if self.improvement is not None and self.improvement.has_lost_the_best():
            self.console.warn(f"{checkpoints.best} is damaged or gone, and nothing else has them: training anew.")
            shutil.rmtree(checkpoints.folder)
            return None
        self.console.say(f"Resuming from {last}")
        return last

    def _check_kept(self) -> None:
        """The weights of a result are kept beside it."""
        kept, has_best = self.folder.kept, self.improvement is not None and self.improvement.kept is not None
        lost = [path for path in (kept.last, *([kept.best] if has_best else [])) if not path.is_file()]
        if self.step and lost and self.trainer.is_global_zero:
            raise LazyRegimeError(f"{lost[0]} was taken away while the run was at work; give the same command again.")

    def _result(self, measured: Mapping[str, Any], seconds_probe: float) -> TrainResult:
        best = self.improvement if self.improvement is not None and self.improvement.kept is not None else None
        return TrainResult(
            which=which(self.config, self.folder, "train"),
            seeds=seeds(self.config),
            trained=trained(self.config, module=self.module, n_train=len(self.data.train_labels)),
            epochs=self.trainer.current_epoch,
            steps=self.step,
            selected_on=None if best is None else best.monitor.rpartition("_")[0],
            selected_epoch=None if best is None else best.best_epoch,
            diverged_at=None if self.divergence is None else self.divergence.step,
            measures={
                **of_classes(self._accuracies()),
                "protocol": self.config["ntk"]["protocol"],
                **measured,
                "num_anchors": len(self.probing.points.anchors) if self.probing else 0,
                "num_test_probe": len(self.probing.points.test_inputs) if self.probing else 0,
                "num_held_out": self.probing.points.num_held_out if self.probing else 0,
            },
            warnings=(
                *doubts(self.module, build_network(self.config)),
                *(self.divergence.told() if self.divergence else ()),
                *(self.probing.probe.warnings if self.probing else ()),
            ),
            seconds_training=round(self.recorder.seconds, 2),
            seconds_probe=round(seconds_probe, 2),
            computed=self.clock.computed(self.device, self.config["trainer"]["precision"]),
        )

    def _write_rows(self, rows: list[Row]) -> None:
        if self.trainer.is_global_zero:
            write_rows(self.folder.metrics, rows)
            self.tracking.log_rows(rows)

    def _accuracies(self) -> dict[str, Any]:
        data, module = self.data, self.module
        train = evaluate(module, data.train_inputs, data.train_labels)
        test = evaluate(module, data.test_inputs, data.test_labels)
        if not (math.isfinite(train["loss"]) and math.isfinite(test["loss"])):  # the last step may be the first bad one
            raise LazyRegimeError(
                f"The trained network has no finite loss (training {train['loss']:g}, test {test['loss']:g}) after "
                f"step {self.step}; use a smaller lr, or trainer.precision=float64 if alpha is large."
            )
        held_out = None
        if len(data.validation_labels):
            held_out = evaluate(module, data.validation_inputs, data.validation_labels)["accuracy"]
        return {
            **{f"train_{key}": value for key, value in train.items()},
            **{f"test_{key}": value for key, value in test.items()},
            "validation_accuracy": held_out,
        }

    def _behind_frozen_gates(self) -> dict[str, float]:
        initial, data = build_network(self.config).to(self.device).eval(), self.data
        found = frozen_gates_accuracy(self.module, initial, data.test_inputs, data.test_labels)
        return {} if found is None else {"frozen_gates_test_accuracy": found}

    def _probing(self, data: ClassificationData) -> NTKProbe | None:
        settings = {k: v for k, v in self.config["ntk"].items() if k not in ("enabled", "null")}
        if not self.config["ntk"]["enabled"]:
            return None
        return NTKProbe(
            self.network, data, self.recorder, self.console.kernel_progress, blocks_dir=self.folder.blocks, **settings
        )

    def _improvement(self) -> Improvement | None:
        trainer = self.config["trainer"]
        if trainer["monitor"] is None:
            return None
        return Improvement(
            trainer["monitor"],
            best=self.folder.kept if trainer["select"] == "best" else None,
            patience=trainer["patience"],
            halve=trainer["schedule"] == "plateau",
        )

    def _has_diverged(self) -> bool:
        return self.divergence is not None and self.divergence.step is not None

    def _divergence(self) -> Divergence | None:
        above = self.config["trainer"]["diverged_above"]
        return None if above is None else Divergence(above)

    def _trainer(self) -> pl.Trainer:
        config = self.config["trainer"]
        last = LastCheckpoint(self.folder.kept)
        progress = TrainingProgress(self.console)
        callbacks = [self.probing, self.recorder, self.improvement, self.divergence, progress, last]
        return pl.Trainer(
            max_epochs=config["max_epochs"],
            **trainer_options(self.config),
            logger=False,  # rows go to the tracking as they are written
            callbacks=[c for c in callbacks if c is not None],
            default_root_dir=self.folder.path,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            profiler=_profiler(self.folder) if config["profile"] else None,
        )


def _profiler(folder: RunFolder) -> Any:
    from pytorch_lightning.profilers import SimpleProfiler

    return SimpleProfiler(dirpath=folder.path, filename="profile")


def formula(module: AbstractRegime) -> str:
    """What is trained, as a formula with its numbers."""
    if module.linearized:
        return f"F = alpha J(w0) (w - w0), alpha = {module.alpha:.4g}"
    if module.centred:
        return f"F = alpha (f - f0), alpha = {module.alpha:.4g}"
    return "F = f"
