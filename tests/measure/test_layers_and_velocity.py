"""Norm and turn of each layer's kernel, and how fast the kernel turns, against kernels and formulae of their own."""

import pytest
import torch
from torch import nn

from lazyregime import RegimeProbe
from lazyregime.measure.kernel_maker import KernelMaker
from lazyregime.measure.points import Points
from lazyregime.measure.probe import Probe
from lazyregime.measure.seen import as_seen
from lazyregime.networks import frozen_copy


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2))


def points() -> Points:
    torch.manual_seed(4)
    x, y = torch.randn(12, 4), torch.arange(12) % 2
    return Points(x[:6], y[:6], None, x[6:], y[6:], 6, 2)


def own_kernel(model: nn.Module, x: torch.Tensor, prefix: str = "") -> torch.Tensor:
    """The definition, of the parameters whose names begin so."""
    wanted = [p for name, p in model.named_parameters() if name.startswith(prefix)]
    rows = [
        torch.cat([g.reshape(-1) for g in torch.autograd.grad(model(sample[None])[0, k], wanted)])
        for sample in x
        for k in range(2)
    ]
    j = torch.stack(rows).double().view(len(x), 2, -1)
    return torch.einsum("nkp,mkp->nm", j, j)


def sine(a: torch.Tensor, b: torch.Tensor) -> float:
    cosine = float((a * b).sum() / a.norm() / b.norm())
    return (1 - cosine**2) ** 0.5


def move(model: nn.Sequential, step: float) -> None:
    torch.manual_seed(5)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(step * torch.randn_like(p))


def test_layers_have_norms_and_turns_that_add_up():
    model, at = network(), points()
    initial = as_seen(frozen_copy(model), at.anchors)
    probe = Probe(at, initial, KernelMaker(), per_layer=True)
    first = probe.look(as_seen(model, at.anchors), "init")
    before = {layer: own_kernel(model, at.anchors, layer) for layer in ("", "0.", "2.")}
    move(model, 0.3)
    last = probe.look(as_seen(model, at.anchors), "final")
    after = {layer: own_kernel(model, at.anchors, layer) for layer in ("", "0.", "2.")}
    assert torch.allclose(after["0."] + after["2."], after[""])
    for prefix, name in (("", ""), ("0.", "/0"), ("2.", "/2")):
        assert first.scalars["kernel_norm" + name] == pytest.approx(float(before[prefix].norm()), rel=1e-5)
        assert last.scalars["kernel_norm" + name] == pytest.approx(float(after[prefix].norm()), rel=1e-5)
        assert last.moved["kernel_angle" + name] == pytest.approx(sine(before[prefix], after[prefix]), rel=1e-4)
    again = Probe(at, initial, KernelMaker(), per_layer=True)
    again.load_state_dict(probe.state_dict())
    assert again.look(as_seen(model, at.anchors), "final").moved == last.moved


def test_without_being_asked_no_layer_is_looked_at():
    model, at = network(), points()
    probe = Probe(at, as_seen(frozen_copy(model), at.anchors))
    found = probe.look(as_seen(model, at.anchors), "init")
    assert found.layer_grams is None and not [name for name in found.scalars if name.startswith("kernel_norm/")]


def test_velocity_is_the_turn_since_the_look_before_by_the_time_since():
    model, at = network(), points()
    probe = Probe(at, as_seen(frozen_copy(model), at.anchors))
    kernels, times = [own_kernel(model, at.anchors)], [0.0, 0.5, 0.5, 3.0]
    assert "kernel_velocity" not in probe.look(as_seen(model, at.anchors), "init", times[0]).moved
    found = []
    for number, time in enumerate(times[1:]):
        move(model, 0.2)
        kernels.append(own_kernel(model, at.anchors))
        found.append(probe.look(as_seen(model, at.anchors), f"look_{number}", time).moved["kernel_velocity"])
    # a second look at the same time counts from the one before that time
    pairs = [(0, 1, 0.5), (0, 2, 0.5), (2, 3, 2.5)]
    assert found == pytest.approx([_turn(kernels[a], kernels[b]) / elapsed for a, b, elapsed in pairs], rel=1e-4)
    assert "kernel_velocity" not in probe.look(as_seen(model, at.anchors), "final").moved  # nobody says when


def _turn(a: torch.Tensor, b: torch.Tensor) -> float:
    return 1 - float((a * b).sum() / a.norm() / b.norm())


def test_a_probe_in_a_loop_of_ones_own_counts_calls():
    model, at = network(), points()
    x, y = torch.cat([at.anchors, at.test_inputs]), torch.cat([at.anchor_labels, at.test_labels])
    probe = RegimeProbe(model, x, y)
    move(model, 0.2)
    first = probe.step()["kernel_velocity"]
    move(model, 0.0)
    assert first > 0 and probe.step()["kernel_velocity"] == pytest.approx(0.0, abs=1e-12)
