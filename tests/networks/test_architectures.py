"""Every architecture of conf/arch, in every parameterization: what its scales say, one function, Jacobian, saving."""

import copy
import io

import pytest
import torch
from network_cases import ARCHITECTURES, CASES, NTK_CASES, Case, jacobian
from torch.func import functional_call

from lazyregime.networks import Linearized, frozen_copy, parameter_scales, parameterization_of, width_of

by_name = {"argvalues": CASES, "ids": str}


@pytest.mark.parametrize("case", **by_name)
def test_it_says_its_parameterization_and_width(case):
    network = case.network()
    assert parameterization_of(network) == parameterization_of(copy.deepcopy(network)) == case.parameterization
    assert width_of(network) == network.width
    assert list(parameter_scales(network)) == [name for name, _ in network.named_parameters()]


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_parameterizations_describe_the_same_function(arch):
    outputs = {}
    for parameterization in ("ntk", "mean_field", "mup"):
        case = Case(arch, parameterization)
        network = case.network()
        outputs[parameterization] = network(case.inputs())
    torch.testing.assert_close(outputs["mean_field"], outputs["ntk"] / network.width**0.5, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(outputs["mup"], outputs["mean_field"], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("case", **by_name)
def test_it_is_a_function_of_each_sample_alone(case):
    network, x = case.network().train(), case.inputs()
    alone = torch.cat([network(sample) for sample in x.split(1)])
    torch.testing.assert_close(network(x), alone, rtol=1e-10, atol=1e-12)
    assert float((alone[0] - alone[1]).detach().abs().max()) > 1e-9 * float(alone.detach().abs().max())


@pytest.mark.parametrize("case", NTK_CASES, ids=str)
def test_training_moves_every_parameter(case):
    network = case.network()
    network(case.inputs()).square().sum().backward()
    without = [name for name, p in network.named_parameters() if p.grad is None or not bool(p.grad.any())]
    assert without == []


@pytest.mark.parametrize("case", **by_name)
def test_its_tangent_model_is_its_jacobian(case):
    network, x = case.network(), case.inputs(3)
    j, linear = jacobian(network, x), Linearized(network)
    with torch.no_grad():
        for delta in linear.delta:
            delta.normal_()
    delta = torch.cat([d.detach().flatten() for d in linear.delta])
    torch.testing.assert_close(linear(x), j @ delta, rtol=1e-9, atol=1e-11)
    g = torch.randn_like(linear(x))
    linear(x).backward(g)
    gradient = torch.cat([d.grad.flatten() for d in linear.delta])
    torch.testing.assert_close(gradient, torch.einsum("nkp,nk->p", j, g), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_it_is_saved_and_loaded(arch):
    case = Case(arch, "mup")
    network, other, x = case.network(seed=1), case.network(seed=2), case.inputs()
    assert not torch.equal(other(x), network(x))
    stream = io.BytesIO()
    torch.save(network.state_dict(), stream)
    stream.seek(0)
    other.load_state_dict(torch.load(stream, weights_only=True))
    assert torch.equal(other(x), network(x))
    assert torch.equal(frozen_copy(network)(x), network(x))


@pytest.mark.parametrize("case", NTK_CASES, ids=str)
def test_members_of_an_ensemble_are_the_network_each(case):
    networks, x = [case.network(seed) for seed in range(3)], case.inputs()
    stacked, buffers = torch.func.stack_module_state(networks)
    assert not buffers
    found = torch.func.vmap(lambda w: functional_call(networks[0], w, (x,)))(stacked)
    torch.testing.assert_close(found, torch.stack([network(x) for network in networks]), rtol=1e-10, atol=1e-12)
