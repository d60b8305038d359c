"""(ntk, alpha), (mean_field, sqrt(N) alpha) and (mup, sqrt(N) alpha) follow one trajectory: every file of conf/arch."""

import pytest
import torch
from network_cases import ARCHITECTURES, N_OUTPUTS, Case

from lazyregime.regimes import MSE, SGD, Adam, CrossEntropy, Scaled

ALPHA, STEPS, N_SAMPLES = 0.7, 12, 6
OPTIMIZERS = {"sgd": SGD(lr=0.1), "momentum": SGD(lr=0.05, momentum=0.9), "adam": Adam(lr=0.5)}


def trajectory(case, alpha, optimizer, loss, **options):
    """F after every full-batch step: (steps, n, k)."""
    x, y = case.inputs(N_SAMPLES), torch.arange(N_SAMPLES) % N_OUTPUTS
    module = Scaled(case.network(**options), alpha=alpha, loss=loss, optimizer=optimizer)
    optimizer, outputs = module.configure_optimizers(), []
    for step in range(STEPS):
        optimizer.zero_grad()
        module.training_step((x, y), step).backward()
        optimizer.step()
        outputs.append(module(x).detach())
    return torch.stack(outputs)


def check_law(arch, optimizer, loss=None, **options):
    loss = loss or MSE()
    first = trajectory(Case(arch, "ntk"), ALPHA, optimizer, loss, **options)
    assert float(first[-1].abs().max()) > 1e-3  # it has moved
    assert float((first[-1] - first[0]).norm()) > 0.1 * float(first[-1].norm())
    width = Case(arch, "ntk").network(**options).width
    for parameterization in ("mean_field", "mup"):
        found = trajectory(Case(arch, parameterization), width**0.5 * ALPHA, optimizer, loss, **options)
        torch.testing.assert_close(found, first, rtol=1e-8, atol=1e-9 * float(first.abs().max()))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_one_trajectory(arch, optimizer):
    check_law(arch, OPTIMIZERS[optimizer])


@pytest.mark.parametrize("norm", ["group", "batch", "none"])
def test_one_trajectory_with_other_norms(norm):
    check_law("resnet18", OPTIMIZERS["adam"], norm=norm, num_groups=4)


def test_one_trajectory_under_another_loss_and_without_biases():
    check_law("mlp", OPTIMIZERS["adam"], CrossEntropy(), bias=False)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_another_laziness_is_another_trajectory(arch):
    """What the law could not be told from, if training did not depend on alpha."""
    case = Case(arch, "ntk")
    near, far = (trajectory(case, alpha, OPTIMIZERS["adam"], MSE())[-1] for alpha in (ALPHA, 8**0.5 * ALPHA))
    assert float((near - far).norm()) > 0.01 * float(near.norm())
