"""F(x) = alpha J(w0) (w - w0): the tangent model, whose kernel stays where it started [COB19, section 1.2]."""

from typing import Any, final

from torch import nn

from lazyregime.regimes.base import AbstractRegime


@final
class Lazy(AbstractRegime):
    """The linearized network, trained by forward mode; alpha = 1 unless set (it changes nothing but rounding)."""

    def __init__(
        self,
        network: nn.Module,
        *,
        alpha: float | None = None,
        centred: bool = True,
        linearized: bool = True,
        **training: Any,
    ) -> None:
        super().__init__(
            network, alpha=1.0 if alpha is None else alpha, centred=centred, linearized=linearized, **training
        )
