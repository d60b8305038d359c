"""The sphere and the spiked covariates: their laws, the norms of their targets, their seeds."""

import math

import pytest
import torch

from lazyregime.data import SphereTarget, effective_dimension, sphere, spiked
from lazyregime.data.sphere import hermite
from lazyregime.data.spiked import chains
from lazyregime.errors import LazyRegimeError


def test_sphere_is_uniform_with_radius_sqrt_d():
    data = sphere(dimension=10, n_train=20_000, n_test=5)
    x = data.train_inputs
    torch.testing.assert_close(x.norm(dim=1), torch.full((20_000,), math.sqrt(10), dtype=torch.float64))
    covariance = x.T @ x / len(x)
    assert float((covariance - torch.eye(10)).abs().max()) < 5 * math.sqrt(2 / len(x))
    assert float(x.mean(0).abs().max()) < 5 / math.sqrt(len(x))


@pytest.mark.parametrize("target", ["gegenbauer", "hermite", "neuron"])
def test_norms_of_the_parts_are_those_of_the_samples(target):
    data = sphere(dimension=12, target=target, target_powers=[0.1, 0.2, 0.3, 0.4], n_train=10, n_test=200_000)
    known = SphereTarget.of(12, target, [0.1, 0.2, 0.3, 0.4], "relu", data_seed=0)
    y = data.test_labels[:, 0]
    torch.testing.assert_close(known(data.test_inputs), data.test_labels)
    assert float(y.square().mean()) == pytest.approx(sum(known.powers), rel=0.03)
    assert float(y.mean()) ** 2 == pytest.approx(known.powers[0], abs=0.02)
    if target == "gegenbauer":
        assert known.powers[:4] == pytest.approx((0.1, 0.2, 0.3, 0.4)) and known.power_above(1) == pytest.approx(0.7)


def test_hermite_polynomials_are_orthonormal():
    z = torch.linspace(-12, 12, 4001, dtype=torch.float64)
    density = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    h = hermite(z, 6)
    torch.testing.assert_close((h * density) @ h.T, torch.eye(7, dtype=torch.float64), atol=1e-10, rtol=0)


def test_noise_is_on_training_targets_only():
    clean, noisy = (sphere(dimension=6, noise_std=s, n_train=20_000, n_test=50) for s in (0.0, 0.5))
    assert torch.equal(clean.test_labels, noisy.test_labels) and torch.equal(clean.train_inputs, noisy.train_inputs)
    assert float((noisy.train_labels - clean.train_labels).std()) == pytest.approx(0.5, rel=0.03)


@pytest.mark.parametrize("make", [sphere, spiked])
def test_seeds(make):
    few, many = make(n_train=7, n_validation=3, n_test=4), make(n_train=9, n_validation=5, n_test=4)
    assert torch.equal(few.train_inputs[:3], many.train_inputs[:3]) or make is spiked
    again, other = make(n_train=7, n_validation=3, n_test=4), make(n_train=7, n_validation=3, n_test=4, data_seed=1)
    for name in ("train_inputs", "train_labels", "validation_inputs", "test_inputs", "test_labels"):
        assert torch.equal(getattr(few, name), getattr(again, name))
        assert not torch.equal(getattr(few, name), getattr(other, name))
    assert torch.equal(few.test_inputs, many.test_inputs)


def test_spiked_radii_and_unit_parts():
    data = spiked(dimension=100, signal_dimension=8, kappa=0.5, n_train=100_000, n_test=10)
    signal, noise = data.train_inputs.split([8, 92], dim=1)
    r = 100**0.25
    torch.testing.assert_close(signal.norm(dim=1), torch.full((100_000,), r * math.sqrt(8), dtype=torch.float64))
    torch.testing.assert_close(noise.norm(dim=1), torch.full((100_000,), math.sqrt(92), dtype=torch.float64))
    assert float(data.train_labels.square().mean()) == pytest.approx(3.0, rel=0.05)  # three parts of unit norm
    assert float(data.train_labels.mean()) == pytest.approx(0, abs=0.03)  # no constant part
    assert float((signal * data.train_labels).mean(0).abs().max()) < 0.1  # and no linear part


def test_chains_by_hand():
    z = torch.tensor([[1.0, 2.0, 3.0, 4.0]], dtype=torch.float64)
    b = [torch.tensor([]), torch.tensor([]), torch.tensor([1.0, 10.0, 100.0]), torch.tensor([1.0, 10.0])]
    assert float(chains(z, [t.double() for t in b])) == (2 + 60 + 1200) + (6 + 240)


def test_effective_dimension():
    assert effective_dimension(1024, 16, 0.0) == 1024
    assert effective_dimension(1024, 16, 0.6) == pytest.approx(16)
    assert effective_dimension(1024, 16, 0.9) == 16


@pytest.mark.parametrize(
    ("make", "options", "says"),
    [
        (sphere, {"dimension": 2}, "whole number from 3"),
        (sphere, {"target": "cubic"}, "choose one of"),
        (sphere, {"target": "neuron", "neuron": "gelu"}, "choose one of"),
        (sphere, {"target_powers": [-1.0]}, "numbers >= 0, of degrees"),
        (sphere, {"n_train": 0}, "whole number from 1"),
        (sphere, {"noise_std": float("nan")}, "finite number >= 0"),
        (sphere, {"data_seed": -1}, "whole number"),
        (spiked, {"signal_dimension": 3}, "signal_dimension"),
        (spiked, {"signal_dimension": 1024}, "signal_dimension"),
        (spiked, {"kappa": float("inf")}, "finite"),
        (
            spiked,
            {"target_powers": ["a"]},
            r"data.target_powers=\['a'\] is not possible; give a list of 1 to 65 numbers",
        ),
        (sphere, {"target_powers": "abc"}, "give a list of 1 to 9 numbers"),
        (sphere, {"target_powers": [True]}, "give a list of 1 to 9 numbers"),
        (sphere, {"target_powers": [0.0] * 10}, "give a list of 1 to 9 numbers"),
    ],
)
def test_what_cannot_be_is_refused(make, options, says):
    with pytest.raises(LazyRegimeError, match=says):
        make(**{"n_train": 4, "n_test": 4, **options})
