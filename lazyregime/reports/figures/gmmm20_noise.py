"""[GMMM20]: accuracy, risk and the largest eigenvalue of the inputs' covariance against the noise tau."""

# pandas tells its types only in part.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false, reportGeneralTypeIssues=false

import pandas as pd
from matplotlib.figure import Figure

from lazyregime.reports.figures.linearized import lines
from lazyregime.reports.figures.style import grid

CAPTION = (
    "Fashion-MNIST with high-frequency noise of norm tau times the image's: accuracy on the test set, risk over that "
    "of zero, and the spectrum of the inputs' covariance."
)


def draw(table: pd.DataFrame, spectra: dict[float, list[float]]) -> Figure | None:
    """Three panels; None without runs.

    Args:
        table: Of `linearized_runs`.
        spectra: Eigenvalues of the covariance, by tau.
    """
    if table.empty:
        return None
    # quadratic fits differ in their constant: the best of a seed, as of the ridges
    order = ["model", "tau", "seed", "num_features", "n_train"]
    table = table.sort_values("accuracy").drop_duplicates(order, keep="last")
    figure, axes = grid(1, 3 if spectra else 2, 4.3, 4.2)
    lines(axes[0, 0], table, "tau", "accuracy")
    lines(axes[0, 1], table, "tau", "risk")
    for ax, title, words in zip(
        axes[0], ("a  Accuracy", "b  Risk"), ("test accuracy", "risk / risk of zero"), strict=False
    ):
        ax.set_title(title)
        ax.set_xlabel("noise τ")
        ax.set_ylabel(words)
    axes[0, 0].legend(loc="lower left")
    if spectra:
        ax = axes[0, 2]
        for tau, values in sorted(spectra.items()):
            ax.loglog(range(1, len(values) + 1), values, label=f"τ = {tau:g}")
        ax.set_ylim(1e-3, None)
        ax.set_title("c  Covariance of the inputs")
        ax.set_xlabel("rank of the eigenvalue")
        ax.set_ylabel("eigenvalue")
        ax.legend(loc="lower left")
    return figure
