"""F(x) = alpha J(w0) (w - w0): the tangent model, whose kernel stays where it started [COB19, section 1.2]."""

from typing import final

from lazyregime.regimes.base import AbstractRegime
from lazyregime.regimes.choice import Choice, one_unless_given


@final
class Lazy(AbstractRegime):
    """The linearized network, trained by forward mode; alpha = 1 unless set (it changes nothing but rounding)."""

    choice = Choice(centred=True, linearized=True, alpha=one_unless_given)
