"""F(x) = alpha (f(x; w) - f(x; w0)) with the user's alpha: lazy for large alpha, feature learning for small [COB19]."""

from typing import final

from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.regimes.base import AbstractRegime
from lazyregime.regimes.choice import Choice


def must_be_given(alpha: float | None, network: nn.Module) -> float:
    """Alpha as given.

    Raises:
        LazyRegimeError: If it is not given.
    """
    del network
    if alpha is None:
        raise LazyRegimeError(
            "regime=scaled needs an alpha: set alpha=100 (or laziness=100), or sweep -m alpha=0.1,1,10,100."
        )
    return alpha


@final
class Scaled(AbstractRegime):
    """The centred network, or its tangent model, under an alpha that must be given."""

    choice = Choice(centred=True, linearized=None, alpha=must_be_given)
