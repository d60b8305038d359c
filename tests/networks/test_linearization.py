"""What the tangent model keeps, and how far it is from its network (test_architectures has it against the Jacobian)."""

import pytest
import torch

from lazyregime.networks import MLP, Linearized


def make():
    torch.manual_seed(1)
    return MLP(7, in_features=64, n_outputs=2, parameterization="ntk", activation="gelu").double()


def test_only_the_displacement_is_trained_and_the_network_is_kept():
    network = make()
    linear = Linearized(network)
    trained = [name for name, p in linear.named_parameters() if p.requires_grad]
    assert len(trained) == len(list(network.parameters()))
    assert all(name.startswith("delta.") for name in trained)
    with torch.no_grad():
        for p in network.parameters():
            p.zero_()
    assert all(bool(w.any()) for w in linear.displaced().values())


def test_the_gap_to_the_network_is_second_order():
    network = make()
    x = torch.randn(4, 1, 8, 8, dtype=torch.float64)
    torch.manual_seed(2)
    direction = [torch.randn_like(p) for p in network.parameters()]

    def gap(eps):
        linear = Linearized(network)
        moved = make()
        with torch.no_grad():
            for d, p, v in zip(linear.delta, moved.parameters(), direction, strict=True):
                d.copy_(eps * v)
                p.add_(eps * v)
        return float((moved(x) - network(x) - linear(x)).detach().norm())

    slope = torch.log2(torch.tensor(gap(2e-3) / gap(1e-3)))
    assert float(slope) == pytest.approx(2.0, abs=0.05)
