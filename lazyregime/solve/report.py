"""What a solve took, and whether its answer is that of the system that was asked for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SolveReport:
    """What a solve of (K + ridge I) alpha = Y took, whichever method did it; of several ridges, at the smallest.

    Attributes:
        size: Rows of the matrix that was solved.
        ridge: The absolute ridge on the diagonal.
        jitter: What was added to the diagonal beyond the ridge; 0 if nothing was needed.
        condition_number: lambda_max / lambda_min of K + ridge I before any jitter; infinite if it is not positive. By
            conjugate gradients and Krylov spaces lambda_min is the smallest Ritz value, a few per cent above the true
            one.
        residual: ||H alpha - Y|| / ||Y|| of the system that was solved, H = K + (ridge + jitter) I; the largest seen.
        misfit: The same of the system that was asked for, without the jitter. It is not small where Y has a part that
            K cannot fit, as for samples that are equal and have different targets.
        method: "cholesky", "eigenvalues", "krylov", "krylov+cholesky" or "cg".
        form: "dual", the matrix of the samples; "primal", that of the features; or "products", without a matrix.
        iterations: Of the conjugate gradients, else 0.
        num_factored: Cholesky factors.
        basis_size: Of the Krylov space, else 0.
    """

    size: int
    ridge: float
    jitter: float
    condition_number: float
    residual: float
    method: str
    form: str = "dual"
    misfit: float = 0.0
    iterations: int = 0
    num_factored: int = 0
    basis_size: int = 0

    @property
    def caution(self) -> str | None:
        """What a reader of the answer should know, in a sentence; None if it is that of the system asked for."""
        if self.jitter == 0:
            return None
        return (
            f"The kernel matrix is singular at ridge {self.ridge:.3g} to the accuracy of its entries (condition number "
            f"{self.condition_number:.3g}): {self.jitter:.3g} was added to its diagonal, and {self.misfit:.1g} of the "
            "targets is left unfitted; give a ridge, or drop what is redundant."
        )
