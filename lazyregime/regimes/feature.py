"""F(x) = alpha (f(x; w) - f(x; w0)) with alpha = 1/sqrt(N), that is laziness 1: the kernel moves by O(1) [GSJW20]."""

from typing import final

from torch import nn

from lazyregime.regimes.base import AbstractRegime
from lazyregime.regimes.choice import Choice
from lazyregime.regimes.laziness import alpha_of


def laziness_one_unless_given(alpha: float | None, network: nn.Module) -> float:
    """Alpha as given, else that of laziness 1.

    Raises:
        LazyRegimeError: If alpha is not given and the network's parameterization or width is not known.
    """
    return alpha_of(1.0, network) if alpha is None else alpha


@final
class Feature(AbstractRegime):
    """The mean-field regime: alpha defaults to laziness 1, which is 1/sqrt(N) for ntk and 1 for mean_field and mup."""

    choice = Choice(centred=True, linearized=False, alpha=laziness_one_unless_given)
