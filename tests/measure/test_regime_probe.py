"""The probe of other people's loops: the same numbers as by hand, whoever trains, and a verdict that may be any."""

import math

import pytest
import torch
from problem import small_data
from test_probe import trace_kernel
from torch import nn

import lazyregime
from lazyregime import RegimeProbe
from lazyregime.errors import LazyRegimeError
from lazyregime.lightning import pl


class Net(nn.Module):
    """Somebody's network, with an output scale."""

    def __init__(self, scale=1.0, width=64):
        super().__init__()
        self.scale = scale
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(25, width), nn.ReLU(), nn.Linear(width, 3)).double()

    def forward(self, x):
        return self.scale * self.body(x)


def made(scale=1.0):
    torch.manual_seed(0)
    return Net(scale)


def train(network, steps, lr, *, each=lambda: None):
    """A bare loop: gradient descent on the square loss of one-hot targets, from f = 0."""
    data = small_data()
    x, y = data.train_inputs, nn.functional.one_hot(data.train_labels).double()
    start = network(x).detach()
    optimizer = torch.optim.SGD(network.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (network(x) - start - y).square().mean()
        loss.backward()
        optimizer.step()
        each()
    return loss.item()


def assert_as_in_a_bare_loop(probe, bare, other):
    """A probe has seen a training; a bare loop that does the same gives another one its curves and its verdict."""
    data = small_data()
    optimizer = torch.optim.SGD(bare.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        nn.functional.cross_entropy(bare(data.train_inputs), data.train_labels).backward()
        optimizer.step()
        other.step()
    assert len(probe.curves) == len(other.curves) == 3
    for mine, theirs in zip(probe.curves, other.curves, strict=True):
        assert mine == pytest.approx(theirs)
    assert probe.curves[-1]["kernel_angle"] > probe.curves[0]["kernel_angle"] > 0
    assert probe.verdict() == other.verdict()


def probe_of(network, **options):
    data = small_data()
    return RegimeProbe(network, data.test_inputs, data.test_labels, **options)


def test_its_numbers_are_those_of_explicit_kernels():
    network, data = made(), small_data()
    probe = probe_of(network)
    order = torch.argsort(data.test_labels, stable=True)
    x, z = data.test_inputs[order[::2].sort().values], data.test_inputs[order[1::2].sort().values]
    before = trace_kernel(network, x, x), trace_kernel(network, z, z)
    train(network, 50, 0.1)
    after = trace_kernel(network, x, x), trace_kernel(network, z, z)
    result = probe.result()

    def cosine(a, b):
        return float((a * b).sum() / a.norm() / b.norm())

    h = torch.eye(20).double() - 1 / 20
    assert result["kernel_angle"] == pytest.approx(math.sin(math.acos(cosine(before[0], after[0]))), rel=1e-6)
    assert result["kernel_cka"] == pytest.approx(1 - cosine(h @ before[1] @ h, h @ after[1] @ h), rel=1e-6)
    assert result["kernel_growth"] == pytest.approx(float(after[0].norm() / before[0].norm()), rel=1e-9)


@pytest.mark.parametrize(("scale", "word"), [(300.0, "lazy"), (0.02, "feature learning")])
def test_the_verdict_is_that_of_the_output_scale(scale, word):
    """Both fit the targets, each at a learning rate that its scale allows; only the large scale leaves the kernel."""
    network = made(scale)
    probe = probe_of(network, draw=lambda: Net(scale))
    assert train(network, 3000, 0.3 / scale**2 if scale > 1 else 1 / scale) < 0.11  # half of 2/9
    verdict = probe.verdict()
    assert verdict.word == word, verdict
    assert "two initializations differ by" in verdict.sentence
    assert probe.warnings == []


def test_before_any_training_there_is_no_verdict():
    assert probe_of(made()).verdict().sentence == "No verdict: no weight moved, so nothing was trained."


def test_a_lightning_trainer_has_the_curves_and_the_verdict_of_a_bare_loop():
    data = small_data()

    class Module(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.network = made()

        def training_step(self, batch, _):
            x, y = batch
            return nn.functional.cross_entropy(self.network(x), y)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    module, bare = Module(), made()
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(data.train_inputs, data.train_labels), batch_size=120
    )
    probes = probe_of(module.network), probe_of(bare)
    pl.Trainer(
        max_epochs=3, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=[probes[0].callback()],
    ).fit(module, loader)  # fmt: skip
    assert_as_in_a_bare_loop(probes[0], bare, probes[1])


def test_the_training_is_the_same_with_it_and_without():
    alone, watched = made(), made()
    watched.train()
    probe = probe_of(watched, draw=made)
    before = torch.get_rng_state()
    losses = train(alone, 5, 0.1), train(watched, 5, 0.1, each=probe.step)
    probe.verdict()
    assert losses[0] == losses[1] and watched.training
    assert torch.equal(before, torch.get_rng_state())


def test_real_targets_of_one_number():
    data = small_data()
    network = nn.Sequential(nn.Flatten(), nn.Linear(25, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    probe = RegimeProbe(network, data.test_inputs, data.test_inputs.flatten(1)[:, 0])
    with torch.no_grad():
        network[1].weight.add_(torch.randn(8, 25).double())
    assert probe.result()["kernel_risk_adh_final"] > 0
    assert probe.verdict().word is not None


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (torch.zeros(6, 25), torch.zeros(5).long(), "as many labels as points"),
        (torch.zeros(3, 25), torch.zeros(3).long(), "at least 4"),
        (torch.zeros(6, 25), torch.zeros(6, 2).long(), "one number a point"),
        (torch.zeros(6, 25), torch.full((6,), -1), "counted from 0"),
        (torch.zeros(6, 7).double(), torch.arange(6) % 2, "The kernel at init could not be computed"),
    ],
)
def test_what_does_not_fit_together_is_refused_in_a_sentence(x, y, words):
    with pytest.raises(LazyRegimeError, match=words):
        RegimeProbe(made(), x, y)


def test_it_stands_at_the_front():
    assert "RegimeProbe" in dir(lazyregime)
