"""What moves the figures of [GSJW20] and [COB19] that come out otherwise here: one thing is changed at a time.

    python multirun_scripts/laziness_causes.py [depth] [points] [width] [variance] [smooth] [rare] [KEY=VALUE ...]

depth     The exponent of the kernel's change in the feature phase, against the number L of hidden layers: layers that
          grow together until f = margin / alpha give -2L / (L + 1).
points    The laziness where the kernel changes by its own norm, against the number of training points.
width     The same laziness at a width beyond those of SIZE=small.
variance  The exponent in width of the variance of F over initializations in the feature phase, from width to width.
smooth    The exponent of |F - F_lin| in alpha, decade by decade, with ReLU and with swish, at two widths.
rare      Whether it is rare events that make it -1/2 with ReLU: gates changed a test point, and the exponents of the
          root mean square, the mean and the median over test points of |F - F_lin|. Events of size O(1) at a rate
          1/alpha give -1/2, -1, and a median that does not see them once there is less than one a point.

The runs go where those of the experiments go; what is complete is not repeated.
"""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false

from functools import partial
from itertools import pairwise

import numpy as np

from lazyregime.app.studies import runs_of, studies
from lazyregime.reports.claims._flows import crossing, jackknife, outputs, variance
from lazyregime.reports.claims._measure import log_slope
from lazyregime.reports.claims._seeds import starts
from lazyregime.train import main as train

FEATURE, DECADES = "0.01,0.1,1", ((10, 30), (30, 100), (100, 1000))
SWEEPS = {
    "depth": [
        ["experiment=gsjw20", "arch.depth=1,2,3,5", "width=64", "data.n_train=100", f"laziness={FEATURE}",
         "init_seed=0,1,2,3"],
    ],
    "points": [
        ["experiment=gsjw20", "width=32", "data.n_train=100,300,1000", "laziness=10,30,100,300", "init_seed=0,1,2"],
    ],
    "width": [["experiment=gsjw20", "width=256", "laziness=10,30", "init_seed=0,1,2,3,4,5,6,7"]],
    "variance": [["experiment=gsjw20", "width=32,64,128,256", "laziness=0.1", "init_seed=range(24)"]],
    "smooth": [
        ["experiment=cob19_alpha", "ntk=none", "arch.activation=relu,silu", "width=64,256", "init_seed=0,1,2,3,4",
         which]
        for which in ("alpha=10,30,100,1000", "regime=lazy")
    ],
    "rare": [
        ["experiment=cob19_alpha", "ntk=none", "init_seed=0,1,2,3,4", which]
        for which in ("alpha=10,30,100,1000", "regime=lazy")
    ],
}  # fmt: skip


def interval(measured):
    """A measurement for people."""
    if measured is None:
        return "not reached by these runs"
    return f"{measured.value:.3f} [{measured.low:.3f}, {measured.high:.3f}]"


def depth(runs):
    """The exponent for each depth."""
    for layers, part in runs.groupby("config.arch.depth"):
        fitted = starts(log_slope(one.laziness, one.kernel_change) for _, one in part.groupby("init_seed")).measured()
        yield [f"{layers} hidden layers", interval(fitted), f"{-2 * layers / (layers + 1):.3f}"]


def points(runs):
    """The crossing for each number of points, and width."""
    for (n, width), part in runs.groupby(["n_train", "width"]):
        found = starts(crossing(one.laziness, one.kernel_change) for _, one in part.groupby("init_seed")).measured()
        yield [f"{n} points, width {width}", interval(found), "50"]


def fluctuations(runs):
    """The exponent of the variance between neighbouring widths, and over all."""
    shared = set.intersection(*(set(part.init_seed) for _, part in runs.groupby("width")))
    kept = runs[runs.init_seed.isin(shared)].sort_values("init_seed")
    values = {width: outputs(part)[0] for width, part in kept.groupby("width")}
    widths = sorted(values)
    for chosen in [*map(list, pairwise(widths)), widths]:
        found = jackknife(len(shared), lambda kept, ws=chosen: log_slope(ws, [variance(values[w][kept]) for w in ws]))
        yield [f"widths {', '.join(map(str, chosen))}, {len(shared)} initializations", interval(found), "-1"]


def smooth(runs):
    """The exponents between neighbouring alphas."""
    for (activation, width), part in runs.groupby(["config.arch.activation", "width"]):
        gaps = {seed: distances(one) for seed, one in part.groupby("init_seed")}
        for low, high in DECADES:
            step = np.log(high / low)
            found = starts(np.log(gap[high] / gap[low]) / step for gap in gaps.values()).measured()
            yield [f"{activation}, width {width}, alpha {low} to {high}", interval(found), "-1"]


def distances(runs):
    """|F - F_lin| on the test set by alpha, of one initialization."""
    return {alpha: np.linalg.norm(gap) for alpha, gap in gaps(runs).items()}


def rare(runs):
    """Gates changed a test point by alpha, and three exponents between neighbouring alphas."""
    units = runs["config.arch.width"].iloc[0] * runs["config.arch.depth"].iloc[0]
    for alpha, part in runs[runs.regime == "scaled"].groupby("alpha"):
        yield [
            f"gates changed a test point, alpha {alpha:g}",
            interval(starts(units * (1 - part.relu_unchanged)).measured()),
            "",
        ]
    apart = [gaps(one) for _, one in runs.groupby("init_seed")]
    means = {"root mean square": lambda gap: np.sqrt((gap**2).mean()), "mean": np.mean, "median": np.median}
    for words, mean in means.items():
        for low, high in DECADES:
            fitted = starts(np.log(mean(gap[high]) / mean(gap[low])) / np.log(high / low) for gap in apart).measured()
            expected = "-0.5" if words == "root mean square" else "-1"
            yield [f"exponent of the {words}, alpha {low} to {high}", interval(fitted), expected]


def gaps(runs):
    """|F - F_lin| of each test point by alpha, of one initialization."""
    scaled, linear = runs[runs.regime == "scaled"], runs[runs.regime == "lazy"]
    return dict(zip(scaled.alpha, np.abs(outputs(scaled)[0] - outputs(linear)[0][0]), strict=True))


TABLES = {"depth": depth, "points": points, "width": points, "variance": fluctuations, "smooth": smooth, "rare": rare}


def study(name, overrides):
    """The rows of a study from all runs of its group."""
    for sweep in SWEEPS[name]:
        runs = runs_of(train, f"causes_{name}", sweep, overrides)
    return TABLES[name](runs)


def main(arguments=None):
    """Run what lacks, and print."""
    studies(__doc__, {name: (partial(study, name), [name, "measured", "expected"]) for name in SWEEPS}, arguments)


if __name__ == "__main__":
    main()
