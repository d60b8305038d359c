"""Which parameters a name stands for, and which layer each belongs to."""

from typing import Any, cast

from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.networks import Linearized


def network_of(model: nn.Module) -> tuple[nn.Module, bool]:
    """The network whose tangent kernel a model has, and whether all its parameters count: of a `Linearized` its own."""
    return (model.network, True) if type(model) is Linearized else (model, False)


def counted(network: nn.Module, everything: bool) -> list[str]:
    """The names of the parameters that count where none are named."""
    return [name for name, p in network.named_parameters() if p.is_floating_point() and (everything or p.requires_grad)]


def chosen(model: nn.Module, names: Any) -> list[str]:
    """The parameters of these names, and all those of modules of these names.

    Raises:
        LazyRegimeError: For what is no list of names, and for a name that no parameter has.
    """
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise LazyRegimeError(f"params is {names!r}; give a list of names of parameters or modules, e.g. ['readout'].")
    there = [name for name, p in model.named_parameters() if p.is_floating_point()]
    found = [name for name in there if any(name == n or n == "" or name.startswith(f"{n}.") for n in names)]
    idle = [n for n in names if not any(name == n or n == "" or name.startswith(f"{n}.") for name in there)]
    if idle or not found:
        twice = {n for n, _ in model.named_parameters(remove_duplicate=False)} - set(there)
        what = ", ".join(map(repr, idle)) or "nothing"
        tied = " (a tied parameter goes by its first name)" if twice & set(cast("list[str]", idle)) else ""
        raise LazyRegimeError(
            f"params names {what}, of which the model has no parameter{tied}; its parameters are {_few(there)}."
        )
    return found


def layers(names: list[str]) -> dict[str, list[str]]:
    """The parameters of each module itself, in order; those that several have belong to the first."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.rpartition(".")[0], []).append(name)
    return groups


def _few(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
