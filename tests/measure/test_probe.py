"""The probe's numbers against their definitions: the explicit Jacobian, the explicit solve, the explicit rule."""

import pickle
from dataclasses import replace
from typing import ClassVar

import pytest
import torch
from problem import fit, no_progress, recorder, small_data, small_network, small_regime
from safetensors.torch import load, save
from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.measure import Probe
from lazyregime.measure.kernel_maker import KernelMaker
from lazyregime.measure.points import points_of
from lazyregime.measure.probing import NTKProbe
from lazyregime.measure.seen import as_seen
from lazyregime.networks import MLP, frozen_copy
from lazyregime.regimes import MSE, Adam, Lazy, Regular


def jacobian(network, x):
    def row(sample, k):
        gradients = torch.autograd.grad(network(sample[None])[0, k], list(network.parameters()))
        return torch.cat([g.flatten() for g in gradients])

    return torch.stack([torch.stack([row(sample, k) for k in range(3)]) for sample in x])


def trace_kernel(network, x, z):
    return torch.einsum("nkp,mkp->nm", jacobian(network, x), jacobian(network, z))


def probe_of(module, data, **options):
    return NTKProbe(module.network, data, recorder(data), no_progress, anchors_per_class=4, **options)


def test_both_protocols_are_their_definitions():
    data, module = small_data(), small_regime()
    found = probe_of(module, data).look(module, "init")
    network, anchors = module.network, torch.cat([torch.arange(c, 12, 3) for c in range(3)])
    x, labels = data.train_inputs[anchors], data.train_labels[anchors]
    assert labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    targets = torch.nn.functional.one_hot(labels).double()
    k, h = trace_kernel(network, data.test_inputs, x), trace_kernel(network, x, x)
    adh = (k @ torch.linalg.solve(h, targets)).argmax(1)
    assert found["kernel_accuracy_adh"] == pytest.approx(float((adh == data.test_labels).double().mean()))
    assert found["condition_number_adh"] == pytest.approx(float(torch.linalg.cond(h)), rel=1e-6)
    raw = ((x * 0.5 + 0.3) * 255).round()
    k, h = trace_kernel(network, data.test_inputs, raw), trace_kernel(network, raw, raw)
    poster = labels[(k @ torch.linalg.inv(h)).argmax(1)]
    assert found["kernel_accuracy_poster"] == pytest.approx(float((poster == data.test_labels).double().mean()))


def test_movement_is_measured_from_initialization():
    data, module = small_data(), small_regime()
    probe = probe_of(module, data)
    initial = small_network()
    fit(module, data, [probe, recorder(data)])
    probe.look(module, "final")
    result = probe.probe.result()
    anchors = torch.cat([torch.arange(c, 12, 3) for c in range(3)])
    x = data.train_inputs[anchors]
    before, after = trace_kernel(initial, x, x), trace_kernel(module.network, x, x)
    assert result["kernel_change"] == pytest.approx(float((after - before).norm() / before.norm()), rel=1e-6)
    cosine = float((after * before).sum() / (after.norm() * before.norm()))
    assert result["kernel_distance"] == pytest.approx(1 - cosine, rel=1e-6)
    w0 = torch.cat([p.detach().flatten() for p in initial.parameters()])
    w = torch.cat([p.detach().flatten() for p in module.network.parameters()])
    assert result["parameter_displacement"] == pytest.approx(float((w - w0).norm() / w0.norm()), rel=1e-6)
    for (name, p0), p in zip(initial.named_parameters(), module.network.parameters(), strict=True):  # layer by layer
        moved, size = float((p - p0).detach().norm()), float(p0.detach().norm())
        assert result[f"parameter_displacement/{name}"] == pytest.approx(moved / size, rel=1e-6)
        assert result[f"displacement/{name}"] == pytest.approx(moved, rel=1e-6)
    first = (initial.layers[1](x.flatten(1)) > 0) == (module.network.layers[1](x.flatten(1)) > 0)
    assert 0 < result["relu_unchanged"] <= 1
    assert first.double().mean() == pytest.approx(result["relu_unchanged"], abs=0.25)
    kept = probe.probe.tensors()
    torch.testing.assert_close(kept["gram_init"], before)
    torch.testing.assert_close(kept["spectrum_final"], torch.linalg.eigvalsh(after).flip(0))


def test_at_initialization_nothing_has_moved():
    """By definition: its row has 0, and 1 where what is measured is a ratio or what stayed."""
    data, module = small_data(), small_regime()
    probe = probe_of(module, data)
    rows = probe.look(module, "init")
    for name in ("kernel_change", "kernel_distance", "kernel_angle", "kernel_cka", "parameter_displacement"):
        assert rows[name] == pytest.approx(0, abs=1e-12), name
    assert rows["kernel_growth"] == rows["relu_unchanged"] == 1
    assert "linearization_gap" not in rows  # of what has not moved it is 0/0
    assert not probe.probe.warnings
    assert "kernel_change" not in probe.probe.result()  # which tells how far it has come


