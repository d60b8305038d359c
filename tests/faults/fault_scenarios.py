"""What is disturbed: commands of a second or two, and what must be there before them."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

COMMON = ["data=sphere", "data.dimension=5", "data.n_train=48", "data.n_test=32", "tracking=csv", "num_threads=1",
          "progress=lines"]  # fmt: skip
TRAIN = [*COMMON, "width=8", "loss=mse", "trainer.max_epochs=4", "trainer.batch_size=8", "ntk.anchors_per_class=8",
         "ntk.n_test=16", "ntk.null=2"]  # fmt: skip
FLOWS = [
    "data=teacher_student", "data.dimension=5", "data.n_train=24", "data.n_test=16", "arch=two_layer", "width=8",
    "arch.activation=tanh", "loss=mse", "optimizer=gradient_flow", "optimizer.margin=null", "optimizer.max_steps=120",
    "ntk.anchors_per_class=6", "ntk.null=0", "tracking=csv", "regime=scaled", "num_threads=1", "progress=lines",
    "ntk.at.loss_fractions=[0.9]",
]  # fmt: skip
SEEDS = ",".join(map(str, range(30)))  # of a long sweep


@dataclass(frozen=True)
class Scenario:
    """A command, what it stands on, and what it makes.

    Args:
        name: In the table.
        command: Which is disturbed.
        needs: Scenarios whose undisturbed runs are there before it; where they were damaged, their commands mend them.
        prepare: Done to the folder before the command.
    """

    name: str
    command: list[str]
    needs: tuple[str, ...] = ()
    prepare: Callable[[Path], object] = lambda folder: None

    @property
    def only_reads(self) -> bool:
        """Whether it writes nothing into runs."""
        return self.command[0] == "report" or self.command[:2] in (["sweeps", "status"], ["sweeps", "verify"])


def _half_a_sweep(folder: Path) -> None:
    """One run is gone, and another interrupted."""
    first, second, *_ = sorted(path.parent for path in (folder / "runs").rglob("result.json"))
    shutil.rmtree(first)
    (second / "result.json").unlink()


SCENARIOS = {scenario.name: scenario for scenario in (
    Scenario("train", ["train", *TRAIN, "regime=feature", "ntk.at.loss_fractions=[0.7]", "trainer.select=best",
                       "trainer.monitor=test_loss"]),
    Scenario("train sweep", ["train", "-m", *TRAIN, "regime=lazy,feature", "ntk.block_rows=3"]),
    Scenario("fit", ["fit", *COMMON, "machine=krr_sphere", "ridges=[1e-3,1e-1]"]),
    Scenario("fit sweep", ["fit", "-m", *COMMON, "machine=rf,nt", "width=20", "data.n_validation=16",
                           "ridges=[1e-3,1e-1]"]),
    Scenario("fit of a network", ["fit", "-m", *COMMON, "machine=empirical_ntk", "machine.at=last", "ridges=[1e-3]",
                                  "machine.run=@train sweep"], needs=("train sweep",)),
    Scenario("flow", ["flow", "widths=[8,16]", "reference_width=32", "num_seeds=2", "n_samples=12", "in_features=3",
                      "num_times=4", "end_time=1", "num_snapshots=2", "scaling=mean_field", "tracking=csv",
                      "num_threads=1", "progress=lines"]),
    Scenario("gradient flow", ["train", *FLOWS, "alpha=2", "optimizer.save_every=0.05"]),
    Scenario("gradient flows together", ["train", "-m", *FLOWS, "alpha=0.1,10", "init_seed=0,1", "data_seed=0",
                                         "optimizer.save_every=0.05"]),
    Scenario("long sweep", ["fit", "-m", *COMMON, "machine=krr_sphere", "ridges=[1e-3,1e-1]", f"seed={SEEDS}"]),
    Scenario("report", ["report", "runs", "--out", "report"], needs=("train sweep", "fit sweep")),
    Scenario("sweeps status", ["sweeps", "status", "runs"], needs=("train sweep", "fit sweep")),
    Scenario("sweeps verify", ["sweeps", "verify", "runs"], needs=("train sweep", "fit sweep")),
    Scenario("sweeps resubmit", ["sweeps", "resubmit", "runs"], needs=("train sweep",), prepare=_half_a_sweep),
)}  # fmt: skip
