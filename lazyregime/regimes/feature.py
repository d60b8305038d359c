"""F(x) = alpha (f(x; w) - f(x; w0)) with alpha = 1/sqrt(N), that is laziness 1: the kernel moves by O(1) [GSJW20]."""

from typing import Any, final

from torch import nn

from lazyregime.regimes.base import AbstractRegime, alpha_of


@final
class Feature(AbstractRegime):
    """The mean-field regime: alpha defaults to laziness 1, which is 1/sqrt(N) for ntk and 1 for mean_field and mup."""

    def __init__(
        self,
        network: nn.Module,
        *,
        alpha: float | None = None,
        parameterization: str = "ntk",
        centred: bool = True,
        linearized: bool = False,
        **training: Any,
    ) -> None:
        if alpha is None:
            alpha = alpha_of(1.0, width=int(network.width), parameterization=parameterization)  # type: ignore[arg-type]
        super().__init__(network, alpha=alpha, centred=centred, linearized=linearized, **training)
