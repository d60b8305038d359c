"""CONTRIBUTING's recipe for a metric, followed in a copy of the package: one new file, and it is everywhere."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from lazyregime.measure import recompute

ROOT = Path(__file__).resolve().parents[2]
FLOW = [
    "data=teacher_student", "data.dimension=5", "data.n_train=24", "data.n_test=16", "arch=two_layer", "width=8",
    "arch.activation=tanh", "loss=mse", "optimizer=gradient_flow", "optimizer.margin=null", "optimizer.max_steps=20",
    "ntk.anchors_per_class=6", "tracking=csv", "regime=scaled", "alpha=1",
]  # fmt: skip
METRIC = '''"""K(x, x), the mean over anchors: a metric of a contributor."""

from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> dict[str, float] | None:
    if now.gram is None:
        return None
    return {"": float(now.gram.diagonal().mean()), "largest": float(now.gram.diagonal().max())}


METRIC = Metric("mean_diagonal", "my own measure", ".4g", "moment", compute)
'''


def python(package, runs, *arguments):
    """Run a module of the copy."""
    environment = os.environ | {"PYTHONPATH": str(package), "LAZYREGIME_RUNS": str(runs)}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=package, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def only(runs, group):
    (path,) = (runs / group).glob("*/result.json")
    return path.parent


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """Runs before and after the file was added, what they printed, and a report on all."""
    package, runs = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("runs")
    for name in ("lazyregime", "conf", "hydra_plugins"):
        shutil.copytree(ROOT / name, package / name, ignore=shutil.ignore_patterns("__pycache__"))
    fast = ["lazyregime.train", "debug=fdr", "ntk.at.epochs=[1]"]
    python(package, runs, *fast, "group=before")
    (package / "lazyregime/measure/metrics/mean_diagonal.py").write_text(METRIC)
    after = python(package, runs, *fast, "group=after")
    flow = python(package, runs, "lazyregime.train", *FLOW, "group=flow")
    python(package, runs, "lazyregime.report", str(runs), "--recompute", "--out", str(runs / "report"))
    return runs, (after, flow)


def test_it_is_in_result_metrics_table_and_figure_of_both_kinds_of_training(followed):
    runs, printed = followed
    for group, text in zip(("after", "flow"), printed, strict=True):
        folder = only(runs, group)
        result, kept = json.loads((folder / "result.json").read_text()), load_file(folder / "kernels.safetensors")
        for tag in ("init", "final"):
            diagonal = np.diag(kept[f"gram_{tag}"])
            assert result[f"mean_diagonal_{tag}"] == pytest.approx(diagonal.mean(), rel=1e-5)
            assert result[f"mean_diagonal_{tag}/largest"] == pytest.approx(diagonal.max(), rel=1e-5)
        assert "my own measure" in text
        assert (folder / "figures/summary.png").stat().st_size > 20_000
    (row,) = list(csv.DictReader((only(runs, "after") / "metrics.csv").read_text().splitlines()))[1:]
    kept = load_file(only(runs, "after") / "kernels.safetensors")
    assert float(row["mean_diagonal"]) == pytest.approx(np.diag(kept["gram_epoch_1"]).mean(), rel=1e-5)


def test_the_report_has_it_for_a_run_that_was_complete_before(followed):
    runs, _ = followed
    before = only(runs, "before")
    assert not [key for key in json.loads((before / "result.json").read_text()) if "mean_diagonal" in key]
    rows = {row["group"]: row for row in csv.DictReader((runs / "report/runs.csv").read_text().splitlines())}
    for group, row in rows.items():
        kept = load_file(only(runs, group) / "kernels.safetensors")
        for tag in ("init", "final"):
            expected = np.diag(kept[f"gram_{tag}"]).mean()
            assert float(row[f"mean_diagonal_{tag}"]) == pytest.approx(expected, rel=1e-5)


def test_what_was_computed_while_it_ran_is_computed_again_from_what_it_keeps(followed):
    runs, _ = followed
    for group in ("before", "flow"):
        folder = only(runs, group)
        result, again = json.loads((folder / "result.json").read_text()), recompute(folder)
        assert {"kernel_angle", "kernel_cka", "effective_rank_init", "kernel_alignment_final"} <= set(again)
        for name, value in again.items():
            assert result[name] == pytest.approx(value, rel=1e-6), name
