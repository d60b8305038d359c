"""One run of `fit`: data, machine, the path of ridges, the one chosen, and what it predicts."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from safetensors.torch import save
from torch import Tensor

from lazyregime.app.command import AbstractWork
from lazyregime.app.compose.build import build, load_data
from lazyregime.app.compose.config import ConfigDict
from lazyregime.app.compose.devices import device_of
from lazyregime.app.console import Console
from lazyregime.app.facts import seeds, which
from lazyregime.atomic import atomic_write
from lazyregime.data import ClassificationData, SphereTarget, as_inputs
from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import AbstractKernel, EmpiricalKernel, InfiniteCNN
from lazyregime.kernels.coding import encode
from lazyregime.machines import KernelMachine
from lazyregime.machines.selection import PathTable, choice_of
from lazyregime.runs.clock import Clock
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.kinds import FitResult
from lazyregime.runs.tables import write_rows

MACHINE_KEYS = ("num_features", "activation", "shift", "depth", "at")
DATA_KEYS = ("tau", "band", "cutoff", "kappa", "dimension", "signal_dimension", "target", "noise_std")


@dataclass(frozen=True)
class Split:
    """Inputs, targets, and class labels if there are any."""

    inputs: Tensor
    targets: Tensor
    labels: Tensor | None


@final
class Fitting(AbstractWork):
    """One kernel machine, from its configuration to its result."""

    def __init__(self, config: ConfigDict, folder: RunFolder, console: Console) -> None:
        self.config, self.folder, self.console = config, folder, console
        self.device = device_of(config)
        self.clock = Clock()
        with console.progress(f"Loading {config['data']['name']}"):
            self.data: ClassificationData = load_data(config)
        if self.data.is_multilabel or self.data.class_weights is not None:
            what = "several labels a sample" if self.data.is_multilabel else "class_weights"
            raise LazyRegimeError(f"data={config['data']['name']} has {what}, which fit does not know; use train.")
        self.kernel: AbstractKernel = build(config["machine"], "machine")
        if isinstance(self.kernel, EmpiricalKernel):
            self.kernel.model.to(self.device)
        if not self.data.train_inputs.is_floating_point() and not isinstance(self.kernel, EmpiricalKernel):
            raise LazyRegimeError(
                f"data={config['data']['name']} are whole numbers, of which machine={config['machine']['name']} has no "
                "kernel; make them real numbers, or use machine=empirical_ntk of a trained network."
            )
        self.machine = machine_of(config, self.kernel)

    def opening(self) -> str:  # noqa: D102
        name, count = self.config["machine"]["name"], len(self.config["ridges"])
        samples = len(self.data.train_labels)
        told = f"{name} on {samples:,} samples, {count} ridge{'s' if count > 1 else ''}"
        gigabytes = 8e-9 * samples**2
        if gigabytes < 1 or "num_features" in self.config["machine"]:
            return told
        return f"{told}; their kernel has {gigabytes:.2g} GB, and takes long: data.n_train=4000 is quick"

    def run(self) -> FitResult:
        """Solve, predict, choose; metrics.csv has a row for every ridge."""
        train, validation, test = (self._split(name) for name in ("train", "validation", "test"))
        since = time.perf_counter()
        self.machine.fit_path(train.inputs, train.targets, self.config["ridges"])
        seconds_fit = time.perf_counter() - since
        has_loo = self.machine.has_leave_one_out
        chosen_by = choice_of(
            self.config["choose"], len(self.machine.ridges_),
            has_validation=len(validation.inputs) > 0, has_leave_one_out=has_loo,
        )  # fmt: skip
        table = PathTable(self.machine.ridges_)
        table.add("train", self.machine.fitted_path(), train.targets, train.labels)
        if chosen_by == "leave_one_out" or (has_loo and self.machine.report_.form == "dual"):  # else it takes its time
            table.add("leave_one_out", self.machine.leave_one_out_path(), train.targets, train.labels)
        if len(validation.inputs):
            table.add("validation", self.machine.predict_path(validation.inputs), validation.targets, validation.labels)
        table.add("test", self.machine.predict_path(test.inputs), test.targets, test.labels)
        write_rows(self.folder.metrics, table.rows())
        spectrum = input_spectrum(train.inputs.cpu())
        if spectrum is not None:
            atomic_write(self.folder.kernels, save({"input_spectrum": spectrum}))
        if not torch.isfinite(table.columns["test_risk"]).any():
            raise LazyRegimeError(
                "No ridge has a finite risk on the test set: targets or kernel are too large for float64."
            )
        index = 0 if chosen_by == "given" else table.best(chosen_by)
        self.machine.choose(index, by=chosen_by)
        return self._result(table, index, seconds_fit)

    def _result(self, table: PathTable, index: int, seconds_fit: float) -> FitResult:
        report, machine, config = self.machine.report_, self.machine, self.config
        best = table.best("test")
        return FitResult(
            which=which(config, self.folder, "fit"),
            seeds=seeds(config),
            machine=config["machine"]["name"],
            data=config["data"]["name"],
            coding=config["coding"],
            intercept=config["intercept"],
            width=config["machine"].get("num_features"),
            n_train=len(self.data.train_labels),
            ridge=machine.ridge_,
            chosen_by=machine.chosen_by_,
            form=report.form,
            method=report.method,
            measures={
                **asked(config),
                **table.at(index),
                "ridge_best_on_test": machine.ridges_[best],
                **{f"{name}_best_on_test": value for name, value in table.at(best).items() if name.startswith("test_")},
                "lowest_test_risk": float(table.columns["test_risk"].min()),
                **target_powers(config),
                "residual": report.residual,
                "condition_number": report.condition_number,
                "jitter": machine.jitter_,
                **({"iterations": report.iterations} if report.method == "cg" else {}),
            },
            seconds_fit=round(seconds_fit, 2),
            computed=self.clock.computed(self.device, config["precision"]),
        )

    def _split(self, name: str) -> Split:
        inputs = prepared(self.kernel, getattr(self.data, f"{name}_inputs")).to(self.device)
        labels = getattr(self.data, f"{name}_labels").to(self.device)
        if labels.is_floating_point():
            return Split(inputs, labels.double(), None)
        if not len(labels):
            return Split(inputs, labels.new_zeros(0, self.data.n_outputs, dtype=torch.float64), None)
        if self.data.n_outputs == 1:
            return Split(inputs, (2.0 * labels.double() - 1)[:, None], labels)
        return Split(inputs, encode(labels, self.data.n_outputs, self.config["coding"])[0], labels)


def prepared(kernel: AbstractKernel, inputs: Tensor) -> Tensor:
    """Images as vectors, but for kernels that look at their pixels, and in the dtype of a network for its kernel."""
    if isinstance(kernel, EmpiricalKernel):
        return as_inputs(inputs, None, next(kernel.model.parameters()).dtype)
    return inputs if isinstance(kernel, InfiniteCNN) else inputs.flatten(1)


def machine_of(config: ConfigDict, kernel: AbstractKernel) -> KernelMachine:
    """The machine around a kernel; the empirical kernel is computed in the precision of its network."""
    precision = config["precision"]
    if isinstance(kernel, EmpiricalKernel):
        precision = str(next(kernel.model.parameters()).dtype).removeprefix("torch.")
    return KernelMachine(
        kernel,
        intercept=config["intercept"],
        solver=config["solver"],
        precision=precision,
        max_basis=config["max_basis"],
        memory_budget=config["memory_budget"],
        **({} if config["tolerance"] is None else {"tolerance": config["tolerance"]}),
    )


def asked(config: ConfigDict) -> dict[str, Any]:
    """What was asked of the data and the machine, as far as it is one number or word."""
    machine = config["machine"]
    told = {key: config["data"][key] for key in DATA_KEYS if key in config["data"]}
    return told | {key: machine[key] for key in MACHINE_KEYS if key in machine}


def input_spectrum(x: Tensor) -> Tensor | None:
    """Eigenvalues of the covariance of the inputs, largest first; None where there are fewer samples than numbers."""
    flat = x.flatten(1).double()
    if not flat.shape[1] <= min(len(flat), 2000):
        return None
    centred = flat - flat.mean(0)
    return torch.linalg.eigvalsh(centred.T @ centred / len(flat)).flip(0).contiguous()


def known_target(config: ConfigDict) -> SphereTarget:
    """The function behind data=sphere."""
    data = config["data"]
    return SphereTarget.of(*(data[key] for key in ("dimension", "target", "target_powers", "neuron", "data_seed")))


def target_powers(config: ConfigDict) -> dict[str, float]:
    """||P_k f||^2 of a target that is known: `target_power_0`, .., the last that of all higher degrees."""
    powers: Sequence[float] = ()
    if config["data"]["name"] == "sphere":
        powers = known_target(config).powers
    elif config["data"]["name"] == "spiked":
        powers = config["data"]["target_powers"]
    return {f"target_power_{k}": float(p) for k, p in enumerate(powers)}
