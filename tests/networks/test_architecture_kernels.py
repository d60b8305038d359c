"""The kernel engine on every architecture of conf/arch, against one gradient at a time in float64."""

import pytest
import torch
from network_cases import NTK_CASES, jacobian

from lazyregime.kernels import empirical_ntk, explain


@pytest.mark.parametrize("case", NTK_CASES, ids=str)
def test_layer_rules_and_fallback_are_the_definition(case):
    network, x1, x2 = case.network(), case.inputs(3), case.inputs(4, seed=1)
    j1, j2 = jacobian(network, x1), jacobian(network, x2)
    full = torch.einsum("nkp,mlp->nmkl", j1, j2)
    expected = {"full": full, "trace": full.diagonal(dim1=2, dim2=3).sum(2), "diagonal": full.diagonal(dim1=2, dim2=3)}
    for outputs, kernel in expected.items():
        found = empirical_ntk(network, x1, x2, outputs=outputs)
        torch.testing.assert_close(found, kernel, rtol=1e-9, atol=1e-10 * float(kernel.abs().max()))
    fallback = empirical_ntk(network, x1, x2, rules="none")
    torch.testing.assert_close(fallback, expected["trace"], rtol=1e-9, atol=1e-10 * float(fallback.abs().max()))
    symmetric = torch.einsum("nkp,mkp->nm", j1, j1)
    torch.testing.assert_close(
        empirical_ntk(network, x1), symmetric, rtol=1e-9, atol=1e-10 * float(symmetric.abs().max())
    )


@pytest.mark.parametrize("case", NTK_CASES, ids=str)
def test_every_layer_has_a_rule(case):
    assert "fallback" not in str(explain(case.network(), case.inputs()))