def test_the_lazy_kernel_is_the_initial_one():
    torch.manual_seed(0)
    network = MLP(16, depth=2, in_features=25, n_outputs=3, parameterization="ntk").double()
    data, module = small_data(), Lazy(network)
    probe = NTKProbe(network, data, recorder(data), no_progress, anchors_per_class=4)
    fit(module, data, [probe, recorder(data)])
    probe.look(module, "final")
    result = probe.probe.result()
    assert result["kernel_change"] == 0
    assert result["kernel_accuracy_adh_final"] == result["kernel_accuracy_adh_init"]
    assert result["parameter_displacement"] > 0
    assert result["verdict"] == "lazy"
    kept = load(save(probe.probe.tensors()))  # safetensors refuses tensors that share memory
    assert torch.equal(kept["right_adh_final"], kept["right_adh_init"])


def test_held_out_kernels_and_right_points_are_kept():
    data, module = small_data(), small_regime()
    probe = probe_of(module, data, n_held_out=7)
    initial = small_network()
    fit(module, data, [probe, recorder(data)])
    probe.look(module, "final")
    kept, result = probe.probe.tensors(), probe.probe.result()
    z = data.test_inputs[:7]
    torch.testing.assert_close(kept["held_out_init"], trace_kernel(initial, z, z))
    torch.testing.assert_close(kept["held_out_final"], trace_kernel(module.network, z, z))
    assert kept["held_out_labels"].tolist() == data.test_labels[:7].tolist()
    anchors = torch.cat([torch.arange(c, 12, 3) for c in range(3)])
    x, labels = data.train_inputs[anchors], data.train_labels[anchors]
    targets = torch.nn.functional.one_hot(labels).double()
    for tag, network in (("init", initial), ("final", module.network)):
        k, h = trace_kernel(network, data.test_inputs, x), trace_kernel(network, x, x)
        right = (k @ torch.linalg.solve(h, targets)).argmax(1) == data.test_labels
        assert torch.equal(kept[f"right_adh_{tag}"], right)
        assert result[f"kernel_accuracy_adh_{tag}"] == float(right.double().mean())


def test_as_many_points_are_held_out_as_there_are_anchors():
    assert probe_of(small_regime(), small_data()).points.num_held_out == 12
    assert probe_of(small_regime(), small_data(n_test=8)).points.num_held_out == 8
    with pytest.raises(LazyRegimeError, match=r"n_held_out=41 is not possible: .* the 40 test points"):
        probe_of(small_regime(), small_data(), n_held_out=41)


def with_targets(data, targets):
    """The same inputs with these targets, a function of the classes."""
    return replace(
        data, train_labels=targets[data.train_labels], test_labels=targets[data.test_labels],
        validation_labels=targets[data.validation_labels],
    )  # fmt: skip


def test_real_targets_have_a_risk_in_the_place_of_an_accuracy():
    data = with_targets(small_data(), torch.tensor([[0.3, -1.0, 2.0], [1.0, 0.5, 0.0], [-2.0, 0.1, 0.7]]).double())
    module = small_regime(loss=MSE())
    probe = NTKProbe(module.network, data, recorder(data), anchors_per_class=12)
    initial = small_network()
    fit(module, data, [probe, recorder(data)])
    probe.look(module, "final")
    result, kept = probe.probe.result(), probe.probe.tensors()
    assert probe.probe.warnings == []
    x, y = data.train_inputs[:12], data.train_labels[:12]
    for tag, network in (("init", initial), ("final", module.network)):
        values = trace_kernel(network, data.test_inputs, x) @ torch.linalg.solve(trace_kernel(network, x, x), y)
        errors = (values - data.test_labels).square().sum(1)
        assert result[f"kernel_risk_adh_{tag}"] == pytest.approx(float(errors.mean()), rel=1e-6)
        torch.testing.assert_close(kept[f"squared_error_adh_{tag}"], errors, rtol=1e-6, atol=1e-9)
    assert not [key for key in result if "accuracy" in key or "poster" in key]
    assert 0 < result["kernel_alignment_init"] < 1
    assert torch.equal(kept["anchor_targets"], y)


