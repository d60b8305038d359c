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
from lazyregime.app.train.facts import of_classes, trained
from lazyregime.app.train.nulls import null_for
from lazyregime.app.train.soundness import doubts, looked_at_the_end
from lazyregime.atomic import atomic_write
from lazyregime.data import ClassificationData
from lazyregime.errors import LazyRegimeError
from lazyregime.gradient_flow import Params, Snapshot, Status
from lazyregime.kernels import empirical_ntk
from lazyregime.measure import Probe
from lazyregime.measure.flow_measures import FlowMeasures, Row, half_loss_time
from lazyregime.measure.kernel_maker import KernelMaker
from lazyregime.measure.points import points_of
from lazyregime.measure.schedule import Schedule
from lazyregime.networks import parameter_scales
from lazyregime.regimes import GradientFlow, weighted
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
        self.module.loss = weighted(self.module.loss, data.class_weights, data.train_labels)
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
        self.probe = self._probe()
        self.schedule = Schedule(**config["ntk"]["at"]) if config["ntk"]["enabled"] else Schedule()
        self.probe.look(self.measures.initial, "init", 0.0)
        self.resumed = self._restore()

    def start(self) -> Params:
        """Where it flows from: w0, or zero for what moves away from w0."""
        if self.gram is not None:
            return [self.gram.new_zeros(len(self.gram), self.data.n_outputs)]
        return [torch.zeros_like(w) for w in self.weights] if self.module.linearized else self.weights

    def observe(self, snapshot: Snapshot) -> None:
        """Measure."""
        row = self.measures.row(snapshot)
        self.rows.append(row | self.probe.glance(self.measures.state()))
        if len(self.rows) == 1:
            self.rows[0] |= self.probe.found["init"].rows
        self.rows[-1] |= self._looks(snapshot, row["train_loss"])
        self.last = snapshot

    def save(self, state: Mapping[str, Any]) -> None:
        """Write a checkpoint that goes on exactly."""
        looks = {"probe": self.probe.state_dict(), "schedule": self.schedule.state_dict()}
        kept = {**state, "rows": self.rows, **looks, "run": self.folder.kept.run}
        self.folder.kept.save(lambda path: torch.save(kept, path))
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
        last, row = self.last, self.rows[-1]
        if last.status == Status.diverged:
            raise LazyRegimeError(
                f"The flow ended at time {last.time:.3g} after {last.steps} steps, {last.status.words} (alpha="
                f"{self.module.alpha:g}, dt={last.dt:.3g}). Use trainer.precision=float64, a larger "
                "optimizer.max_dgrad or, for momentum, a smaller optimizer.momentum_time."
            )
        fit = {k: v for k, v in row.items() if k.startswith(("train_", "test_", "frozen"))}
        probed = self._probed()
        row |= self.probe.found["final"].rows if "final" in self.probe.found else {}
        write_rows(self.folder.metrics, self.rows)
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
                **of_classes(fit),
                "best_test_loss": min(r["test_loss"] for r in self.rows),
                "initial_output": float(self.rows[0]["max_output"]),
                **probed,
            },
            warnings=(*self._doubts(), *self.probe.warnings),
            seconds_training=round(seconds, 2),
            computed=self.clock.computed(self.device, self.config["trainer"]["precision"]),
        )

    def _looks(self, snapshot: Snapshot, loss: float) -> Row:
        """What the probe sees at a measurement at which its schedule has something due."""
        found: Row = {}
        for tag in (*self.schedule.after_step(snapshot.steps, snapshot.time), *self.schedule.below(loss)):
            found |= self.probe.look(self.measures.state(), tag, snapshot.time).rows
        return found

    def _doubts(self) -> tuple[str, ...]:
        assert self.last is not None
        if self.last.steps == 0:
            return ("The flow took no step: nothing was trained, and what was measured is the network at w0.",)
        return () if self.gram is not None else doubts(self.module, build_network(self.config))

    def _probed(self) -> dict[str, Any]:
        """What the probe found; its kernels are written."""
        assert self.last is not None
        time = self.last.time
        looked = looked_at_the_end(lambda: self.probe.look(self.measures.state(), "final", time), self.probe.warnings)
        kept = self.probe.tensors()
        if self.measures.test_outputs is not None:
            kept["test_outputs"] = self.measures.test_outputs.double().cpu().contiguous()
            kept["test_labels"] = self.data.test_labels.cpu().contiguous()
        atomic_write(self.folder.kernels, save(kept))
        found = {}
        if looked:
            found = self.probe.result(null_for(self.config, self.probe, self.device, self.console))
        points = self.probe.points
        if points is None:
            return found
        sizes = {"num_anchors": points.anchors, "num_test_probe": points.test_inputs, "num_held_out": points.held_out}
        protocol = self.config["ntk"]["protocol"]
        return found | {"protocol": protocol} | {name: len(inputs) for name, inputs in sizes.items()}

    def _probe(self) -> Probe:
        ntk = self.config["ntk"]
        points = None
        if ntk["enabled"]:
            points = points_of(self.data, **{key: ntk[key] for key in ("anchors_per_class", "n_test", "n_held_out")})
        maker = KernelMaker(memory_budget=ntk["memory_budget"], block_rows=ntk["block_rows"])
        return Probe(
            points, self.measures.initial, maker, ridge=ntk["ridge"], headline=ntk["protocol"],
            per_layer=bool(ntk["per_layer"]),
        )  # fmt: skip

    def _dual_kernels(self) -> tuple[Tensor, Tensor]:
        if not self.module.linearized or self.data.n_outputs != 1:
            raise LazyRegimeError(
                "optimizer.dual=true flows with the frozen kernel of one output: it needs regime=lazy and data with "
                f"n_outputs=1, but regime={self.config['regime']['name']} and n_outputs={self.data.n_outputs}."
            )
        if self.recipe.weight_decay is not None:
            raise LazyRegimeError(
                "optimizer.dual=true flows without the weights, which optimizer.weight_decay would shrink; "
                "set optimizer.dual=false."
            )
        x, network = self.data.train_inputs, self.module.network
        return empirical_ntk(network, x), empirical_ntk(network, self.data.test_inputs, x)

    def _restore(self) -> dict[str, Any] | None:
        path = self.folder.kept.newest(self.console.warn)
        if path is None:
            return None
        state = torch.load(path, map_location=self.device, weights_only=True)
        state.pop("run", None)
        self.rows = list(state.pop("rows"))
        if "probe" in state:
            self.probe.load_state_dict(state.pop("probe"))
            self.schedule.load_state_dict(state.pop("schedule"))
        return state
