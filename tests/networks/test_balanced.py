"""Two layers at any balance: one function, and the kernel b^2 K_w + K_a / b^2."""

import pytest
import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import empirical_ntk
from lazyregime.networks import Balanced


def made(balance, activation="relu"):
    torch.manual_seed(0)
    return Balanced(20, in_features=6, n_outputs=2, activation=activation, balance=balance).double()


@pytest.mark.parametrize("activation", ["relu", "linear"])
def test_the_function_does_not_depend_on_it_and_the_kernel_does(activation):
    x = torch.randn(7, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    one, four = made(1.0, activation), made(4.0, activation)
    torch.testing.assert_close(one(x), four(x))
    first, readout = [layer for layer in one.layers if hasattr(layer, "weight")]
    readout.weight.requires_grad_(False)
    of_first = empirical_ntk(one, x)
    readout.weight.requires_grad_(True)
    first.weight.requires_grad_(False)
    of_readout = empirical_ntk(one, x)
    torch.testing.assert_close(empirical_ntk(four, x), 16 * of_first + of_readout / 16)


@pytest.mark.parametrize(
    ("options", "words"), [({"activation": "tanh"}, "not homogeneous"), ({"balance": 0.0}, "positive and finite")]
)
def test_what_cannot_be_is_refused(options, words):
    with pytest.raises(LazyRegimeError, match=words):
        Balanced(4, in_features=3, n_outputs=1, **options)
