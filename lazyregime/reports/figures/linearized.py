"""Colours and markers of networks, features and kernels, the same in every figure of theirs."""

# pandas tells its types only in part.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false, reportGeneralTypeIssues=false

from matplotlib.axes import Axes
from pandas import DataFrame

from lazyregime.reports.figures.style import GREY
from lazyregime.reports.tables.machines import WORDS

LOOK = {  # colour, marker, line
    "net": ("#D55E00", "o", "-"),
    "krr_rf": ("#0072B2", "s", "-"),
    "krr_sphere": ("#0072B2", "s", "-"),
    "krr_nt": ("#56B4E9", "v", "-"),
    "krr_ntk": ("#56B4E9", "^", "-"),
    "rf": ("#009E73", "D", "--"),
    "nt": ("#8A5A9E", "P", "--"),
    "rf_nt": ("#8A5A9E", "X", "--"),
    "quadratic": ("#222222", "", ":"),
    "linear": (GREY, "", ":"),
    "mlp_ntk": ("#0072B2", "s", "-"),
    "cntk": ("#009E73", "D", "-"),
    "mlp_ntk_nngp": ("#0072B2", "x", ":"),
    "cntk_nngp": ("#009E73", "x", ":"),
    "empirical_ntk init": ("#8A5A9E", "P", "--"),
    "empirical_ntk last": ("#8A5A9E", "X", "-"),
}


def lines(ax: Axes, table: DataFrame, x: str, y: str) -> None:
    """A line a model, means over seeds; shaded from the lowest to the highest of them."""
    for model, (colour, marker, style) in LOOK.items():
        name, _, at = model.partition(" ")
        chosen = table[table.model == name]
        if at:
            chosen = chosen[chosen["at"] == at]
        over = chosen.groupby(x)[y]
        mean = over.mean()
        if len(mean):
            ax.fill_between(mean.index, over.min(), over.max(), color=colour, alpha=0.14, linewidth=0)
            when = {"init": ", at initialization", "last": ", after training"}.get(at, "")
            ax.plot(
                mean.index, mean.to_numpy(), style, color=colour, marker=marker, markersize=5, label=WORDS[name] + when
            )
