"""Metrics of features, gradients and the tangent model against NumPy, explicit derivatives and closed forms."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from problem import fit, recorder, small_data, small_regime
from test_probe import jacobian, probe_of
from torch import nn

from lazyregime.measure import Moment
from lazyregime.measure.function import Function
from lazyregime.measure.metrics import all_metrics
from lazyregime.networks import MLP
from lazyregime.regimes import MSE, CrossEntropy, Lazy, Scaled

METRICS = {metric.name: metric for metric in all_metrics()}


def network(seed=0, **options):
    torch.manual_seed(seed)
    return MLP(16, depth=2, in_features=25, n_outputs=3, **options).double()


def weights(net):
    return {name: p.detach().clone() for name, p in net.named_parameters()}


def moments(before, after):
    """Two moments of networks of one structure, on 12 points."""
    data = small_data()
    x, labels = data.train_inputs[:12], data.train_labels[:12]
    function = Function(after, x)
    return tuple(Moment(weights=weights(net), function=function, labels=labels) for net in (before, after)), x


def value(name, now, first=None):
    return METRICS[name].compute(now, first)


def penultimate(net, x):
    return net.layers[:-1](x.flatten(1)).detach().numpy()


def test_the_gap_is_that_of_the_explicit_jacobian():
    before, after = network(), network()
    with torch.no_grad():
        for p in after.parameters():
            p.add_(0.3 * torch.randn(p.shape, generator=torch.Generator().manual_seed(1), dtype=p.dtype) / 4)
    (first, now), x = moments(before, after)
    w0, w = (torch.cat([p.detach().flatten() for p in net.parameters()]) for net in (before, after))
    lin = before(x).detach() + torch.einsum("nkp,p->nk", jacobian(before, x), w - w0)
    f, f0 = after(x).detach(), before(x).detach()
    assert value("linearization_gap", now, first) == pytest.approx(float((f - lin).norm() / (f - f0).norm()))
    assert value("linearization_gap", first, first) is None


def test_a_step_of_the_readout_alone_has_no_gap():
    before, after = network(), network()
    with torch.no_grad():
        after.layers[-1].weight.add_(1.0)
    (first, now), _ = moments(before, after)
    assert value("linearization_gap", now, first) < 1e-12
    assert value("feature_cka", now, first) == 0


def test_features_are_what_the_last_layer_is_given():
    (first, now), x = moments(network(0), network(1))
    h = np.eye(12) - 1 / 12
    a, b = (h @ phi @ phi.T @ h for phi in (penultimate(network(0), x), penultimate(network(1), x)))
    assert value("feature_cka", now, first) == pytest.approx(1 - (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))
    s = np.linalg.svd(h @ penultimate(network(1), x), compute_uv=False) ** 2
    assert value("feature_rank", now) == pytest.approx(s.sum() ** 2 / (s**2).sum())


def test_d_lr_is_its_definition():
    (_, now), x = moments(network(0), network(1))
    h = np.eye(12) - 1 / 12
    phi, f = h @ penultimate(network(1), x), h @ network(1)(x).detach().numpy()
    p = f @ np.linalg.pinv(f)
    k = phi @ phi.T
    expected = 1 - (k * p).sum() / np.linalg.norm(k) / np.linalg.norm(p)
    assert 0.05 < expected < 0.95
    assert value("low_rank_richness", now) == pytest.approx(expected)


def test_nc1_is_its_definition():
    (_, now), x = moments(network(0), network(1))
    phi, labels = penultimate(network(1), x), now.labels.numpy()
    means = np.stack([phi[labels == c].mean(0) for c in range(3)])
    between = np.cov(means.T, bias=True)
    within = sum(np.cov(phi[labels == c].T, bias=True) * (labels == c).sum() for c in range(3)) / 12
    assert value("neural_collapse", now) == pytest.approx(np.trace(within @ np.linalg.pinv(between)) / 3, rel=1e-8)


def collapsed(spread):
    """Features that are one corner of a simplex a class, and noise; outputs are their class's."""
    labels = torch.arange(12) % 3
    x = torch.eye(3).double()[labels]
    x = x + spread * torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype)
    readout = nn.Sequential(nn.Linear(3, 3, bias=False)).double()
    with torch.no_grad():
        readout[0].weight.copy_(torch.eye(3))
    return Moment(weights=weights(readout), function=Function(readout, x), labels=labels)


def test_collapsed_features_are_as_rich_as_can_be():
    assert value("neural_collapse", collapsed(0.0)) == pytest.approx(0, abs=1e-20)
    assert value("low_rank_richness", collapsed(0.0)) == pytest.approx(0, abs=1e-12)
    assert value("feature_rank", collapsed(0.0)) == pytest.approx(2)  # a simplex of three corners
    # noise of variance s^2 in each of C - 1 = 2 directions where the means have variance 1/3
    many = [value("neural_collapse", collapsed(s)) for s in (0.01, 0.1)]
    assert many[1] / many[0] == pytest.approx(100, rel=0.2)


