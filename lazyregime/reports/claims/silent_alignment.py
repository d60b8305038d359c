"""Silent alignment: from a small scale the kernel turns towards the labels before the loss falls [ABP21]."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportReturnType=false

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from lazyregime.reports.claims._claim import Claim, Expected, Measurement, Size, at_least, at_most, near
from lazyregime.reports.claims._seeds import PerSeed, Seeds
from lazyregime.reports.claims._silent_alignment_trial import trial
from lazyregime.reports.reading.files import read_kernels
from lazyregime.reports.tables.tags import tagged

COMMAND = "SIZE=small multirun_scripts/silent_alignment.sh"
SIZE = Size("n = {:,.0f}", "n_train", published=0)
EARLY = "loss_0.95"  # the first look after a twentieth of the loss is gone


def _alignment(kernel: np.ndarray, targets: np.ndarray) -> float:
    """CKA(K, y y^T)."""
    h = np.eye(len(kernel)) - 1 / len(kernel)
    k, y = h @ kernel @ h, h @ targets.reshape(len(kernel), -1)
    return float(np.sum(k * (y @ y.T)) / np.linalg.norm(k) / np.linalg.norm(y @ y.T))


def _alignments(part: pd.DataFrame) -> tuple[float, float, float]:
    """Of the one run: at w0, early, and at the end; NaN for what it has not kept."""
    kept = read_kernels(Path(part.path.iloc[0]) / "kernels.safetensors")
    names = [f"gram_{tag}" for tag in ("init", EARLY, "final")]
    if "anchor_targets" not in kept:
        return (float("nan"),) * 3
    return tuple(_alignment(kept[n], kept["anchor_targets"]) if n in kept else float("nan") for n in names)


def _share(part: pd.DataFrame) -> float:
    """The part of the rise of the alignment that came before a twentieth of the loss was gone."""
    first, early, last = _alignments(part)
    return (early - first) / (last - first)


def _rise(part: pd.DataFrame) -> float:
    first, _, last = _alignments(part)
    return last - first


def _explained(part: pd.DataFrame) -> float:
    """What regression with the final kernel gains over that with the first, over what the network gains."""
    run = part.iloc[0]
    network = 2 * run.test_loss
    return (run.kernel_risk_adh_init - run.kernel_risk_adh_final) / (run.kernel_risk_adh_init - network)


def _at(runs: pd.DataFrame, which: str) -> tuple[Seeds, float] | None:
    """The runs at the smallest or the largest laziness."""
    found = tagged(runs, "silent_alignment")
    if found.empty or "laziness" not in found or found.laziness.nunique() < 2:
        return None
    laziness = found.laziness.min() if which == "smallest" else found.laziness.max()
    return Seeds.of(found[found.laziness == laziness], "alpha"), float(laziness)


def _measure(which: str, of_run: str, runs: pd.DataFrame) -> Measurement | None:
    at = _at(runs, which)
    if at is None:
        return None
    functions = {"share": _share, "rise": _rise, "explained": _explained}
    found: PerSeed = at[0].each(functions[of_run])
    return found.measured(f"laziness {at[1]:.3g}")


def _claim(name: str, statement: str, measured: str, expected: Expected, which: str, of_run: str) -> Claim:
    return Claim(
        f"silent_alignment.{name}", "[ABP21]", statement, measured, expected, partial(_measure, which, of_run), COMMAND,
        trial=partial(trial, name), size=SIZE, explanation="docs/silent_alignment.md",
    )  # fmt: skip


CLAIMS = (
    _claim(
        "before_the_loss", "From a small scale the kernel aligns with the labels before the loss falls.",
        "part of the rise of CKA(K, y y^T) before 5% of the loss is gone", at_least(0.5), "smallest", "share",
    ),
    _claim(
        "lazy", "From a large scale it does not align at all.",
        "rise of CKA(K, y y^T) at the largest laziness", at_most(0.05), "largest", "rise",
    ),
    _claim(
        "final_kernel", "From a small scale the network is regression with its final kernel.",
        "gain of the risk by the final kernel over the network's", near(1, 0.05), "smallest", "explained",
    ),
)  # fmt: skip
