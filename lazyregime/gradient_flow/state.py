"""Where the flows of an ensemble stand: everything that the next step depends on, so that a copy goes on exactly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, final

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from lazyregime.gradient_flow.settings import Status

Params = list[Tensor]  # one tensor a parameter, the members along the first dimension


@final
@dataclass(frozen=True, eq=False)
class FlowState:
    """E flows at one moment of each.

    Attributes:
        params: The weights (of a kernel flow the dual coefficients).
        velocity: Of the continuous momentum; empty without it.
        grads: The gradient of l / alpha^2 at `params`.
        outputs: H at `params`, without alpha.
        square_norms: ||g||^2 in the metric of the flow.
        time: Flow time reached.
        dt: The step that is tried next.
        steps: Steps accepted.
        attempts: Steps tried.
        refused: Steps refused in a row.
        refused_dgrad: The change of the gradient over the latest refused step; infinite before any.
        refused_dt: Its length.
        refused_until: The flow time that it would have reached.
        status: A `Status`.
    """

    params: Params
    velocity: Params
    grads: Params
    outputs: Float[Tensor, "e n k"]
    square_norms: Float[Tensor, " e"]
    time: Float64[Tensor, " e"]
    dt: Float64[Tensor, " e"]
    steps: Int64[Tensor, " e"]
    attempts: Int64[Tensor, " e"]
    refused: Int64[Tensor, " e"]
    refused_dgrad: Float64[Tensor, " e"]
    refused_dt: Float64[Tensor, " e"]
    refused_until: Float64[Tensor, " e"]
    status: Int64[Tensor, " e"]

    @property
    def num_members(self) -> int:
        """E."""
        return len(self.time)

    def select(self, members: Int64[Tensor, " m"]) -> "FlowState":
        """Some of the members, copied."""
        return _combined(lambda one: one[0].index_select(0, members), [self])

    def mixed(self, other: "FlowState", use_other: Tensor) -> "FlowState":
        """`other` where the mask says so, else this."""

        def pick(both: Sequence[Tensor]) -> Tensor:
            return torch.where(use_other.view(-1, *[1] * (both[0].ndim - 1)), both[1], both[0])

        return _combined(pick, [self, other])

    def with_status(self, status: Status, where: Tensor) -> "FlowState":
        """Those running members that the mask names get this status."""
        where = where & (self.status == Status.running)
        return replace(self, status=torch.where(where, int(status), self.status))

    def state_dict(self) -> dict[str, Any]:
        """Plain tensors and lists of them."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @staticmethod
    def stack(states: "Sequence[FlowState]") -> "FlowState":
        """Several ensembles as one."""
        return _combined(lambda parts: torch.cat(list(parts)), states)


def _combined(function: Callable[[Sequence[Tensor]], Tensor], states: "Sequence[FlowState]") -> FlowState:
    """The function of the same tensor of all states, for every tensor of a state."""
    parts = [state.state_dict() for state in states]
    found: dict[str, Any] = {}
    for name, first in parts[0].items():
        same = [part[name] for part in parts]
        lists = isinstance(first, list)
        found[name] = [function(tensors) for tensors in zip(*same, strict=True)] if lists else function(same)
    return FlowState(**found)
