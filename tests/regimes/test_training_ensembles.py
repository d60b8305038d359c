"""Networks that Adam or SGD trains together: the weights, losses and optimizer states of each trained alone."""

import pytest
import torch
from pretend_device import DEVICES, agree

from lazyregime.errors import LazyRegimeError
from lazyregime.networks import CNN, MLP
from lazyregime.regimes import MSE, SGD, Adam, Ensemble, Feature, Lazy, Regular, Scaled

N, D, STEPS = 12, 4, 5
ALPHAS, RATES = (1.0, 0.1, 30.0), (1e-3, 3e-3, 1e-2)


def module_of(regime, recipe, number, kind="mlp", loss=None):
    torch.manual_seed(number)
    if kind == "cnn":
        network = CNN(width=3, in_channels=1, n_outputs=2, parameterization="ntk")
    else:
        network = MLP(8, depth=2, in_features=D, n_outputs=2, activation="tanh", parameterization=kind)
    alpha = {} if regime in (Regular, Feature) else {"alpha": ALPHAS[number]}
    return regime(network.double(), optimizer=recipe(RATES[number]), loss=loss, **alpha)


def batches(kind="mlp", real=False):
    draw = torch.Generator().manual_seed(7)
    shape = (1, 28, 28) if kind == "cnn" else (D,)
    for _ in range(STEPS):
        x = torch.randn(len(ALPHAS), N, *shape, generator=draw, dtype=torch.float64)
        y = torch.randn(len(ALPHAS), N, 2, generator=draw, dtype=torch.float64) if real else None
        yield x, torch.randint(2, (len(ALPHAS), N), generator=draw) if y is None else y


def trained_alone(module, number, kind, real):
    """By its own optimizer and autograd, a step at a time."""
    optimizer = module.optimizer.build(module.scaled_parameters(), alpha=module.alpha)
    losses = []
    base = [group["lr"] for group in optimizer.param_groups]
    for step, (x, y) in enumerate(batches(kind, real)):
        for group, lr in zip(optimizer.param_groups, base, strict=True):
            group["lr"] = lr * (1 - step / STEPS)
        optimizer.zero_grad()
        value = module.loss(module(x[number]), y[number])
        losses.append(float(value.detach()))
        (value / module.alpha**2).backward()
        optimizer.step()
    return optimizer, losses


RECIPES = {
    "adam": lambda lr: Adam(lr=lr),
    "adamw": lambda lr: Adam(lr=lr, weight_decay=0.1),
    "sgd": lambda lr: SGD(lr=lr),
    "momentum": lambda lr: SGD(lr=lr, momentum=0.9),
    "nesterov": lambda lr: SGD(lr=lr, momentum=0.9, nesterov=True),
}


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(
    ("regime", "kind", "real"),
    [
        (Regular, "standard", False),
        (Regular, "cnn", False),
        (Feature, "mup", False),
        (Scaled, "ntk", True),
        (Lazy, "ntk", False),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_members_take_the_steps_that_they_take_alone(regime, kind, real, recipe):
    loss = MSE() if real else None
    together = Ensemble([module_of(regime, RECIPES[recipe], i, kind, loss) for i in range(len(ALPHAS))])
    before = together.weights.clone()
    seen = [together.step(x, y, 1 - step / STEPS).losses for step, (x, y) in enumerate(batches(kind, real))]
    assert float((together.weights - before).norm()) > 1e-6
    for number in range(len(ALPHAS)):
        module = module_of(regime, RECIPES[recipe], number, kind, loss)
        optimizer, losses = trained_alone(module, number, kind, real)
        torch.testing.assert_close(
            torch.stack(seen)[:, number], torch.tensor(losses, dtype=torch.float64), rtol=1e-9, atol=1e-12
        )
        parameters = [p for _, p, _ in module.scaled_parameters()]
        for found, expected in zip(together.parameters_of(number), parameters, strict=True):
            torch.testing.assert_close(found, expected.detach(), rtol=1e-9, atol=1e-11)
        for found, p in zip(together.optimizer_state_of(number), parameters, strict=True):
            expected = {key: value for key, value in optimizer.state[p].items() if value is not None}
            assert found.keys() == expected.keys()
            for key, value in expected.items():
                torch.testing.assert_close(found[key].double(), value.double(), rtol=1e-7, atol=1e-14)


def test_what_differs_in_more_than_weights_alpha_and_rate_is_refused():
    adam, sgd = module_of(Regular, RECIPES["adam"], 0, "ntk"), module_of(Regular, RECIPES["sgd"], 1, "ntk")
    decayed = module_of(Regular, RECIPES["adamw"], 1, "ntk")
    for other, words in ((sgd, "regime, loss, schedule or optimizer"), (decayed, r"one optimizer\.weight_decay")):
        with pytest.raises(LazyRegimeError, match=words):
            Ensemble([adam, other])


@pytest.mark.parametrize("where", DEVICES)
@pytest.mark.parametrize("recipe", ["adam", "momentum"])
@pytest.mark.parametrize("kind", ["ntk", "cnn"])
def test_an_ensemble_is_trained_where_its_networks_are(kind, recipe, where):
    def trained(device):
        together = Ensemble([module_of(Scaled, RECIPES[recipe], i, kind).to(device) for i in range(len(ALPHAS))])
        for x, y in batches(kind):
            losses = together.step(x.to(device), y.to(device)).losses
        return together.weights, losses

    expected = trained(torch.device("cpu"))
    with where() as there:
        found = trained(there.device)
        assert all(agree(a, b, there.device) for a, b in zip(found, expected, strict=True))
        assert found[0].device.type == there.device.type
