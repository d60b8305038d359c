"""F(x) = alpha (f(x; w) - f(x; w0)) with the user's alpha: lazy for large alpha, feature learning for small [COB19]."""

from typing import Any, final

from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.regimes.base import AbstractRegime


@final
class Scaled(AbstractRegime):
    """The centred network under an alpha that must be given.

    Raises:
        LazyRegimeError: If no alpha is given.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        alpha: float | None = None,
        centred: bool = True,
        linearized: bool = False,
        **training: Any,
    ) -> None:
        if alpha is None:
            raise LazyRegimeError(
                "regime=scaled needs an alpha: set alpha=100 (or laziness=100), or sweep -m alpha=0.1,1,10,100."
            )
        super().__init__(network, alpha=alpha, centred=centred, linearized=linearized, **training)
