"""F(x) = f(x; w): the network as it is."""

from typing import final

from torch import nn

from lazyregime.errors import LazyRegimeError
from lazyregime.regimes.base import AbstractRegime
from lazyregime.regimes.choice import Choice
from lazyregime.regimes.laziness import check_alpha


def only_one(alpha: float | None, network: nn.Module) -> float:
    """1, and nothing else.

    Raises:
        LazyRegimeError: If another alpha is given: that is regime=scaled.
    """
    del network
    if alpha is None or alpha == 1:
        return 1.0
    check_alpha(alpha)
    raise LazyRegimeError(
        f"regime=regular trains the network as it is, so alpha={alpha:g} would be ignored; "
        "use regime=scaled to set alpha, or leave alpha out."
    )


@final
class Regular(AbstractRegime):
    """The network as it is, not centred, alpha = 1."""

    choice = Choice(centred=False, linearized=False, alpha=only_one)
