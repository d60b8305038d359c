"""What makes a regime: h is f, f - f0 or J(w0) (w - w0), and alpha is given or follows from the network."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from lazyregime.errors import LazyRegimeError

# From the alpha that was given, or None, and the network at w0 to the alpha of the run; or it refuses.
AlphaRule = Callable[[float | None, nn.Module], float]


@dataclass(frozen=True)
class Choice:
    """A regime as data.

    Attributes:
        centred: Whether f(x; w0) is subtracted unless a run says otherwise.
        linearized: Whether f is replaced by its tangent model; None: not unless a run says so.
        alpha: The rule by which alpha is chosen.
    """

    centred: bool
    linearized: bool | None
    alpha: AlphaRule

    def linearize(self, asked: bool | None) -> bool:
        """Whether to, given what a run says.

        Raises:
            LazyRegimeError: If it contradicts the regime's name.
        """
        if self.linearized is None:
            return bool(asked)
        if asked not in (None, self.linearized):
            raise LazyRegimeError(
                f"regime.linearized={str(asked).lower()} contradicts this regime; leave it out, or use regime=lazy, "
                "which is the tangent model, or regime=scaled, which takes either."
            )
        return self.linearized


def one_unless_given(alpha: float | None, network: nn.Module) -> float:
    """Alpha as given, else 1."""
    del network
    return 1.0 if alpha is None else alpha
