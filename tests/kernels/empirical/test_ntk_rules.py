"""Every rule over random shapes and options, against one gradient at a time in float64."""

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from ntk_reference import chunked, ntk, relative_error
from torch import Tensor, nn

from lazyregime.kernels import empirical_ntk, explain

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")

quick = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
small = st.integers(1, 4)
outputs = st.sampled_from(["trace", "full", "diagonal"])
# Rows held, streamed and recorded at a time: one by one, in uneven chunks, or as the planner likes.
Sizes = tuple[int, int, int] | None
chunks = st.sampled_from([None, (1, 1, 1), (2, 1, 1), (3, 2, 2)])


class Head(nn.Module):
    """A layer between an elementwise map and a random readout, so that both its inputs and gradients are generic."""

    def __init__(self, layer: nn.Module, example: Tensor, n_outputs: int) -> None:
        super().__init__()
        self.layer = layer
        with torch.no_grad():
            size = torch.tanh(layer(example)).flatten(1).shape[1]
        self.readout = nn.Linear(size, n_outputs, bias=False).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.readout(torch.tanh(self.layer(x)).flatten(1))


def check(layer: nn.Module, x1: Tensor, x2: Tensor, how: str, sizes: Sizes, n_outputs: int = 3) -> None:
    for p in layer.parameters():
        nn.init.normal_(p, std=0.5)
    model = Head(layer, x1, n_outputs).eval()
    if x1.is_floating_point():
        x1, x2 = x1.double(), x2.double()
    model.double()
    described = str(explain(model, x1, x2))
    assert "fallback" not in described, described
    for a, b in ((x1, x2), (x1, None)):
        expected = ntk(model, a, b, how)
        if expected.norm() < 1e-6:  # an embedding of padding only
            assert empirical_ntk(model, a, b, outputs=how).norm() < 1e-6
            continue
        single = [v.float() if v is not None and v.is_floating_point() else v for v in (a, b)]
        # Gradients that are nearly orthogonal have a product that float32 cannot resolve relative to itself.
        scale = (ntk(model, a, None, how).norm() * ntk(model, a if b is None else b, None, how).norm()).sqrt()
        with chunked(sizes):
            assert relative_error(empirical_ntk(model, a, b, outputs=how), expected) < 1e-10
            given = empirical_ntk(model.float(), *single, outputs=how)
        assert given.dtype == torch.float32
        assert (given - expected).norm() < 1e-5 * max(scale, expected.norm())
        model.double()


@quick
@given(st.data(), outputs, chunks)
def test_linear(data, how, sizes):
    n, m, d, o = (data.draw(st.integers(1, 6)) for _ in range(4))
    positions = data.draw(st.lists(small, max_size=2))
    bias = data.draw(st.booleans())
    torch.manual_seed(data.draw(st.integers(0, 99)))
    check(nn.Linear(d, o, bias=bias), torch.randn(n, *positions, d), torch.randn(m, *positions, d), how, sizes)


@quick
@given(st.data(), outputs, chunks, st.sampled_from([1, 2]))
def test_convolution(data, how, sizes, num_dims):
    draw = data.draw
    groups, c, o = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    kernel, dilation, stride = ([draw(st.integers(1, top)) for _ in range(num_dims)] for top in (3, 2, 3))
    mode = draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"]))
    padding = draw(st.sampled_from(["numbers", "same", "valid"]))
    size = [draw(st.integers(5, 8)) for _ in range(num_dims)]
    given_padding = [draw(st.integers(0, 2)) for _ in range(num_dims)] if padding == "numbers" else padding
    if padding == "same":
        stride = [1] * num_dims
    torch.manual_seed(draw(st.integers(0, 99)))
    make = nn.Conv1d if num_dims == 1 else nn.Conv2d
    layer = make(
        c * groups,
        o * groups,
        tuple(kernel),
        stride=tuple(stride),
        padding=given_padding if isinstance(given_padding, str) else tuple(given_padding),
        dilation=tuple(dilation),
        groups=groups,
        bias=draw(st.booleans()),
        padding_mode=mode,
    )
    n, m = draw(small), draw(small)
    check(layer, torch.randn(n, c * groups, *size), torch.randn(m, c * groups, *size), how, sizes)


@quick
@given(st.data(), outputs, chunks, st.sampled_from(["layer", "layer2", "rms", "group", "batch1", "batch", "batch3"]))
def test_norms(data, how, sizes, which):
    draw = data.draw
    n, m, c, h = draw(small), draw(small), 2 * draw(small), draw(st.integers(2, 4))
    torch.manual_seed(draw(st.integers(0, 99)))
    affine = draw(st.booleans())
    layer, shape = {
        "layer": lambda: (nn.LayerNorm(h, bias=affine), (c, h)),
        "layer2": lambda: (nn.LayerNorm((c, h)), (3, c, h)),
        "rms": lambda: (nn.RMSNorm(c, eps=1e-6), (h, c)),
        "group": lambda: (nn.GroupNorm(2, c), (c, h, h)),
        "batch1": lambda: (nn.BatchNorm1d(c), (c, h) if affine else (c,)),
        "batch": lambda: (nn.BatchNorm2d(c), (c, h, 3)),
        "batch3": lambda: (nn.BatchNorm3d(c), (c, 2, h, 1)),
    }[which]()
    if which.startswith("batch"):
        layer.running_mean.normal_()
        layer.running_var.uniform_(0.5, 2.0)
    check(layer.eval(), torch.randn(n, *shape), torch.randn(m, *shape), how, sizes)


@quick
@given(st.data(), outputs, chunks, st.booleans(), st.booleans())
def test_embedding(data, how, sizes, padding, sparse):
    n, m, t, rows, d = (data.draw(small) for _ in range(5))
    torch.manual_seed(data.draw(st.integers(0, 99)))
    layer = nn.Embedding(rows + 1, d, padding_idx=0 if padding else None, sparse=sparse)
    ids1, ids2 = (torch.randint(rows + 1, (size, t)) for size in (n, m))
    check(layer, ids1, ids2, how, sizes)


@pytest.mark.parametrize("how", ["trace", "full", "diagonal"])
def test_gram_form_of_layers_with_few_positions_and_many_channels(how):
    torch.manual_seed(0)
    layer = nn.Conv2d(40, 30, 3)
    x1, x2 = torch.randn(5, 40, 4, 4), torch.randn(7, 40, 4, 4)
    assert "(gram)" in str(explain(Head(layer, x1, 3), x1, x2))
    check(layer, x1, x2, how, None)


@pytest.mark.parametrize("trained", ["weight", "bias"])
@pytest.mark.parametrize("make", [lambda: nn.Linear(4, 3), lambda: nn.Conv1d(4, 3, 2), lambda: nn.LayerNorm(5)])
def test_only_parameters_with_requires_grad_count(make, trained):
    torch.manual_seed(0)
    layer = make()
    x = torch.randn(3, 4) if isinstance(layer, nn.Linear) else torch.randn(3, 4, 5)
    for name, p in layer.named_parameters():
        p.requires_grad_(name == trained)
    check(layer, x, x[:2] + 1, "full", None)
