"""The tangent model against the explicit Jacobian in float64, one gradient at a time."""

import pytest
import torch

from lazyregime.networks import CNN, MLP, Linearized


def jacobian(network, x):
    """D f_k(x_n) / d w_p, by its definition: (n, k, p)."""

    def row(sample, k):
        gradients = torch.autograd.grad(network(sample[None])[0, k], list(network.parameters()))
        return torch.cat([g.flatten() for g in gradients])

    n_outputs = network(x[:1]).shape[1]
    return torch.stack([torch.stack([row(sample, k) for k in range(n_outputs)]) for sample in x])


def make(arch, parameterization="ntk"):
    torch.manual_seed(1)
    if arch == "cnn":
        return CNN(3, image_size=8, n_outputs=2, parameterization=parameterization).double()
    return MLP(7, in_features=64, n_outputs=2, parameterization=parameterization, activation="gelu").double()


CASES = [("mlp", "standard"), ("mlp", "ntk"), ("cnn", "standard"), ("cnn", "mean_field")]


@pytest.mark.parametrize(("arch", "parameterization"), CASES)
def test_it_is_the_jacobian_times_the_displacement(arch, parameterization):
    network = make(arch, parameterization)
    x = torch.randn(4, 1, 8, 8, dtype=torch.float64)
    j = jacobian(network, x)
    linear = Linearized(network)
    assert torch.equal(linear(x), torch.zeros(4, 2, dtype=torch.float64))
    with torch.no_grad():
        for d in linear.delta:
            d.normal_()
    delta = torch.cat([d.detach().flatten() for d in linear.delta])
    torch.testing.assert_close(linear(x), j @ delta)


@pytest.mark.parametrize(("arch", "parameterization"), CASES)
def test_its_gradient_is_the_jacobian_transposed(arch, parameterization):
    network = make(arch, parameterization)
    x = torch.randn(4, 1, 8, 8, dtype=torch.float64)
    j = jacobian(network, x)
    linear = Linearized(network)
    g = torch.randn(4, 2, dtype=torch.float64)
    linear(x).backward(g)
    gradient = torch.cat([d.grad.flatten() for d in linear.delta])
    torch.testing.assert_close(gradient, torch.einsum("nkp,nk->p", j, g))


def test_only_the_displacement_is_trained_and_the_network_is_kept():
    network = make("mlp")
    linear = Linearized(network)
    trained = [name for name, p in linear.named_parameters() if p.requires_grad]
    assert len(trained) == len(list(network.parameters()))
    assert all(name.startswith("delta.") for name in trained)
    with torch.no_grad():
        for p in network.parameters():
            p.zero_()
    assert all(bool(w.any()) for w in linear.displaced().values())


def test_the_gap_to_the_network_is_second_order():
    network = make("mlp")
    x = torch.randn(4, 1, 8, 8, dtype=torch.float64)
    torch.manual_seed(2)
    direction = [torch.randn_like(p) for p in network.parameters()]

    def gap(eps):
        linear = Linearized(network)
        moved = make("mlp")
        with torch.no_grad():
            for d, p, v in zip(linear.delta, moved.parameters(), direction, strict=True):
                d.copy_(eps * v)
                p.add_(eps * v)
        return float((moved(x) - network(x) - linear(x)).detach().norm())

    slope = torch.log2(torch.tensor(gap(2e-3) / gap(1e-3)))
    assert float(slope) == pytest.approx(2.0, abs=0.05)
