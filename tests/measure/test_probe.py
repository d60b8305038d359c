"""The probe's numbers against their definitions: the explicit Jacobian, the explicit solve, the explicit rule."""

import pytest
import torch
from problem import fit, no_progress, recorder, small_data, small_network, small_regime

from lazyregime.measure import NTKProbe, verdict
from lazyregime.networks import MLP
from lazyregime.regimes import Lazy


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
    found = probe_of(module, data).measure(module, "init").scalars
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
    probe.measure(module, "final")
    result = probe.result()
    anchors = torch.cat([torch.arange(c, 12, 3) for c in range(3)])
    x = data.train_inputs[anchors]
    before, after = trace_kernel(initial, x, x), trace_kernel(module.network, x, x)
    assert result["kernel_change"] == pytest.approx(float((after - before).norm() / before.norm()), rel=1e-6)
    cosine = float((after * before).sum() / (after.norm() * before.norm()))
    assert result["kernel_distance"] == pytest.approx(1 - cosine, rel=1e-6)
    w0 = torch.cat([p.detach().flatten() for p in initial.parameters()])
    w = torch.cat([p.detach().flatten() for p in module.network.parameters()])
    assert result["parameter_displacement"] == pytest.approx(float((w - w0).norm() / w0.norm()), rel=1e-6)
    first = (initial.layers[1](x.flatten(1)) > 0) == (module.network.layers[1](x.flatten(1)) > 0)
    assert 0 < result["relu_unchanged"] <= 1
    assert first.double().mean() == pytest.approx(result["relu_unchanged"], abs=0.25)
    kept = probe.tensors()
    torch.testing.assert_close(kept["gram_init"], before)
    torch.testing.assert_close(kept["spectrum_final"], torch.linalg.eigvalsh(after).flip(0))


def test_the_lazy_kernel_is_the_initial_one():
    torch.manual_seed(0)
    network = MLP(16, depth=2, in_features=25, n_outputs=3, parameterization="ntk").double()
    data, module = small_data(), Lazy(network)
    probe = NTKProbe(network, data, recorder(data), no_progress, anchors_per_class=4)
    fit(module, data, [probe, recorder(data)])
    probe.measure(module, "final")
    result = probe.result()
    assert result["kernel_change"] == 0
    assert result["kernel_accuracy_adh_final"] == result["kernel_accuracy_adh_init"]
    assert result["parameter_displacement"] > 0
    assert result["verdict"] == "lazy"


@pytest.mark.parametrize(
    ("change", "distance", "word"),
    [(0.01, 0.0, "lazy"), (0.5, 0.01, "in between"), (30.0, 0.05, "in between"), (2.0, 0.3, "feature learning")],
)
def test_the_verdict_rests_on_two_numbers(change, distance, word):
    assert verdict(change, distance) == word
