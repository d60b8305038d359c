"""A look in between: the same kernels, by one computation; the regression on the held-out points, by one protocol."""

import pytest
import torch
from problem import fit, no_progress, recorder, small_data, small_network, small_regime
from safetensors.torch import load, save

from lazyregime.kernels import empirical_ntk
from lazyregime.measure import Probe, kernel_maker
from lazyregime.measure.points import points_of
from lazyregime.measure.probing import NTKProbe
from lazyregime.measure.seen import as_seen
from lazyregime.networks import MLP, frozen_copy
from lazyregime.regimes import Lazy

ANCHORS = torch.cat([torch.arange(c, 12, 3) for c in range(3)])


def kernel(network, x, z):
    """By explicit Jacobians, summed over outputs."""

    def jacobian(points):
        rows = []
        for point in points:
            f = network(point[None])[0]
            rows.append([torch.autograd.grad(f[k], list(network.parameters()), retain_graph=True) for k in range(3)])
        return torch.stack([torch.stack([torch.cat([g.flatten() for g in gs]) for gs in row]) for row in rows])

    return torch.einsum("nkp,mkp->nm", jacobian(x), jacobian(z))


def probe_in_between(protocol):
    """A probe of a training of three epochs, which also looked after the second."""
    data, module = small_data(), small_regime()
    probe = NTKProbe(
        module.network, data, recorder(data), no_progress, anchors_per_class=4, n_held_out=7, protocol=protocol,
        at={"epochs": [3]},
    )  # fmt: skip
    fit(module, data, [probe, recorder(data)])
    probe.look(module, "final")  # the weights of epoch 3
    return probe.probe, data, module.network


def test_kernels_are_those_of_a_full_look_and_the_regression_that_of_the_held_out_points():
    probe, data, network = probe_in_between("adh")
    between, final = probe.found["epoch_3"], probe.found["final"]
    torch.testing.assert_close(between.grams["adh"], final.grams["adh"])
    torch.testing.assert_close(between.held_out, final.held_out)
    for name, value in final.moved.items():
        assert between.moved[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name
    x, y, z = data.train_inputs[ANCHORS], data.train_labels[ANCHORS], data.test_inputs[:7]
    targets = torch.nn.functional.one_hot(y).double()
    right = (kernel(network, z, x) @ torch.linalg.solve(kernel(network, x, x), targets)).argmax(1)
    assert torch.equal(between.per_point["adh"], right == data.test_labels[:7])
    assert between.scalars["kernel_accuracy_adh"] == float((right == data.test_labels[:7]).double().mean())
    assert torch.equal(between.per_point["adh"], final.per_point["adh"][:7]) and len(final.per_point["adh"]) == 40
    assert set(between.per_point) == {"adh"} and set(final.per_point) == {"adh", "poster"}
    assert probe.warnings == []


def test_the_posters_protocol_where_it_is_the_headline():
    probe, _, _ = probe_in_between("poster")
    between, final = probe.found["epoch_3"], probe.found["final"]
    assert set(between.per_point) == {"poster"} and "kernel_accuracy_adh" not in between.scalars
    assert torch.equal(between.per_point["poster"], final.per_point["poster"][:7])
    torch.testing.assert_close(between.grams["poster"], final.grams["poster"])


def test_a_frozen_kernel_is_the_first_one_exactly():
    torch.manual_seed(0)
    network = MLP(16, depth=2, in_features=25, n_outputs=3, parameterization="ntk").double()
    data, module = small_data(), Lazy(network)
    probe = NTKProbe(network, data, recorder(data), no_progress, anchors_per_class=4, at={"epochs": [2]})
    fit(module, data, [probe, recorder(data)])
    assert probe.probe.found["epoch_2"].moved["kernel_change"] == 0
    assert load(save(probe.probe.tensors()))["gram_epoch_2"].shape == (12, 12)


def test_gradients_are_computed_once_a_point(monkeypatch):
    sizes = []

    def counted(model, x1, x2=None, **options):
        sizes.append(len(x1) + (0 if x2 is None else len(x2)))
        return empirical_ntk(model, x1, x2, **options)

    monkeypatch.setattr(kernel_maker, "empirical_ntk", counted)
    network = small_network()
    points = points_of(small_data(), anchors_per_class=4, n_held_out=7)
    probe = Probe(points, as_seen(frozen_copy(network), points.anchors), headline="adh")
    probe.look(as_seen(network, points.anchors), "init")
    assert sum(sizes) == 12 + 12 + 7 + 40 + 24
    sizes.clear()
    with torch.no_grad():
        network.layers[1].weight.mul_(2)
    probe.look(as_seen(network, points.anchors), "step_1")
    assert sum(sizes) == 12 + 7
