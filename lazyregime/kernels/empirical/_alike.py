"""When two networks do the same but for the numbers in their tensors, as far as their modules show it."""

import weakref
from collections import OrderedDict
from dataclasses import fields, is_dataclass
from types import BuiltinFunctionType, FunctionType
from typing import Any, cast

import torch
from torch import Tensor, nn

from lazyregime.kernels.empirical._loan import Loan
from lazyregime.kernels.empirical._registry import find_rule

_SCALARS = frozenset((type(None), bool, int, float, str, torch.dtype, torch.device))
_CONTAINERS = frozenset((dict, OrderedDict, list, tuple, set, frozenset))


class _Unlike(Exception):
    """There is something of which it cannot be told whether it is the same the next time."""


def key_of(loan: Loan, x: Tensor, rules: str) -> Any:
    """Classes, forward passes, rules, attributes, hooks, and the shapes and types of tensors; None if there is more.

    What no attribute shows (a global variable, data) is not in it, and has to be looked for in what is done.
    """
    if nn.modules.module._has_any_global_hook():
        return None
    seen: dict[int, int] = {}
    try:
        modules = tuple(
            (name, type(module), type(module).forward, find_rule(module), _plain(vars(module), seen))
            for name, module in loan.model.named_modules(remove_duplicate=False)
        )
        key = rules, x.shape[1:], x.dtype, x.device, frozenset(loan.counted), modules
        hash(key)
    except (_Unlike, TypeError, RecursionError):
        return None
    return key


def _plain(value: Any, seen: dict[int, int]) -> Any:
    """Something hashable that is equal for the same attributes."""
    kind = type(value)
    if kind in _SCALARS or isinstance(value, type):
        return kind, value
    if kind in _CONTAINERS and not value:
        return kind
    if isinstance(value, Tensor):
        return _number(value, seen), kind, value.shape, value.stride(), value.dtype, value.device, value.requires_grad
    if isinstance(value, nn.Module):
        return "module", _number(value, seen)
    if isinstance(value, weakref.ref):
        return _plain(value(), seen)
    if kind in (dict, OrderedDict):
        return tuple((key, _plain(item, seen)) for key, item in cast("dict[Any, Any]", value).items())
    if kind in (list, tuple, torch.Size):
        return (kind, *(_plain(item, seen) for item in value))
    if kind in (set, frozenset):
        return frozenset(_plain(item, seen) for item in value)
    if is_dataclass(value):
        return kind, *(_plain(getattr(value, field.name), seen) for field in fields(value))
    if isinstance(value, BuiltinFunctionType) or (isinstance(value, FunctionType) and not value.__closure__):
        return value
    raise _Unlike


def _number(value: Any, seen: dict[int, int]) -> int:
    """The same for the same object, so that tied weights are not taken for others."""
    return seen.setdefault(id(value), len(seen))
