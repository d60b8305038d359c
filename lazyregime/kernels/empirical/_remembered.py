"""What a survey found, for the next call with a network of the same classes, attributes and shapes.

Nothing is taken on trust: every batch of that call has to do, operation by operation, what was proven before or can be
proven from it, and autograd has to make the same graph of it. If a batch does anything else, the call starts anew with
a survey of its own.
"""

import copy
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any, final

from torch import nn

from lazyregime.kernels.empirical._layers import Layer, Survey
from lazyregime.kernels.empirical._layout import fast_parameters
from lazyregime.kernels.empirical._loan import Loan
from lazyregime.kernels.empirical.proof import Trace

# Surveys that are kept, traces of each, and operations of a trace: some MiB in all.
_SURVEYS, _TRACES, _LONGEST = 16, 4, 1500
_FIELDS = ("num_outputs", "unused", "kinds", "same_alone", "activation_bytes", "channels_last", "lookups", "vectorizes")

_BY_ROWS = ("proven", "graphs")  # what is there for each number of samples


@final
@dataclass(frozen=True)
class _Remembered:
    """A survey but for the model; its layers without their modules, and the names of the readouts among them."""

    found: dict[str, Any]
    layers: list[Layer]
    readouts: frozenset[str]


_known: OrderedDict[Any, _Remembered] = OrderedDict()
_NOTHING = nn.Identity()


def recall(loan: Loan, key: Any) -> Survey | None:
    """What was found of an equal network, with this one's layers."""
    earlier = None if key is None else _known.get(key)
    if earlier is None:
        return None
    _known.move_to_end(key)
    layers: list[Layer] = []
    for layer in earlier.layers:
        if not layer.operations:
            module, jacobian = loan.model.get_submodule(layer.name), layer.registered.jacobian
            read = jacobian(module) if layer.name in earlier.readouts and jacobian is not None else None
            layer = replace(layer, module=module, jacobian=read)
        layers.append(layer)
    own: dict[str, Any] = copy.copy(earlier.found)
    for name in ("references", "proven", "graphs", "samples"):
        own[name] = dict(own[name])
    found = Survey(loan, layers=layers, recalled=True, **own)
    found.fast = fast_parameters(loan) if found.channels_last else {}
    return found


def remember(found: Survey, key: Any) -> None:
    """For the next call, if all parameters are served by this package's rules and the network is a plain function."""
    earlier = _known.get(key) if found.recalled and key is not None else None
    if earlier is not None and all(getattr(found, name).keys() <= earlier.found[name].keys() for name in _BY_ROWS):
        return  # there is nothing new
    own = all(layer.registered.builtin for layer in found.layers)
    special = found.mixes or found.fallback or found.looped or found.loan.moved
    if key is None or special or not own:
        return
    references = {n: trace for n, trace in found.references.items() if n > 1 or found.same_alone}
    proven = dict([*found.proven.items()][-_TRACES:])
    if any(len(trace.entries) > _LONGEST for trace in references.values()):
        return
    kept: dict[str, Any] = {name: getattr(found, name) for name in _FIELDS}
    kept["references"], kept["proven"] = _bare(references), _bare(proven)
    kept["graphs"] = {n: graph for n, graph in found.graphs.items() if n in proven or n in references}
    kept["samples"] = {name: [f.without_numbers() for f in factors] for name, factors in found.samples.items()}
    readouts = frozenset(layer.name for layer in found.layers if layer.jacobian is not None)
    _known[key] = _Remembered(
        kept, [replace(layer, module=_NOTHING, jacobian=None) for layer in found.layers], readouts
    )
    while len(_known) > _SURVEYS:
        _known.popitem(last=False)


def _bare(traces: dict[int, Trace]) -> dict[int, Trace]:
    """Without what keeps storages alive."""
    return {n: replace(trace, kept={}, created={}) if trace.kept else trace for n, trace in traces.items()}


def forget() -> None:
    """Everything."""
    _known.clear()