def test_one_output_of_two_classes_is_regressed_on_by_its_sign():
    data = replace(small_data(), n_outputs=1)
    data = with_targets(data, torch.tensor([0, 1, 1]))
    torch.manual_seed(0)
    module = Regular(MLP(16, depth=2, in_features=25, n_outputs=1).double(), loss=MSE(), optimizer=Adam(lr=0.01))
    found = probe_of(module, data).look(module, "init")
    anchors = torch.cat([torch.where(data.train_labels == c)[0][:4] for c in range(2)])
    x, y = data.train_inputs[anchors], 2.0 * data.train_labels[anchors] - 1

    weights = list(module.network.parameters())

    def gradient(sample):
        return torch.cat([g.flatten() for g in torch.autograd.grad(module.network(sample[None])[0, 0], weights)])

    def kernel(a, b):
        return torch.stack([gradient(each) for each in a]) @ torch.stack([gradient(each) for each in b]).T

    f = kernel(data.test_inputs, x) @ torch.linalg.solve(kernel(x, x), y.double())
    right = (f > 0).long() == data.test_labels
    assert found["kernel_accuracy_adh"] == pytest.approx(float(right.double().mean()))
    assert 0 <= found["kernel_accuracy_poster"] <= 1


def test_a_data_sets_own_kernel_points_are_the_anchors():
    data = small_data()
    data = replace(data, kernel_inputs=data.test_inputs[30:], kernel_labels=data.test_labels[30:])
    assert torch.equal(probe_of(small_regime(), data).points.anchors, data.test_inputs[30:])


def test_a_probe_that_fails_takes_no_training_with_it():
    data, module = small_data(), small_regime()
    probe = probe_of(module, data)
    fit(module, data, [probe, recorder(data)])
    with torch.no_grad():
        module.network.layers[1].weight[0, 0] = float("inf")
    probe.look(module, "final")
    result = probe.probe.result()
    assert result["verdict"] is None
    assert result["kernel_accuracy_adh_init"] > 0  # what was found before is kept
    assert "kernel_change" not in result and "kernel_accuracy_adh_final" not in result
    assert result["parameter_displacement"] is None and 0 < result["relu_unchanged"] <= 1
    assert probe.probe.warnings[0].startswith("The kernel at final could not be computed: ")
    assert any(w.startswith("parameter_displacement has no value at final: it is inf") for w in probe.probe.warnings)
    assert {"gram_init", "held_out_init"} <= set(probe.probe.tensors())


def test_a_kernel_that_nobody_can_compute_is_a_warning_and_the_rest_is_measured():
    class Refusing(KernelMaker):
        why: ClassVar = RuntimeError("no room")

        def __call__(self, *_, **__):
            raise self.why

    network = small_network()
    points = points_of(small_data(), anchors_per_class=4)
    probe = Probe(points, as_seen(frozen_copy(network), points.anchors), Refusing())
    probe.look(as_seen(network, points.anchors), "init")
    with torch.no_grad():
        network.layers[1].weight.mul_(2)
    probe.look(as_seen(network, points.anchors), "final")
    assert probe.warnings == [
        f"The kernel at {tag} could not be computed: RuntimeError: no room" for tag in ("init", "final")
    ]
    weight = dict(small_network().named_parameters())["layers.1.weight"]
    assert probe.result()["displacement"] == pytest.approx(float(weight.detach().norm()))
    assert probe.result()["verdict"] is None
    Refusing.why = MemoryError("no room")  # on a larger machine there is
    with pytest.raises(MemoryError):
        probe.look(as_seen(network, points.anchors), "final")


def test_a_look_leaves_every_layer_in_its_mode():
    network = nn.Sequential(nn.Flatten(), nn.Linear(25, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3)).double()
    network.train()
    network[2].eval()  # as somebody does who fine-tunes
    points = points_of(small_data(), anchors_per_class=4)
    probe = Probe(points, as_seen(frozen_copy(network).eval(), points.anchors))
    assert probe.look(as_seen(network, points.anchors), "init").grams
    assert [layer.training for layer in network] == [True, True, False, True, True]


def test_a_probe_goes_on_from_its_state_and_from_that_of_the_version_before():
    data, module = small_data(), small_regime()
    probe = probe_of(module, data)
    fit(module, data, [probe, recorder(data)])
    probe.probe.warnings.append("Something.")
    state = pickle.loads(pickle.dumps(probe.state_dict()))
    other = probe_of(small_regime(), data)
    other.load_state_dict(state)
    probe.look(module, "final")
    other.look(module, "final")
    assert other.probe.result() == probe.probe.result()
    assert other.probe.warnings == ["Something."]
    first = state["found"]["init"]
    state["found"]["init"] = {"scalars": first["scalars"] | {"kernel_change": 0.5}, "grams": first["grams"]}
    del state["warnings"]
    other.load_state_dict(state)
    other.look(module, "final")
    mine, theirs = probe.probe.result(), other.probe.result()
    assert set(mine) - set(theirs) == {"kernel_cka"}  # of which nothing was kept then
    assert {key for key in theirs if theirs[key] != mine[key]} == {"kernel_gain", "kernel_gain_error"}  # the same
    assert theirs["kernel_gain"] is theirs["kernel_gain_error"] is None
