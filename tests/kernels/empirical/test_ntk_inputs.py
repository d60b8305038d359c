"""Models of several inputs, and samples from a DataLoader: the kernel of one sample at a time."""

from typing import Any

import pytest
import torch
from ntk_reference import ntk, relative_error
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import empirical_ntk, empirical_ntk_of_inputs
from lazyregime.networks import MLP, Linearized


class Reader(nn.Module):
    """Words, which of them count, and numbers beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.layer, self.out = nn.Embedding(9, 4), nn.Linear(4, 5), nn.Linear(7, 3)
        self.shift = nn.Parameter(torch.randn(5))

    def forward(self, ids: Tensor, mask: Tensor, extra: Tensor) -> Tensor:
        h = torch.tanh(self.layer(self.embed(ids)) + self.shift) * mask[..., None]
        return self.out(torch.cat([h.sum(1), extra], 1))


class ByRow(nn.Module):
    """The same as a function of the row's number, for the reference."""

    def __init__(self, model: nn.Module, inputs: dict[str, Tensor]) -> None:
        super().__init__()
        self.model, self.inputs = model, inputs

    def forward(self, rows: Tensor) -> Tensor:
        return self.model(**{name: part[rows] for name, part in self.inputs.items()})


def reader(n: int = 7) -> tuple[nn.Module, dict[str, Tensor]]:
    torch.manual_seed(0)
    ids, mask = torch.randint(9, (n, 5)), torch.rand(n, 5) > 0.3
    return Reader().double(), {"ids": ids, "mask": mask, "extra": torch.randn(n, 2, dtype=torch.float64)}


def reference(model: nn.Module, inputs: dict[str, Tensor], outputs: str) -> Tensor:
    return ntk(ByRow(model, inputs), torch.arange(len(inputs["ids"])), None, outputs)


class Mappings(Dataset):
    """Samples as dictionaries."""

    def __init__(self, inputs: dict[str, Tensor]) -> None:
        self.inputs = inputs

    def __len__(self) -> int:
        return len(self.inputs["ids"])

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {name: part[index] for name, part in self.inputs.items()}


@pytest.mark.parametrize("outputs", ["trace", "full", "diagonal"])
def test_dictionaries_tuples_and_loaders_of_them(outputs):
    model, inputs = reader()
    expected = reference(model, inputs, outputs)
    first = {name: part[:3] for name, part in inputs.items()}
    loader = DataLoader(Mappings(inputs), batch_size=3)
    assert relative_error(empirical_ntk_of_inputs(model, inputs, outputs=outputs), expected) < 1e-12
    assert relative_error(empirical_ntk_of_inputs(model, tuple(inputs.values()), outputs=outputs), expected) < 1e-12
    assert relative_error(empirical_ntk_of_inputs(model, loader, outputs=outputs), expected) < 1e-12
    assert relative_error(empirical_ntk_of_inputs(model, first, loader, outputs=outputs), expected[:3]) < 1e-12
    assert relative_error(empirical_ntk_of_inputs(model, loader, first, outputs=outputs), expected[:, :3]) < 1e-12


def test_some_outputs_some_parameters_and_what_is_picked():
    model, inputs = reader()
    full = reference(model, inputs, "full")
    second = empirical_ntk_of_inputs(model, inputs, output=lambda y: y[:, 1:2])
    assert relative_error(second, full[..., 1, 1]) < 1e-12
    model.requires_grad_(False)
    model.get_submodule("layer").requires_grad_(True)
    expected = reference(model, inputs, "trace")
    assert relative_error(empirical_ntk_of_inputs(model, inputs), expected) < 1e-12
    model.requires_grad_(True)
    loader = DataLoader(TensorDataset(torch.arange(7), *inputs.values()), batch_size=4)
    given = empirical_ntk_of_inputs(model, loader, pick=lambda batch: batch[1:], params=["layer"])
    assert relative_error(given, expected) < 1e-12


@pytest.mark.parametrize("linear", [False, True])
def test_one_tensor_is_that_of_empirical_ntk(linear):
    torch.manual_seed(0)
    network, x = MLP(width=6, in_features=4, n_outputs=2).double(), torch.randn(5, 4).double()
    model = Linearized(network) if linear else network
    loader = DataLoader(TensorDataset(x, torch.arange(5)), batch_size=2)
    state = torch.get_rng_state()
    for given in (x, loader):
        assert relative_error(empirical_ntk_of_inputs(model, given), empirical_ntk(network, x)) < 1e-12
    assert torch.equal(state, torch.get_rng_state())


class Noisy(Dataset):
    """Another sample each time."""

    def __init__(self) -> None:
        self.calls = 0

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Tensor:
        self.calls += 1
        return torch.full((4,), float(self.calls), dtype=torch.float64)


def test_refusals():
    model, inputs = reader()
    mlp = MLP(width=6, in_features=4, n_outputs=2).double()

    def refused(says: str, network: nn.Module, x1: Any, x2: Any = None) -> None:
        with pytest.raises(LazyRegimeError, match=says):
            empirical_ntk_of_inputs(network, x1, x2)

    refused("DataLoader that shuffles", model, DataLoader(Mappings(inputs), shuffle=True))
    refused("another one when it is loaded again", mlp, DataLoader(Noisy(), batch_size=2))
    refused("Part mask of x1 is a list", model, inputs | {"mask": [1, 0]})
    refused("one number of samples.*ids: 7 on cpu, mask: 3", model, inputs | {"mask": inputs["mask"][:3]})
    refused(
        r"extra \(2,\) of torch.float64 cannot be compared with samples with.*torch.float32",
        model,
        inputs,
        inputs | {"extra": inputs["extra"].float()},
    )
    refused("the model failed on a batch", model, {"ids": inputs["ids"]})
