"""The regimes against closed forms and each other, full batch and in float64."""

import math

import pytest
import torch
from torch.func import functional_call, jacrev

from lazyregime.errors import LazyRegimeError
from lazyregime.networks import CNN, MLP
from lazyregime.regimes import MSE, SGD, Adam, Feature, Lazy, Regular, Scaled, alpha_of, laziness

N_SAMPLES, IN_FEATURES, N_OUTPUTS = 12, 6, 3


def problem(seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(N_SAMPLES, IN_FEATURES, dtype=torch.float64, generator=generator)
    return x, torch.randint(N_OUTPUTS, (N_SAMPLES,), generator=generator)


def network(width=32, parameterization="ntk", seed=5, activation="tanh"):
    torch.manual_seed(seed)
    return MLP(
        width, depth=2, in_features=IN_FEATURES, n_outputs=N_OUTPUTS, activation=activation,
        parameterization=parameterization,
    ).double()  # fmt: skip


def descend(module, x, y, steps):
    """Full-batch training with the module's own step and optimizer, without a Trainer."""
    optimizer = module.configure_optimizers()
    outputs = []
    for step in range(steps):
        optimizer.zero_grad()
        module.training_step((x, y), step).backward()
        optimizer.step()
        outputs.append(module(x).detach())
    return torch.stack(outputs)


def own_ntk(module, x):
    """The kernel of the module's own function by its Jacobian: (n k, n k)."""
    parameters = {name: p.detach() for name, p in module.function.named_parameters() if p.requires_grad}
    fixed = {name: p.detach() for name, p in module.function.named_parameters() if not p.requires_grad}
    jacobian = jacrev(lambda p: functional_call(module.function, {**fixed, **p}, (x,)))(parameters)
    j = torch.cat([part.reshape(N_SAMPLES * N_OUTPUTS, -1) for part in jacobian.values()], dim=1)
    return j @ j.T


@pytest.mark.parametrize("optimizer", [SGD(lr=0.01), Adam(lr=0.001)], ids=["sgd", "adam"])
def test_alpha_changes_how_lazy_and_not_how_fast(optimizer):
    x, y = problem()
    first = {
        alpha: descend(Scaled(network(), alpha=alpha, loss=MSE(), optimizer=optimizer), x, y, 1)[0]
        for alpha in (10.0, 1e4)
    }
    # to first order in the step F moves by the same amount; what is left falls like the step over alpha
    difference = float((first[10.0] - first[1e4]).norm() / first[1e4].norm())
    assert difference < 0.01
    assert float(first[1e4].norm()) > 0


@pytest.mark.parametrize("parameterization", ["ntk", "mean_field"])
def test_weight_decay_shrinks_every_weight_alike(parameterization):
    module = Scaled(network(8, parameterization), alpha=5.0, optimizer=Adam(lr=0.1, weight_decay=0.3))
    optimizer = module.configure_optimizers()
    before = [p.detach().clone() for p in module.parameters() if p.requires_grad]
    assert len({group["lr"] for group in optimizer.param_groups}) > 1
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for was, parameter in zip(before, (p for p in module.parameters() if p.requires_grad), strict=True):
        torch.testing.assert_close(parameter, (1 - 0.1 * 0.3) * was, rtol=1e-12, atol=0)


def test_lazy_training_is_the_closed_form_of_gradient_descent_with_a_frozen_kernel():
    x, y = problem()
    lr, steps = 0.3, 200
    module = Lazy(network(), alpha=3.0, loss=MSE(), optimizer=SGD(lr=lr))
    theta = own_ntk(module, x)
    targets = torch.nn.functional.one_hot(y, N_OUTPUTS).double().reshape(-1)
    path = descend(module, x, y, steps).reshape(steps, -1)
    eigenvalues, q = torch.linalg.eigh(theta / N_SAMPLES)
    for t in (1, 10, steps):
        # (loss 1/2 |F - Y|^2 / n: F_t = (I - (I - lr Theta / n)^t) Y, whatever alpha is
        expected = q @ ((1 - (1 - lr * eigenvalues) ** t) * (q.T @ targets))
        torch.testing.assert_close(path[t - 1], expected, rtol=1e-8, atol=1e-8)


def test_small_steps_converge_to_kernel_gradient_flow_at_first_order():
    x, y = problem()
    time = 4.0
    targets = torch.nn.functional.one_hot(y, N_OUTPUTS).double().reshape(-1)
    errors = []
    for steps in (40, 80):
        module = Lazy(network(), loss=MSE(), optimizer=SGD(lr=time / steps))
        theta = own_ntk(module, x) / N_SAMPLES
        flow = targets - torch.linalg.matrix_exp(-theta * time) @ targets
        errors.append(float((descend(module, x, y, steps)[-1].reshape(-1) - flow).norm() / flow.norm()))
    assert errors[1] < 0.01
    assert math.log2(errors[0] / errors[1]) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_lazy_kernel_does_not_move(activation):
    x, y = problem()
    module = Lazy(network(activation=activation), loss=MSE(), optimizer=SGD(lr=0.3))
    before = own_ntk(module, x)
    outputs = descend(module, x, y, 100)
    assert float(outputs[-1].norm()) > 0.5
    torch.testing.assert_close(own_ntk(module, x), before, rtol=1e-5, atol=0)


def test_lazy_works_on_a_convolutional_network():
    torch.manual_seed(0)
    cnn = CNN(4, image_size=8, n_outputs=N_OUTPUTS, parameterization="ntk").double()
    x, y = torch.randn(N_SAMPLES, 1, 8, 8, dtype=torch.float64), problem()[1]
    module = Lazy(cnn, loss=MSE(), optimizer=SGD(lr=0.1))
    before = own_ntk(module, x)
    descend(module, x, y, 20)
    torch.testing.assert_close(own_ntk(module, x), before, rtol=1e-5, atol=1e-12)


def kernel_change(regime, width, steps=400, **options):
    x, y = problem()
    module = regime(network(width), loss=MSE(), optimizer=SGD(lr=0.5), **options)
    module.function = module.network if regime is Regular else module.function
    before = own_ntk(Regular(module.network, loss=MSE()), x)
    descend(module, x, y, steps)
    after = own_ntk(Regular(module.network, loss=MSE()), x)
    return float((after - before).norm() / before.norm())


def test_the_feature_kernel_moves_by_order_one_at_every_width():
    changes = [kernel_change(Feature, width) for width in (32, 128, 512)]
    assert min(changes) > 0.3
    assert max(changes) / min(changes) < 1.5


def test_the_kernel_moves_as_one_over_alpha():
    changes = [kernel_change(Scaled, 64, alpha=alpha) for alpha in (10.0, 100.0)]
    assert math.log10(changes[1] / changes[0]) == pytest.approx(-1.0, abs=0.1)  # [GSJW20, figure 5], the lazy side


def test_at_fixed_alpha_the_kernel_moves_less_in_wider_networks():
    changes = [kernel_change(Scaled, width, alpha=1.0) for width in (32, 512)]
    slope = math.log(changes[1] / changes[0]) / math.log(512 / 32)
    # Between [GSJW20]'s -1/2 and the -1 of Huang and Yau (arXiv 1909.08156); here -0.9.
    assert -1.15 < slope < -0.4


def test_large_alpha_follows_the_lazy_regime_with_an_error_of_one_over_alpha():
    x, y = problem()

    def path(regime, alpha):
        return descend(regime(network(), alpha=alpha, loss=MSE(), optimizer=SGD(lr=0.3)), x, y, 60)[-1]

    gaps = [float((path(Scaled, alpha) - path(Lazy, alpha)).norm()) for alpha in (30.0, 300.0)]
    assert math.log10(gaps[1] / gaps[0]) == pytest.approx(-1.0, abs=0.1)  # [COB19, theorem 2.3]


def test_laziness_and_alpha_are_one_axis():
    assert laziness(1.0, network(100)) == pytest.approx(10.0)
    assert laziness(1.0, network(100, "standard")) == pytest.approx(10.0)
    assert laziness(1.0, network(100, "mean_field")) == laziness(1.0, network(100, "mup")) == 1.0
    assert alpha_of(1.0, network(100)) == pytest.approx(0.1)
    assert Feature(network(64)).alpha == pytest.approx(1 / 8)
    assert Feature(network(64, "mean_field")).alpha == 1.0


def test_a_loss_that_is_not_finite_stops_the_training_at_its_step():
    x, y = problem()
    module = Scaled(network(), alpha=1.0, loss=MSE(), optimizer=SGD(lr=1e6))
    with pytest.raises(LazyRegimeError, match=r"not finite at step \d+ \(alpha=1, lr=1000000.0, width=32\)"):
        descend(module, x, y, 200)
        module.check_finite()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Scaled(network()), "regime=scaled needs an alpha"),
        (lambda: Scaled(network(), alpha=0.0), "alpha=0 is not possible"),
        (lambda: Scaled(network(), alpha=-1.0), "alpha must be positive"),
        (lambda: Scaled(network(), alpha=math.nan), "alpha must be positive"),
        (lambda: Regular(network(), alpha=3.0), "use regime=scaled"),
        (lambda: Scaled(network(), alpha=2.0, linearized=True, centred=False), "is a contradiction"),
        (lambda: Regular(network(), linearized=True), "contradicts this regime"),
        (lambda: Feature(network(), alpha=1.0, linearized=True), "contradicts this regime"),
        (lambda: Lazy(network(), linearized=False), "contradicts this regime"),
        (lambda: Regular(network(), schedule="step"), "choose one of constant"),
        (lambda: Adam(lr=-1.0), "lr=-1.0 is not possible"),
        (lambda: Adam(weight_decay=-0.1), "optimizer.weight_decay=-0.1 is not possible"),
        (lambda: SGD(momentum=1.0), r"must lie in \[0, 1\)"),
        (lambda: SGD(nesterov=True), "needs optimizer.momentum"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(make, message):
    with pytest.raises(LazyRegimeError, match=message):
        make()


def test_the_inverse_schedule_falls_by_epoch_as_the_formula_says():
    module = Scaled(network(), alpha=1.0, optimizer=SGD(lr=0.3), schedule="inverse")
    made = module.configure_optimizers()
    scheduler, group = made["lr_scheduler"]["scheduler"], made["optimizer"].param_groups[0]
    assert made["lr_scheduler"]["interval"] == "epoch"
    rates = []
    for _ in range(4):
        rates.append(group["lr"] / 0.3)
        made["optimizer"].step()
        scheduler.step()
    first = rates[0]  # the multiplier of the parameterization
    assert [rate / first for rate in rates] == pytest.approx([1, 1 / (1 + 1 / 3), 1 / (1 + 2 / 3), 1 / 2])
