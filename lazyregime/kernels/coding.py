"""Class labels as regression targets Y, and the readings of f = k(x, X) H^{-1} Y that turn values into labels."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lazyregime.errors import LazyRegimeError

CODINGS = ("one_hot", "0.9/-0.1", "centred")


def encode(
    labels: Int[Tensor, " n"], n_outputs: int, coding: str = "one_hot"
) -> tuple[Float[Tensor, "n k"], Float[Tensor, " k"]]:
    """Targets (n, k) and the intercept (k,) that predictions get back.

    "one_hot" is 1 for the class and 0 elsewhere; "0.9/-0.1" is that minus 0.1 [ADH+19]; "centred" takes from the
    one-hot code its mean over these samples, and gives it back to the predictions as an intercept.

    Raises:
        LazyRegimeError: For an unknown coding, or a label outside 0 .. n_outputs - 1.
    """
    if coding not in CODINGS:
        raise LazyRegimeError(f"The label coding {coding!r} is unknown; choose one of {', '.join(CODINGS)}.")
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < 0 or highest >= n_outputs:
        raise LazyRegimeError(
            f"The labels run from {lowest} to {highest}, but {n_outputs} classes allow 0 to {n_outputs - 1}; "
            "give n_outputs, or number the classes from 0."
        )
    y = torch.nn.functional.one_hot(labels.long(), n_outputs).to(torch.float64)
    if coding == "0.9/-0.1":
        return y - 0.1, y.new_zeros(n_outputs)
    mean = y.mean(0) if coding == "centred" else y.new_zeros(n_outputs)
    return y - mean, mean
