"""A metric: a number, or several, of what is seen of a network at a moment, beside what was seen at initialization."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, final

from jaxtyping import Float, Int
from torch import Tensor

from lazyregime.measure.function import Function
from lazyregime.measure.gates import Gate
from lazyregime.measure.seen import Objective

Value = float | Mapping[str, float] | None


@final
@dataclass(frozen=True, eq=False)
class Earlier:
    """The look before.

    Attributes:
        gram: K(X, X) of the anchors then.
        elapsed: The time since, in the unit of whoever looks: epochs, a flow's time, calls; more than 0.
    """

    gram: Float[Tensor, "n n"]
    elapsed: float


@final
@dataclass(frozen=True, eq=False)
class Moment:
    """What is seen at one moment. What is not there is None: a stored run has kernels and no weights.

    Attributes:
        gram: K(X, X) of the anchors X, points that were trained on.
        labels: Of the anchors, class numbers or real targets.
        held_out: K(Z, Z) of points Z that were not trained on.
        held_out_labels: Of those.
        weights: By the parameters' names.
        gates: Runs the network and tells, for each activation layer, which units are on at which points; for each
            max-pool, which pixels win.
        function: The network on the anchors, as a function of its weights; None for a tangent model, which has no
            features of its own.
        objective: The loss that is trained, from outputs, outputs at w0 and labels; None where nobody knows.
        layer_grams: The kernels of the anchors by each layer's own parameters, which add up to `gram`; None where they
            were not asked for.
        earlier: The look before; None where there was none, or nobody knows when.
    """

    gram: Float[Tensor, "n n"] | None = None
    labels: Int[Tensor, " n"] | Float[Tensor, "n k"] | None = None
    held_out: Float[Tensor, "m m"] | None = None
    held_out_labels: Int[Tensor, " m"] | Float[Tensor, "m k"] | None = None
    weights: Mapping[str, Tensor] | None = None
    gates: Callable[[], Sequence[Gate]] | None = None
    function: Function | None = None
    objective: Objective | None = None
    layer_grams: Mapping[str, Float[Tensor, "n n"]] | None = None
    earlier: Earlier | None = None


@final
@dataclass(frozen=True)
class Metric:
    """One file in `lazyregime/measure/metrics/` has one, as `METRIC`; the file's docstring explains it to people.

    Attributes:
        name: Under which its value stands in results and metrics.csv; that of the file.
        words: What it is, for a table.
        form: How its value is written there, as in `format(value, form)`.
        kind: "moment", a value of each moment (`NAME_init` and `NAME_final` in a result), or "movement", how far
            something has come since initialization (`NAME`), for which `compute` is not asked at initialization.
        compute: From the moment and that of initialization (None at initialization) to a number; to several by name
            (`NAME/layer`, and `NAME` for the empty name); or to None, where it cannot be computed from what is there.
            It raises a `LazyRegimeError` where the value has no meaning; a run then has null and a warning.
        order: Its place among the rows of a table.
        in_table: Whether the table at the end of a run shows it; results, metrics.csv and trackers have all.
    """

    name: str
    words: str
    form: str
    kind: Literal["moment", "movement"]
    compute: Callable[[Moment, Moment | None], Value]
    order: int = 100
    in_table: bool = True
