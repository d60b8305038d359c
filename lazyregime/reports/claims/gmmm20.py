"""When networks outperform kernels: spiked covariates, and Fashion-MNIST with high-frequency noise [GMMM20]."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false

from collections.abc import Sequence
from functools import partial

import pandas as pd

from lazyregime.reports.claims import Claim, Measurement, at_least, at_most, near, over_seeds
from lazyregime.reports.tables.linearized import linearized_runs
from lazyregime.reports.tables.machines import WORDS

COMMAND = "multirun_scripts/gmmm20.sh"
WHERE = "the published fits have 60,000 images, see docs/gmmm20.md"
FIGURE = "[GMMM20], figure on Fashion-MNIST (read by eye)"
TAUS = (0, 0.86, 1.5, 2.14, 3)
PUBLISHED = {  # accuracy at these
    "net": (0.914, 0.888, 0.872, 0.861, 0.850),
    "krr_rf": (0.916, 0.885, 0.861, 0.842, 0.823),
    "krr_ntk": (0.919, 0.885, 0.860, 0.842, 0.823),
    "rf": (0.916, 0.883, 0.854, 0.834, 0.817),
    "rf_nt": (0.907, 0.870, 0.845, 0.823, 0.810),
    "quadratic": (0.906, 0.884, 0.861, 0.843, 0.825),
    "linear": (0.822, 0.814, 0.813, 0.812, 0.811),
}
KERNELS = ("krr_rf", "krr_ntk")
LINEARIZED = (*KERNELS, "rf", "rf_nt")


def _noise(runs: pd.DataFrame, model: str, tau: float) -> pd.Series:
    """Accuracy by seed, with the most training images there are."""
    table = linearized_runs(runs, "gmmm20_noise")
    chosen = table[(table.model == model) & (table.tau == tau)]
    n = chosen.n_train.fillna(0)
    return chosen[n == n.max()].groupby("seed").accuracy.mean()


def _samples(runs: pd.DataFrame) -> str:
    n = linearized_runs(runs, "gmmm20_noise").n_train
    return f"n = {n.median():,.0f} images" if len(n) else ""


def _accuracy(model: str, tau: float, runs: pd.DataFrame) -> Measurement | None:
    return over_seeds(_noise(runs, model, tau), _samples(runs))


def _drop(model: str, runs: pd.DataFrame) -> Measurement | None:
    return over_seeds(_noise(runs, model, 0) - _noise(runs, model, 3), _samples(runs))


def _margin(models: Sequence[str], runs: pd.DataFrame) -> Measurement | None:
    """The least drop of these models, less that of the network."""
    drops = [_noise(runs, model, 0) - _noise(runs, model, 3) for model in models]
    net = _noise(runs, "net", 0) - _noise(runs, "net", 3)
    return over_seeds(pd.concat(drops, axis=1).min(axis=1, skipna=False) - net, _samples(runs))


def _kernels_above_net(runs: pd.DataFrame) -> Measurement | None:
    kernels = pd.concat([_noise(runs, model, 0) for model in KERNELS], axis=1).min(axis=1, skipna=False)
    return over_seeds(kernels - _noise(runs, "net", 0), _samples(runs))


def _ends_on_quadratic(runs: pd.DataFrame) -> Measurement | None:
    return over_seeds((_noise(runs, "krr_rf", 3) - _noise(runs, "quadratic", 3)).abs())


def _spiked(model: str, kappa: float, runs: pd.DataFrame) -> Measurement | None:
    table = linearized_runs(runs, "gmmm20_spiked")
    chosen = table[(table.model == model) & (table.kappa == kappa)]
    return over_seeds(chosen.groupby("seed").risk.mean())


def _net_spread(runs: pd.DataFrame) -> Measurement | None:
    """Highest less lowest risk of the network over kappa."""
    table = linearized_runs(runs, "gmmm20_spiked")
    by_seed = table[table.model == "net"].groupby("seed").risk
    return over_seeds(by_seed.max() - by_seed.min()) if len(by_seed) else None


def _claim(name: str, statement: str, measured: str, **rest: object) -> Claim:
    settled = {"source": FIGURE, "command": COMMAND, "explanation": WHERE} | rest
    return Claim(id=f"gmmm20.{name}", statement=f"{statement}.", measured=measured, **settled)  # pyright: ignore


CLAIMS = (
    _claim(
        "noise.kernels_at_0", "Without noise the kernels are at least as good as the network",
        "accuracy of the worse kernel less that of the network", expected=at_least(0.0), measure=_kernels_above_net,
    ),
    _claim(
        "noise.net_loses_least", "From tau = 0 to 3 the network loses least",
        "least drop of kernels and features less that of the network", expected=at_least(0.0),
        measure=partial(_margin, LINEARIZED),
    ),
    *(
        _claim(
            f"noise.drop.{model}", f"{WORDS[model]} loses {100 * (start - end):.1f} points from tau = 0 to 3",
            "drop of the accuracy", expected=near(start - end, 0.03), measure=partial(_drop, model),
        )
        for model, (start, *_, end) in PUBLISHED.items() if model in ("net", "krr_rf", "krr_ntk", "rf", "rf_nt")
    ),
    _claim(
        "noise.quadratic", "Kernel regression ends on the quadratic fit at tau = 3",
        "distance of the accuracies", expected=at_most(0.01), measure=_ends_on_quadratic,
    ),
    *(
        _claim(
            f"noise.{model}.tau_{tau}", f"{WORDS[model]} reaches {100 * value:.1f}% at tau = {tau}",
            "accuracy on the test set", expected=near(value, 0.05), measure=partial(_accuracy, model, tau),
        )
        for model, values in PUBLISHED.items() for tau, value in zip(TAUS, values, strict=True)
    ),
    _claim(
        "spiked.isotropic", "Without a spike (d_eff = d = 64) kernels learn nothing of degrees 3 and 4 from n << d^3",
        "risk of KRR over that of zero at kappa = 0", source="[GMMM20], theorem 1", expected=at_least(2 / 3 - 0.1),
        measure=partial(_spiked, "krr_sphere", 0.0), explanation="see docs/gmmm20.md",
    ),
    _claim(
        "spiked.strong", "With d_eff = d_0 = 5 they learn all of degree 4 from n >> 5^4 samples",
        "risk of KRR over that of zero at kappa = 0.9", source="[GMMM20], theorem 1", expected=at_most(0.15),
        measure=partial(_spiked, "krr_sphere", 0.9), explanation="see docs/gmmm20.md",
    ),
    _claim(
        "spiked.net", "The network depends on d_0 only, not on the spike",
        "highest less lowest risk of the network over kappa", source="[GMMM20], theorem 3", expected=at_most(0.2),
        measure=_net_spread, explanation="see docs/gmmm20.md",
    ),
)  # fmt: skip
