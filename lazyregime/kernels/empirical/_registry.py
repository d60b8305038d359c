"""Which rule a layer has: by its exact type, since a subclass may have another forward pass."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, final

from torch import Tensor, nn

from lazyregime.kernels.empirical._factors import Factor

Layer = TypeVar("Layer", bound=nn.Module)


@final
@dataclass(frozen=True)
class LayerCall:
    """What a rule is given of one layer: its inputs and the gradients of every output by the layer's output.

    Attributes:
        inputs: the positional inputs of the layer's forward, n rows each, detached.
        b: (n, k, *y.shape[1:]) with b[i, k] = d f_k(x_i) / d y_i; None when y is the model's own output.
        trained: names of the layer's own parameters that count.
        num_outputs: k.
        columns: b as its k slices (n, *y.shape[1:]), where stacking them would only copy them; then b is None.
    """

    inputs: tuple[Tensor, ...]
    b: Tensor | None
    trained: frozenset[str]
    num_outputs: int
    columns: tuple[Tensor, ...] | None = None

    def multiplier(self, name: str, value: float = 1.0) -> float:
        """`value` if the parameter counts, else 0."""
        return value if name in self.trained else 0.0


Rule = Callable[[Any, LayerCall], Sequence[Factor]]


@final
@dataclass(frozen=True)
class RegisteredRule:
    """A rule, the parameters it knows, and what the engine may make of it.

    Attributes:
        channel_dim: where the output keeps its channels.
        jacobian: dy/dx (k, d) if that is a constant.
        takes_columns: whether the rule also takes b as its slices.
        builtin: whether it is this package's own.
    """

    rule: Rule
    parameters: frozenset[str]
    channel_dim: int
    jacobian: Callable[[Any], Tensor] | None = None
    name: str = ""
    applies: Callable[[Any], bool] | None = None
    takes_columns: bool = False
    builtin: bool = False


_RULES: dict[type[nn.Module], RegisteredRule] = {}


def register_rule(
    layer_type: type[Layer],
    rule: Callable[[Layer, LayerCall], Sequence[Factor]],
    *,
    parameters: Collection[str] = ("weight", "bias"),
    channel_dim: int = -1,
    name: str | None = None,
    applies: Callable[[Layer], bool] | None = None,
) -> None:
    """Teach `empirical_ntk` the per-sample gradients of a layer of your own; replaces an earlier rule for the type.

    The rule is called as `rule(layer, call)` and returns factors whose kernels add up to the layer's: `Outer`
    (gradients that are sums of outer products, as of any linear map), `Lookup` (rows of a table) or `Rows` (small
    gradients written out). It serves exactly `layer_type`, no subclass. Every call of `empirical_ntk` compares it with
    autograd on a few samples, and a rule that disagrees is not used; `explain` says so.

    Args:
        layer_type: The class of the layer.
        rule: The rule.
        parameters: Names of the layer's own parameters the rule covers; any other goes through the exact fallback.
        channel_dim: The dimension of the layer's output that holds its channels (a hint for the memory layout).
        name: What `explain` calls it.
        applies: Whether the rule covers this layer's options; without it, all.

    Examples:
        >>> class Scale(torch.nn.Module):                          # y = s * x, one s a feature
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.s = torch.nn.Parameter(torch.ones(4))
        ...     def forward(self, x):
        ...         return self.s * x
        >>> register_rule(Scale, lambda layer, call: [Rows(call.b * call.inputs[0][:, None])], parameters=("s",))
    """
    _RULES[layer_type] = RegisteredRule(
        rule, frozenset(parameters), channel_dim, name=name or layer_type.__name__, applies=applies
    )


def register_builtin(layer_type: type[nn.Module], registered: RegisteredRule) -> None:
    """`register_rule` for this package's own rules."""
    _RULES[layer_type] = replace(registered, builtin=True)


def find_rule(module: nn.Module) -> RegisteredRule | None:
    """The rule of exactly this type, unless the object's own forward was replaced."""
    if "forward" in vars(module):
        return None
    return _RULES.get(type(module))
