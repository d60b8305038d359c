"""F(x) = f(x; w): the network as it is."""

from typing import Any, final

from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.regimes.base import AbstractRegime, check_alpha


@final
class Regular(AbstractRegime):
    """The network in PyTorch's standard parameterization, not centred, alpha = 1.

    Raises:
        LazyRegimeError: If an alpha other than 1 is given: that is regime=scaled.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        alpha: float | None = None,
        centred: bool = False,
        linearized: bool = False,
        **training: Any,
    ) -> None:
        alpha = 1.0 if alpha is None else alpha
        check_alpha(alpha)
        if alpha != 1:
            raise LazyRegimeError(
                f"regime=regular trains the network as it is, so alpha={alpha:g} would be ignored; "
                "use regime=scaled to set alpha, or leave alpha out."
            )
        super().__init__(network, alpha=alpha, centred=centred, linearized=linearized, **training)
