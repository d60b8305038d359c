"""One run of a gradient flow: its data, network and regime, what is measured of it, its checkpoint and its result."""

from collections.abc import Mapping
from typing import Any, final

import torch
from safetensors.torch import save
from torch import Tensor

from lazyregime.app.compose.build import build_network, build_regime
from lazyregime.app.compose.config import ConfigDict
from lazyregime.app.console import Console
from lazyregime.app.facts import seeds, which
from lazyregime.app.train.facts import trained
from lazyregime.atomic import atomic_write
from lazyregime.data import ClassificationData, first_per_class
from lazyregime.errors import LazyRegimeError
from lazyregime.gradient_flow import Params, Snapshot, Status
from lazyregime.kernels import centred_alignment, empirical_ntk, kernel_distance, relative_change, spectrum
from lazyregime.measure import verdict
from lazyregime.measure.flow_measures import FlowMeasures, Row, half_loss_time
from lazyregime.networks import parameter_scales
from lazyregime.regimes import GradientFlow
from lazyregime.runs.clock import Clock
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.kinds import GradientFlowResult
from lazyregime.runs.tables import write_rows


@final
class FlowMember:
    """One run while it flows, alone or among others."""

    def __init__(
        self, config: ConfigDict, folder: RunFolder, data: ClassificationData, device: torch.device, console: Console
    ) -> None:
        self.config, self.folder, self.device, self.console = config, folder, device, console
        self.clock = Clock()
        self.data = data
        network = build_network(config).to(device)
        self.module = build_regime(config, network).to(device).eval()
        assert isinstance(self.module.optimizer, GradientFlow)
        self.recipe = self.module.optimizer
        self.num_params = sum(p.numel() for p in network.parameters())
        self.weights = [p.detach().clone() for p in network.parameters()]
        scales = parameter_scales(network)
        self.rates = [s.sgd_bias if n.endswith("bias") else s.sgd for n, s in scales.items()]
        self.gram, test_kernel = self._dual_kernels() if self.recipe.dual else (None, None)
        self.measures = FlowMeasures(self.module, data, margin=self.recipe.margin or 0.0, test_kernel=test_kernel)
        self.rows: list[Row] = []
        self.last: Snapshot | None = None
        self._anchors, self._anchor_labels = self._kernel_points()
        self._gram_init = self._kernel() if config["ntk"]["enabled"] else None
        self.resumed = self._restore()

    def start(self) -> Params:
        """Where it flows from: w0, or zero for what moves away from w0."""
        if self.gram is not None:
            return [self.gram.new_zeros(len(self.gram), self.data.n_outputs)]
        return [torch.zeros_like(w) for w in self.weights] if self.module.linearized else self.weights

    def observe(self, snapshot: Snapshot) -> None:
        """Measure."""
        self.rows.append(self.measures.row(snapshot))
        self.last = snapshot

    def save(self, state: Mapping[str, Any]) -> None:
        """Write a checkpoint that goes on exactly."""
        self.folder.kept.save(lambda path: torch.save({**state, "rows": self.rows}, path))
        write_rows(self.folder.metrics, self.rows)

    def result(self, seconds: float, together: int | None = None) -> GradientFlowResult:
        """What it has come to; metrics and kernels are written.

        Args:
            seconds: Spent on the flow.
            together: How many flows were stepped together.

        Raises:
            LazyRegimeError: If the flow diverged; one that is stuck, at a kink that it cannot leave, has a result.
        """
        assert self.last is not None
        write_rows(self.folder.metrics, self.rows)
        last, row = self.last, self.rows[-1]
        if last.status == Status.diverged:
            raise LazyRegimeError(
                f"The flow ended at time {last.time:.3g} after {last.steps} steps, {last.status.words} (alpha="
                f"{self.module.alpha:g}, dt={last.dt:.3g}). Use trainer.precision=float64, a larger "
                "optimizer.max_dgrad or, for momentum, a smaller optimizer.momentum_time."
            )
        fit = {k: v for k, v in row.items() if k.startswith(("train_", "test_", "relu", "frozen", "displ", "param"))}
        return GradientFlowResult(
            which=which(self.config, self.folder, "train"),
            seeds=seeds(self.config),
            trained=trained(self.config, module=self.module, n_train=len(self.data.train_labels)),
            steps=last.steps,
            attempts=last.attempts,
            flow_status=last.status.name,
            flow_time=last.time,
            flows_together=together,
            measures={
                "half_loss_time": half_loss_time(self.rows),
                "sup_displacement": max((r["displacement"] for r in self.rows if "displacement" in r), default=None),
                "test_accuracy": None,
                **fit,
                "best_test_loss": min(r["test_loss"] for r in self.rows),
                "initial_output": float(self.rows[0]["max_output"]),
                **self._movement(),
            },
            seconds_training=round(seconds, 2),
            computed=self.clock.computed(self.device, self.config["trainer"]["precision"]),
        )

    def _movement(self) -> dict[str, Any]:
        kept: dict[str, Tensor] = {}
        if self.measures.test_outputs is not None:
            kept["test_outputs"] = self.measures.test_outputs.double().cpu().contiguous()
            kept["test_labels"] = self.data.test_labels.cpu().contiguous()
        found: dict[str, Any] = {}
        if self._gram_init is not None:
            before, after = self._gram_init, self._kernel()
            change, distance = float(relative_change(before, after)), float(kernel_distance(before, after))
            found = {"kernel_change": change, "kernel_distance": distance, "verdict": verdict(change, distance)}
            if not self.data.is_regression:
                for tag, gram in (("init", before), ("final", after)):
                    found[f"kernel_alignment_{tag}"] = float(centred_alignment(gram, self._anchor_labels))
            found["num_anchors"] = len(before)
            for tag, gram in (("init", before), ("final", after)):
                kept[f"gram_{tag}"] = gram.double().contiguous()
                kept[f"spectrum_{tag}"] = spectrum(gram).double().contiguous()
            kept["anchor_labels"] = self._anchor_labels
        atomic_write(self.folder.kernels, save(kept))
        return found

    def _kernel(self) -> Tensor:
        return empirical_ntk(
            self.module.trained, self._anchors, memory_budget=self.config["ntk"]["memory_budget"]
        ).cpu()

    def _kernel_points(self) -> tuple[Tensor, Tensor]:
        data, per_class = self.data, self.config["ntk"]["anchors_per_class"]
        if data.kernel_inputs is not None and data.kernel_labels is not None:
            return data.kernel_inputs, data.kernel_labels.cpu()
        if data.is_regression:
            return data.train_inputs[:per_class], torch.arange(min(per_class, len(data.train_inputs)))
        anchors = first_per_class(data.train_labels, per_class)
        return data.train_inputs[anchors], data.train_labels[anchors].cpu()

    def _dual_kernels(self) -> tuple[Tensor, Tensor]:
        if not self.module.linearized or self.data.n_outputs != 1:
            raise LazyRegimeError(
                "optimizer.dual=true flows with the frozen kernel of one output: it needs regime=lazy and data with "
                f"n_outputs=1, but regime={self.config['regime']['name']} and n_outputs={self.data.n_outputs}."
            )
        x, network = self.data.train_inputs, self.module.network
        return empirical_ntk(network, x), empirical_ntk(network, self.data.test_inputs, x)

    def _restore(self) -> dict[str, Any] | None:
        path = self.folder.kept.newest(self.console.warn)
        if path is None:
            return None
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.rows = list(state.pop("rows"))
        return state
