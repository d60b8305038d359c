"""What is measured on CIFAR-10 of dense and convolutional networks, feature less lazy, and of ReLU kernels [GSJW20]."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

import pandas as pd

from lazyregime.reports.claims._claim import Measurement
from lazyregime.reports.claims._measure import log_slope
from lazyregime.reports.claims._seeds import Seeds, across, ends
from lazyregime.reports.tables.tags import tagged

IMAGES, COMPONENTS, RELU = "gsjw20_cifar", "gsjw20_pca", "gsjw20_relu"  # tags of the runs


def feature_less_lazy(runs: pd.DataFrame, *, arch: str) -> Measurement | None:
    """Test accuracy at the smallest laziness less that at the largest, on whole images."""
    found = tagged(runs, IMAGES)
    found = found[found.arch == arch] if len(found) else found
    if found.empty or found.laziness.nunique() < 2:
        return None
    feature, lazy = ends(found, "laziness", "test_accuracy", "init_seed")
    return (feature - lazy).measured(_between(found))


def feature_less_lazy_on_components(runs: pd.DataFrame) -> Measurement | None:
    """The same on principal components, the mean over the ways of making them."""
    found = tagged(runs, COMPONENTS)
    if found.empty or found.laziness.nunique() < 2:
        return None
    ways = [ends(part, "laziness", "test_accuracy", "init_seed") for _, part in found.groupby("config.data.pca")]
    differences = [feature - lazy for feature, lazy in ways]
    mean = across(lambda *each: sum(each) / len(each), *differences)
    return mean.measured(f"{len(ways)} ways, {_between(found)}")


def relu_slope(runs: pd.DataFrame, *, low: float, high: float) -> Measurement | None:
    """The exponent in laziness of the change of a ReLU network's kernel."""
    found = tagged(runs, RELU)
    found = found[(found.laziness >= low * 0.999) & (found.laziness <= high * 1.001)] if len(found) else found
    if found.empty or "kernel_change" not in found:
        return None
    slopes = Seeds.of(found, "laziness", seed="init_seed").each(lambda p: log_slope(p.laziness, p.kernel_change))
    return slopes.measured(f"width {found.width.iloc[0]}, {_between(found)}")


def _between(found: pd.DataFrame) -> str:
    return f"laziness {found.laziness.min():.3g} to {found.laziness.max():.3g}"
