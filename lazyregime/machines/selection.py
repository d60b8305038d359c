r"""The table of a path of ridges on every split, and which ridge it is read at.

risk = E|f - y|^2 / E|y|^2, so 1 is what predicting zero has [GMMM20].
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lazyregime.errors import LazyRegimeError

CHOICES = ("auto", "validation", "leave_one_out", "test", "given")


@final
@dataclass
class PathTable:
    """Risk, and for class labels accuracy, of every ridge on every split that was predicted.

    Attributes:
        ridges: The path.
        columns: `test_risk`, `test_accuracy`, .., each (r,).
    """

    ridges: Sequence[float]
    columns: dict[str, Float[Tensor, " r"]] = field(default_factory=dict)

    def add(
        self,
        split: str,
        values: Float[Tensor, "r m k"],
        targets: Float[Tensor, "m k"],
        labels: Int[Tensor, " m"] | None,
    ) -> None:
        """Measure predictions against targets, and class labels if there are any: one output tells two by its sign."""
        mean_square = float(targets.square().sum(1).mean())
        errors = (values - targets).square().sum(2).mean(1)
        self.columns[f"{split}_risk"] = errors / max(mean_square, torch.finfo(torch.float64).tiny)
        if labels is not None:
            said = values.argmax(2) if values.shape[2] > 1 else (values[..., 0] > 0).long()
            self.columns[f"{split}_accuracy"] = (said == labels).double().mean(1)

    def best(self, split: str) -> int:
        """The ridge with the best accuracy on a split, or the lowest risk where there are no classes.

        Raises:
            LazyRegimeError: If the split was not measured.
        """
        accuracy, risk = self.columns.get(f"{split}_accuracy"), self.columns.get(f"{split}_risk")
        if risk is None:
            raise LazyRegimeError(f"The ridge cannot be chosen on {split}: nothing was predicted there.")
        return int(risk.argmin()) if accuracy is None else int(accuracy.argmax())

    def rows(self) -> list[Mapping[str, float]]:
        """One a ridge."""
        return [
            {"ridge": ridge, **{name: float(column[i]) for name, column in self.columns.items()}}
            for i, ridge in enumerate(self.ridges)
        ]

    def at(self, index: int) -> dict[str, float]:
        """What was measured at one ridge."""
        return {name: float(column[index]) for name, column in self.columns.items()}


def choice_of(asked: str, num_ridges: int, *, has_validation: bool, has_leave_one_out: bool) -> str:
    """What "auto" means here, and whether what is asked for can be done.

    Raises:
        LazyRegimeError: If it cannot, with what to set instead.
    """
    if asked not in CHOICES:
        raise LazyRegimeError(f"choose={asked!r} is not known; choose one of {', '.join(CHOICES)}.")
    if asked == "auto":
        if num_ridges == 1:
            return "given"
        asked = "validation" if has_validation else "leave_one_out"
    if asked == "validation" and not has_validation:
        raise LazyRegimeError("choose=validation needs held-out samples; set data.n_validation=1000, for example.")
    if asked == "leave_one_out" and not has_leave_one_out:
        raise LazyRegimeError(
            "Leave-one-out needs all eigenvalues of the samples' kernel, which only a small dual solve has; set "
            "data.n_validation=1000, for example, one ridge, or choose=test (which selects on the test set)."
        )
    return asked
