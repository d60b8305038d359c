"""Theta c = J (J^T c) for networks of all kinds is what the kernel of samples alone says, or refused."""

import pytest
import torch
from ntk_reference import check_right, ntk, relative_error
from odd_networks import ODD, WARNINGS, Odds
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import EmpiricalKernel, KernelRegression
from lazyregime.networks import ViT

pytestmark = pytest.mark.filterwarnings(*WARNINGS)


@pytest.mark.parametrize("name", ODD)
def test_products_are_those_of_samples_alone_or_refused(name):
    odd = ODD[name]
    model, x = odd.build()
    kernel = EmpiricalKernel(model)
    default = torch.get_default_dtype()
    try:
        num_outputs = kernel.derivatives(x).num_outputs
        c = torch.randn(len(x), num_outputs, dtype=torch.float64)
        given = kernel.apply(x, x, c)
    except LazyRegimeError:
        assert odd.expect in ("refused", "either")
        return
    assert odd.expect != "refused"
    try:
        expected = torch.einsum("nmab,mb->na", ntk(model, x, None, "full").double(), c)
    finally:
        torch.set_default_dtype(default)
    check_right(given, expected, odd.dtype)


def encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return nn.Sequential(layer, nn.Flatten(), nn.Linear(40, 3)).eval()


def vision() -> nn.Module:
    return ViT(width=8, depth=1, head_size=4, patch_size=4, image_size=8, n_outputs=3).eval()


WAYS = {
    "encoder": (encoder, (5, 8), "forward"),
    "vision transformer": (vision, (1, 8, 8), "forward"),
    "weight norm": (ODD["weight norm"].make, (4,), "double"),
    "distances to centres": (ODD["centres of its own"].make, (4,), "rows"),
}


@pytest.mark.parametrize("name", WAYS)
def test_attention_and_what_has_no_forward_mode_can_be_regressed_on(name):
    torch.manual_seed(0)
    make, shape, way = WAYS[name]
    model, x, z = make().double(), torch.randn(6, *shape).double(), torch.randn(4, *shape).double()
    kernel = EmpiricalKernel(model)
    assert kernel.derivatives(x).way == way
    k = kernel.derivatives(x).num_outputs
    labels = torch.arange(6) % k
    regression = KernelRegression(model, relative_ridge=1e-2).fit(x, labels)
    regression.predict(z)
    gram = ntk(model, x, None, "full").permute(0, 2, 1, 3).reshape(6 * k, 6 * k)
    cross = ntk(model, z, x, "full").permute(0, 2, 1, 3).reshape(4 * k, 6 * k)
    ridge = 1e-2 * gram.trace() / len(gram) * torch.eye(6 * k, dtype=torch.float64)
    targets = nn.functional.one_hot(labels).double().reshape(-1)
    expected = (cross @ torch.linalg.solve(gram + ridge, targets)).view(4, k)
    assert relative_error(regression.decision_values, expected) < 1e-8


def many_only(m: nn.Module, x: Tensor) -> Tensor:
    y = m.out(torch.tanh(m.layer(x)))
    return y + y.mean(0) if len(x) > 8 else y


def test_a_network_that_mixes_large_batches_only_is_refused():
    torch.manual_seed(0)
    model = Odds(many_only, layer=nn.Linear(4, 6), out=nn.Linear(6, 2))
    kernel, c = EmpiricalKernel(model), torch.randn(12, 2).double()
    kernel.pull(torch.randn(8, 4), c[:8])
    with pytest.raises(LazyRegimeError, match="evaluated alone"):
        kernel.pull(torch.randn(12, 4), c)


def test_a_backward_pass_that_is_not_linear_is_refused():
    model, x = ODD["normalizing hook"].build()
    with pytest.raises(LazyRegimeError, match="not linear"):
        EmpiricalKernel(model).derivatives(x)


def test_products_follow_the_weights():
    torch.manual_seed(0)
    model, x = nn.Linear(3, 2).double(), torch.randn(5, 3).double()
    kernel, c = EmpiricalKernel(nn.Sequential(model, nn.Tanh())), torch.randn(5, 2).double()
    before = kernel.apply(x, x, c)
    with torch.no_grad():
        model.weight.mul_(2)
    after = kernel.apply(x, x, c)
    assert not torch.allclose(before, after)
    expected = torch.einsum("nmab,mb->na", ntk(kernel.model, x, None, "full"), c)
    assert relative_error(after, expected) < 1e-12


def test_samples_of_another_dtype_are_refused_with_a_sentence():
    with pytest.raises(LazyRegimeError, match="x1 is float32 but the model's parameters are float64"):
        KernelRegression(nn.Linear(4, 3).double()).fit(torch.randn(5, 4), torch.arange(5) % 3)
