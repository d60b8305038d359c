"""The claims about two-layer flows: on arrays with known exponents, and on what a small run really writes."""

import json

import numpy as np
import pytest
from fake_runs import told
from safetensors.numpy import save_file

import lazyregime
from lazyregime.reports.claims.two_layer import CLAIMS
from lazyregime.reports.load import load_runs

WIDTHS = (64, 128, 256, 512, 1024)
BY_ID = {claim.id: claim for claim in CLAIMS}


def write(folder, power, **chosen):
    """A run whose every quantity is c_s N^power, one c_s a seed."""
    factor = np.array([1.0, 1.3, 0.8])
    arrays = {"times": np.array([0.0, 1.0])}
    for scaling in ("mean_field", "ntk"):
        for width in WIDTHS:
            for name in ("risk", "kernel_change", "displacement", "fluctuation", "frozen_gap"):
                row = factor * float(width) ** power
                arrays[f"{scaling}/{width}/{name}"] = np.stack([np.zeros(3), row]) + (name == "risk")
            for name in ("chaos", "sliced"):
                arrays[f"{scaling}/{name}_{width}"] = factor * float(width) ** power
    folder.mkdir(parents=True)
    save_file(arrays, folder / "kernels.safetensors")
    chosen = {"target": "teacher", "activation": "tanh", "init": "antisymmetric"} | chosen
    result = told("flow", num_seeds=3, width=WIDTHS[-1], **chosen)
    (folder / "result.json").write_text(json.dumps(result))
    (folder / "config.yaml").write_text("seed: 0\n")


@pytest.mark.parametrize("power, verdict", [(-0.5, "holds"), (-1.0, "fails"), (-0.3, "fails")])
@pytest.mark.parametrize(
    "name",
    [
        "ntk.displacement",
        "ntk.kernel_change.symmetric",
        "mean_field.fluctuation",
        "mean_field.propagation_of_chaos",
    ],
)
def test_an_exponent_is_found_and_judged(tmp_path, power, verdict, name):
    write(tmp_path / "run", power)
    claim = BY_ID[f"mmm19.{name}"]
    found = claim.measure(load_runs(tmp_path))
    assert found.value == pytest.approx(power) and found.num_seeds == 3
    assert claim.verdict(found) == verdict


def test_the_run_that_a_claim_speaks_of_is_chosen(tmp_path):
    write(tmp_path / "symmetric", -1.0)
    write(tmp_path / "one_sided", -0.5, init="one_sided", activation="softplus")
    runs = load_runs(tmp_path)
    assert BY_ID["mmm19.ntk.kernel_change.generic"].measure(runs).value == pytest.approx(-0.5)
    assert BY_ID["mmm19.ntk.kernel_change.symmetric"].measure(runs).value == pytest.approx(-1.0)
    assert BY_ID["mmm19.ntk.kernel_change.relu"].measure(runs) is None


def test_without_flows_nothing_is_measured(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").write_text("seed: 0\n")
    runs = load_runs(tmp_path)
    assert all(claim.measure(runs) is None for claim in CLAIMS)


def test_a_real_run_is_measured(runs_dir):
    small = ("widths=[64,128,256,512]", "reference_width=null", "num_seeds=2", "n_samples=12", "in_features=3")
    lazyregime.run(*small, "num_times=4", "end_time=3", command="flow", quiet=True)
    runs = load_runs(runs_dir)
    for name in ("function_dynamics", "dissipation", "residual_dynamics", "closed_form", "antisymmetric"):
        claim = BY_ID[f"mmm19.{name}"]
        assert claim.verdict(claim.measure(runs)) == "holds", name
    assert BY_ID["mmm19.ntk.displacement"].measure(runs).value == pytest.approx(-0.5, abs=0.1)
    assert BY_ID["mmm19.mean_field.propagation_of_chaos"].measure(runs) is None, "three widths are needed"


def test_the_profile_is_compared_with_the_pde(runs_dir):
    lazyregime.run(
        "target=two_gaussians", "activation=mmn18", "init=mmn18", "trained=w", "integrator=sgd",
        "integrator.step=0.002",
        "scaling=mean_field", "widths=[400]", "reference_width=null", "in_features=20", "n_samples=50", "end_time=0.2",
        "first_time=0.01", "num_times=8", "num_seeds=2", "num_cells=300", command="flow", quiet=True,
    )  # fmt: skip
    runs = load_runs(runs_dir)
    for number in range(1, 6):
        claim = BY_ID[f"mmn18.radial_profile.{number}"]
        assert claim.verdict(claim.measure(runs)) == "holds"
