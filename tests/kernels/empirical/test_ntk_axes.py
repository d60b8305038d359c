"""The kernel over chosen axes of the output, against the whole kernel of all outputs, by its definition."""

import itertools

import pytest
import torch
from ntk_reference import ntk, relative_error
from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import empirical_ntk_axes
from lazyregime.networks import MLP, Linearized


class Words(nn.Module):
    """(n, 3) words to (n, 3, 2, 4): positions, heads, and numbers of each."""

    def __init__(self):
        super().__init__()
        self.embed, self.mix, self.head = nn.Embedding(7, 5), nn.Linear(3, 3), nn.Linear(5, 8)

    def forward(self, ids):
        x = self.embed(ids)
        x = x + torch.tanh(self.mix(x.mT).mT)
        return self.head(x).unflatten(2, (2, 4))


def words():
    torch.manual_seed(0)
    return Words().double(), torch.randint(7, (3, 3)), torch.randint(7, (2, 3))


def expected(full, sizes, traced, diagonal):
    """By einsum of the (n, m, k, k) of all outputs."""
    n, m = full.shape[:2]
    mine, theirs = "abc"[: len(sizes)], list("xyz"[: len(sizes)])
    for axis in (*traced, *diagonal):
        theirs[axis - 1] = mine[axis - 1]
    others = [axis for axis in range(1, len(sizes) + 1) if axis not in (*traced, *diagonal)]
    kept = [mine[axis - 1] for axis in (*sorted(diagonal), *others)] + [theirs[axis - 1] for axis in others]
    return torch.einsum(f"nm{mine}{''.join(theirs)}->nm{''.join(kept)}", full.view(n, m, *sizes, *sizes))


SPLITS = [
    (traced, diagonal)
    for marks in itertools.product("tdo", repeat=3)
    for traced, diagonal in [tuple(tuple(i + 1 for i in range(3) if marks[i] == mark) for mark in "td")]
]


@pytest.mark.parametrize(("traced", "diagonal"), SPLITS)
def test_every_split_of_three_axes(traced, diagonal):
    model, x, y = words()
    given = empirical_ntk_axes(model, x, y, trace_axes=traced, diagonal_axes=diagonal)
    right = expected(ntk(model, x, y), (3, 2, 4), traced, diagonal)
    assert given.shape == right.shape
    assert relative_error(given, right) < 1e-12


def test_some_parameters_one_side_and_axes_from_the_end():
    model, x, _ = words()
    given = empirical_ntk_axes(model, x, trace_axes=[-1], diagonal_axes=[-2], params=["embed"])
    for other in (model.mix, model.head):
        other.requires_grad_(False)
    right = expected(ntk(model, x), (3, 2, 4), (3,), (2,))
    assert relative_error(given, right) < 1e-12
    assert given.shape == (3, 3, 2, 3, 3)


def test_a_linearized_network_has_the_kernel_of_its_network():
    torch.manual_seed(0)
    network, x = (
        nn.Sequential(MLP(width=6, in_features=4, n_outputs=6), nn.Unflatten(1, (2, 3))).double(),
        torch.randn(5, 4).double(),
    )
    given = empirical_ntk_axes(Linearized(network), x)
    assert relative_error(given, expected(ntk(network, x), (2, 3), (2,), ())) < 1e-12


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"trace_axes": (4,)}, r"trace_axes=\(4,\): the output is \(n, 3, 2, 4\), so that its axes are 1 to 3"),
        ({"trace_axes": (0,)}, "give each once"),
        ({"trace_axes": (1, -3)}, "give each once"),
        ({"trace_axes": (1,), "diagonal_axes": (1,)}, "Axis 1 is among trace_axes and diagonal_axes"),
        ({"outputs": "full"}, "has no outputs"),
    ],
)
def test_axes_that_are_not_there_are_refused(options, says):
    model, x, _ = words()
    with pytest.raises(LazyRegimeError, match=says):
        empirical_ntk_axes(model, x, **options)
    with pytest.raises(LazyRegimeError, match="the model failed on a batch of 1"):
        empirical_ntk_axes(model, x.double())
