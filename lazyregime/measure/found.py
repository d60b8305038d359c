"""What one look at a network found: values by name, and the kernels that they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from jaxtyping import Float
from torch import Tensor

from lazyregime.measure.measuring import Scalars, is_movement


@final
@dataclass(frozen=True, eq=False)
class Found:
    """One look.

    Attributes:
        scalars: Of the moment, by name without a suffix.
        moved: Of the movement since initialization.
        grams: Of the anchors, by protocol.
        held_out: The kernel of the held-out points.
        per_point: Of the regression, by protocol: whether each test point was right, or its squared error.
        layer_grams: Of the anchors by layer, where they were asked for.
        time: When that was, in the unit of whoever looks; None where nobody said.
    """

    scalars: Scalars = field(default_factory=dict)
    moved: Scalars = field(default_factory=dict)
    grams: dict[str, Float[Tensor, "n n"]] = field(default_factory=dict)
    held_out: Float[Tensor, "m m"] | None = None
    per_point: dict[str, Tensor] = field(default_factory=dict)
    layer_grams: dict[str, Float[Tensor, "n n"]] | None = None
    time: float | None = None

    @property
    def rows(self) -> dict[str, float]:
        """All values that there are, as a row of metrics.csv has them."""
        return {name: value for name, value in (self.scalars | self.moved).items() if value is not None}

    def state_dict(self) -> dict[str, Any]:
        """Plain dictionaries and tensors."""
        return dict(vars(self))

    @staticmethod
    def of(state: Mapping[str, Any]) -> "Found":
        """Back from there; the version before this one kept what moved among the other scalars, and less in all."""
        if "moved" in state:
            return Found(**state)
        scalars = state["scalars"]
        moved = {key: value for key, value in scalars.items() if is_movement(key)}
        return Found({k: v for k, v in scalars.items() if k not in moved}, moved, state["grams"])
