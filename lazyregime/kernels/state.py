"""Whether a network is still the one that a fit saw: its weights, buffers, modes, layers and their settings."""

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._loan import Loan
from lazyregime.kernels.empirical._recording import evaluate

State = Mapping[str, str]  # what there is, by name, as digests

_PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device)


def state_of(network: nn.Module, prefix: str = "") -> State:
    """All that the network's outputs and gradients are made from, as far as modules hold it; a function by its name.

    Reads every parameter and buffer once.
    """
    found: dict[str, str] = {}
    for name, module in network.named_modules(remove_duplicate=False):
        layer = prefix + (name or "the model")
        found[layer] = f"{type(module).__module__}.{type(module).__qualname__}"
        found |= {f"{layer}.{k}": repr(_plain(v)) for k, v in vars(module).items() if not k.startswith("_")}
    for kind in (network.named_parameters(remove_duplicate=False), network.named_buffers(remove_duplicate=False)):
        for name, tensor in kind:
            told = (tuple(tensor.shape), tensor.dtype, tensor.requires_grad, _digest(tensor))
            found[f"{prefix}{name}"] = repr(told)
    return found


def state_after(network: nn.Module, x: Tensor, prefix: str = "") -> State:
    """The state that a forward pass leaves behind; the network itself is as it was."""
    with Loan(network) as loan:
        evaluate(loan, x[:1])
        return state_of(network, prefix)


def lasting(before: State, after: State) -> State:
    """What mere evaluation, between the two, left as it was: a layer that counts its calls has not been trained."""
    return {name: value for name, value in before.items() if after.get(name) == value}


def check_unchanged(then: State, now: State) -> None:
    """Refuses a network that is another one by now.

    Raises:
        LazyRegimeError: Naming what changed.
    """
    what = changed(then, now)
    if what:
        raise LazyRegimeError(
            f"The network has changed since the fit ({what}), so the coefficients belong to another kernel; fit again, "
            "or fit on a copy.deepcopy of the network and train the original."
        )


def changed(then: State, now: State) -> str:
    """What of the network is another one by now, the first few by name; nothing if it is all as it was."""
    names = [name for name, value in then.items() if now.get(name) != value]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _plain(value: Any) -> Any:
    """A setting as something with one `repr`; an object without by its type."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    if isinstance(value, dict):
        return tuple((str(key), _plain(item)) for key, item in value.items())
    if isinstance(value, Tensor):
        return _digest(value)
    return getattr(value, "__qualname__", type(value).__qualname__)


def _digest(tensor: Tensor) -> str:
    dense = tensor.detach().to_dense() if tensor.is_sparse else tensor.detach()
    return hashlib.sha256(dense.cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()).hexdigest()