def test_the_neural_feature_ansatz_is_that_of_explicit_gradients():
    (_, now), x = moments(network(0), network(1))
    net, inputs = network(1), [x.flatten(1)]
    inputs.append(net.layers[:3](inputs[0]).detach())
    found = value("neural_feature_ansatz", now)
    names = [name for name, m in net.named_modules() if isinstance(m, nn.Linear)]
    assert list(found) == names[:-1]
    starts = [i for i, m in enumerate(net.layers) if isinstance(m, nn.Linear)]
    for name, start in zip(names[:-1], starts, strict=False):
        tail = net.layers[start:]
        a = net.layers[:start](x.flatten(1)).detach()
        j = torch.stack([torch.autograd.functional.jacobian(tail, each[None])[0, :, 0] for each in a])
        agop = sum(row.T @ row for row in j)
        w = dict(net.named_parameters())[f"{name}.weight"].detach()
        m = w.T @ w
        assert found[name] == pytest.approx(float((m * agop).sum() / m.norm() / agop.norm()))


def test_a_linear_network_with_balanced_layers_satisfies_the_ansatz_exactly():
    # f = W2 W1 x: AGOP of x is W1^T W2^T W2 W1, which for W2^T W2 = W1 W1^T is (W1^T W1)^2
    net = nn.Sequential(nn.Linear(5, 4, bias=False), nn.Linear(4, 4, bias=False)).double()
    w1 = torch.randn(4, 5, generator=torch.Generator().manual_seed(0)).double()
    u, s, _ = torch.linalg.svd(w1, full_matrices=False)
    with torch.no_grad():
        net[0].weight.copy_(w1)
        net[1].weight.copy_(torch.diag(s) @ u.T)
    found = value(
        "neural_feature_ansatz", Moment(weights=weights(net), function=Function(net, torch.ones(3, 5).double()))
    )
    assert found["0"] == pytest.approx(float((s**6).sum() / (s**4).sum().sqrt() / (s**8).sum().sqrt()))


def test_a_run_has_them_all_and_a_tangent_model_none():
    data, module = small_data(), small_regime()
    probe = probe_of(module, data)
    fit(module, data, [probe, recorder(data)])
    probe.look(module, "final")
    result = probe.probe.result()
    names = (
        "linearization_gap",
        "feature_cka",
        "feature_rank_init",
        "low_rank_richness_final",
        "neural_collapse_final",
    )
    assert all(result[name] > 0 for name in names)
    assert any(name.startswith("neural_feature_ansatz_final/") for name in result)
    assert probe.probe.warnings == []
    lazy = Lazy(network(parameterization="ntk"))
    probe = probe_of(lazy, data)
    fit(lazy, data, [probe, recorder(data)])
    probe.look(lazy, "final")
    assert not {"linearization_gap", "feature_rank_init"} & set(probe.probe.result())


def test_features_see_the_buffers_of_the_network_that_is_trained():
    net = nn.Sequential(nn.Linear(25, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3)).double().eval()
    x = small_data().train_inputs[:12].flatten(1)
    with torch.no_grad():
        net[1].running_mean.fill_(0.5)
    expected = net[:3](x).detach()
    torch.testing.assert_close(Function(net, x).features(weights(net)), expected)


@pytest.mark.parametrize(("alpha", "centred", "loss"), [(1.0, False, CrossEntropy()), (0.3, True, MSE())])
def test_sharpness_is_the_top_eigenvalue_of_the_explicit_hessian(alpha, centred, loss):
    before, after = network(0), network(1)
    (first, now), x = moments(before, after)
    module = Scaled(before, alpha=alpha, centred=centred, loss=loss)
    start, labels = before(x).detach(), now.labels
    names, shapes = zip(*((name, p.shape) for name, p in after.named_parameters()), strict=True)

    def trained(flat):
        parts = flat.split([shape.numel() for shape in shapes])
        w = {name: part.view(shape) for name, part, shape in zip(names, parts, shapes, strict=True)}
        f = torch.func.functional_call(after, w, (x,))
        return loss(alpha * (f - start if centred else f), labels) / alpha**2

    flat = torch.cat([p.detach().flatten() for p in after.parameters()])
    expected = float(torch.linalg.eigvalsh(torch.func.hessian(trained)(flat))[-1])
    known = replace(now, objective=module.objective)
    assert value("sharpness", known, first) == pytest.approx(expected, rel=0.05)
    assert value("sharpness", now, first) is None  # nobody knows the loss


def test_sharpness_of_a_linear_network_is_that_of_its_inputs():
    """Half the mean square of a linear network: H = X^T X / n."""
    torch.manual_seed(0)
    net, x, y = nn.Linear(5, 1, bias=False).double(), torch.randn(9, 5).double(), torch.randn(9, 1).double()
    moment = Moment(
        weights=weights(net), function=Function(net, x), labels=y, objective=lambda f, f0, targets: MSE()(f, targets)
    )
    assert value("sharpness", moment) == pytest.approx(float(torch.linalg.eigvalsh(x.T @ x / 9)[-1]), rel=0.05)
