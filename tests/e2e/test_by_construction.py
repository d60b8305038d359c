"""What cannot fail, however a network is trained, is no claim of the ledger: it is tested of the code.

Parameter counts are in tests/networks, centring and the identities of flows in tests/e2e, frozen gates in
tests/measure, and what a spectrum lacks in tests/machines; here is the rest.
"""

import numpy as np
import pytest
from safetensors.numpy import load_file

import lazyregime
from lazyregime.reports import load_runs


def test_lazily_the_half_loss_time_is_free_of_alpha():
    """dF/dt = -K grad l(F, y): alpha does not occur."""
    command = ("data=mnist_parity", "loss=softhinge", "optimizer=gradient_flow", "regime=scaled", "ntk=none", "width=8",
               "data.n_train=40", "data.n_test=20", "optimizer.max_steps=400", "tracking=csv")  # fmt: skip
    times = [lazyregime.run(*command, f"laziness={value}", quiet=True)["half_loss_time"] for value in (1e5, 1e7)]
    assert times[0] == pytest.approx(times[1], rel=1e-2)


def test_an_antisymmetric_start_is_zero_to_rounding(runs_dir):
    small = ("widths=[64,128]", "reference_width=null", "num_seeds=2", "n_samples=12", "in_features=3", "num_times=4")
    result = lazyregime.run(*small, "end_time=3", command="flow", quiet=True)
    assert result["error_antisymmetric"] < 1e-14


def test_particles_start_with_the_distribution_of_the_radial_pde(runs_dir):
    lazyregime.run(
        "target=two_gaussians", "activation=mmn18", "init=mmn18", "trained=w", "integrator=sgd", "num_cells=300",
        "integrator.step=0.002", "scaling=mean_field", "widths=[400]", "reference_width=null", "in_features=20",
        "n_samples=50", "end_time=0.2", "first_time=0.01", "num_times=8", "num_seeds=2", command="flow", quiet=True,
    )  # fmt: skip
    arrays = load_file(next(runs_dir.rglob("kernels.safetensors")))
    mass, radii = arrays["limit/mean_field/mass"][0], arrays["limit/mean_field/radii"]
    mean = float(mass @ radii)
    assert arrays["mean_field/norms"][0].mean() == pytest.approx(mean, rel=0.02)
    assert arrays["mean_field/norms"][0].std() == pytest.approx(float(np.sqrt(mass @ (radii - mean) ** 2)), rel=0.2)
    assert len(load_runs(runs_dir)) == 1
