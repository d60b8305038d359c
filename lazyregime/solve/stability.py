"""When K + ridge I can be inverted as it is, when it needs a jitter, and when it is no kernel matrix.

An eigenvalue below eps lambda_max, with eps the accuracy of the entries, is rounding. A matrix whose smallest
eigenvalue is so gets a jitter that lifts it to 100 eps lambda_max, where a solve means something. One whose entries are
known better is lifted to 1e-9 lambda_max, below which a solve in float64 leaves a residual that shows. The report says
so. A matrix with an eigenvalue further below zero than rounding explains is refused, and so is one that is zero.
"""

from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.solve.tensors import FLOAT64_ROUNDING

_LIFT = 100.0  # the jitter lifts the smallest eigenvalue this far above the rounding of the entries
_SOLVABLE = 1e-9  # of lambda_min / lambda_max: float64 solves then leave 6e-8 of any targets, as measured
_ALGORITHM = 1e-12  # of lambda_max: what computing eigenvalues may take below zero, generously
_NEGATIVE = 10.0  # times sqrt(n) eps lambda_max: what the rounding of n^2 entries may take below zero


def noise_level(size: int, accuracy: float) -> float:
    """eps: the part of the largest eigenvalue below which another one is rounding."""
    return max(accuracy, size * FLOAT64_ROUNDING)


def never_jittered(size: int, accuracy: float) -> float:
    """The part of the largest eigenvalue from which on the smallest needs no jitter."""
    return max(noise_level(size, accuracy), _SOLVABLE)


def lowest_allowed(largest: float, size: int, accuracy: float) -> float:
    """How far below zero rounding may take an eigenvalue."""
    return -_NEGATIVE * size**0.5 * max(noise_level(size, accuracy), _ALGORITHM) * largest


def needed_jitter(smallest: float, largest: float, *, ridge: float, size: int, accuracy: float) -> float:
    """What to add to the diagonal of H = K + ridge I beyond the ridge; mostly 0.

    Args:
        smallest: Eigenvalue of H.
        largest: Eigenvalue of H.
        ridge: Of H.
        size: Rows of H.
        accuracy: Relative accuracy of the entries of K.

    Raises:
        LazyRegimeError: If H is indefinite beyond rounding.
    """
    if largest <= 0 or smallest < lowest_allowed(largest, size, accuracy):
        raise LazyRegimeError(
            f"The kernel matrix is not positive semi-definite: its eigenvalues (with ridge {ridge:.3g}) run from "
            f"{smallest:.4g} to {largest:.4g}, which rounding cannot explain. Check that it is the kernel of "
            "one set of samples with themselves, or give a ridge."
        )
    eps = noise_level(size, accuracy)
    lifted = max(smallest, _SOLVABLE * largest)
    if smallest < eps * largest:
        lifted = max(lifted, _LIFT * eps * largest)
    return lifted - smallest


def check_not_zero(diagonal: Tensor) -> None:
    """Refuses a kernel matrix without anything to fit with, at any ridge.

    Args:
        diagonal: Of the matrix; it is zero only where all of a positive semi-definite matrix is.

    Raises:
        LazyRegimeError: If it is zero.
    """
    if not bool(diagonal.any()):
        raise LazyRegimeError(
            "The kernel matrix is zero, or not positive semi-definite: the features of all samples have zero norm, so "
            "there is nothing to fit with; check the inputs (all zero?) and the activation."
        )


def condition_number(smallest: float, largest: float) -> float:
    """lambda_max / lambda_min; infinite if the latter is not positive."""
    return largest / smallest if smallest > 0 else float("inf")
