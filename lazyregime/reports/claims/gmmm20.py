"""When networks outperform kernels: spiked covariates, and Fashion-MNIST with high-frequency noise [GMMM20]."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from lazyregime.reports.claims import Claim, Measurement, Size, at_least, at_most, near
from lazyregime.reports.claims._seeds import PerSeed, Seeds, across
from lazyregime.reports.claims._trial import made_up
from lazyregime.reports.tables.linearized import linearized_runs
from lazyregime.reports.tables.machines import WORDS

COMMAND = "multirun_scripts/gmmm20.sh"
WHERE = "see docs/gmmm20.md"
FIGURE = "[GMMM20], figure on Fashion-MNIST (read by eye)"
SIZE = Size("n = {:,.0f}", "n_train", published=60_000)
LIMIT = Size("n = {:,.0f}", "n_train")  # theorems on n and d to infinity
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


def _noise(runs: pd.DataFrame, model: str, tau: float) -> PerSeed:
    """Accuracy of a model at a noise strength; of quadratic fits with several constants the best, as of their ridges.

    The paper's code searches the constant c of (c + <x, x'>/sqrt(d))^2 on the table of which it takes the best ridge.
    """
    table = linearized_runs(runs, "gmmm20_noise")
    axes = ("machine.constant",) if model == "quadratic" else ()
    return Seeds.of(table[(table.model == model) & (table.tau == tau)], *axes).each(lambda part: part.accuracy.max())


def _loss(runs: pd.DataFrame, model: str) -> PerSeed:
    """What the accuracy loses from the images without noise to those with most of it."""
    return _noise(runs, model, TAUS[0]) - _noise(runs, model, TAUS[-1])


def _drop(model: str, runs: pd.DataFrame) -> Measurement | None:
    return _loss(runs, model).measured()


def _margin(models: Sequence[str], runs: pd.DataFrame) -> Measurement | None:
    """The least drop of these models, less that of the network."""
    kernels = across(min, *(_loss(runs, model) for model in models))
    return (kernels - _loss(runs, "net")).measured()


def _kernels_above_net(runs: pd.DataFrame) -> Measurement | None:
    return (across(min, *(_noise(runs, model, 0) for model in KERNELS)) - _noise(runs, "net", 0)).measured()


def _net_leads(runs: pd.DataFrame) -> Measurement | None:
    """The least lead of the network over the noise strengths; where some are lacking, it can only be too large."""
    leads = []
    for tau in TAUS[1:]:
        best = across(max, *(_noise(runs, model, tau) for model in LINEARIZED))
        leads += [lead] if (lead := _noise(runs, "net", tau) - best).values else []
    if not leads:
        return None
    measured = across(min, *leads).measured(f"{len(leads)} of {len(TAUS) - 1} noise strengths")
    return measured if measured is None or len(leads) == len(TAUS) - 1 else replace(measured, low=float("nan"))


def _ends_on_quadratic(runs: pd.DataFrame) -> Measurement | None:
    return across(lambda a, b: abs(a - b), _noise(runs, "krr_rf", 3), _noise(runs, "quadratic", 3)).measured()


def _farthest(model: str, runs: pd.DataFrame) -> Measurement | None:
    """The largest distance from the published accuracies; where some are lacking, it can only be too small."""
    found = {tau: _noise(runs, model, tau) for tau in TAUS}
    there = {tau: value for tau, value in found.items() if value.values}
    if not there:
        return None
    published = dict(zip(TAUS, PUBLISHED[model], strict=True))
    apart = across(
        lambda *values: max(abs(v - published[t]) for v, t in zip(values, there, strict=True)), *there.values()
    )
    measured = apart.measured(f"tau = {', '.join(f'{tau:g}' for tau in there)}")
    return measured if measured is None or len(there) == len(TAUS) else replace(measured, high=float("nan"))


def _spiked(model: str, kappa: float, runs: pd.DataFrame) -> Measurement | None:
    table = linearized_runs(runs, "gmmm20_spiked")
    return Seeds.of(table[(table.model == model) & (table.kappa == kappa)]).mean("risk").measured()


def _net_spread(runs: pd.DataFrame) -> Measurement | None:
    """Highest less lowest risk of the network over kappa."""
    table = linearized_runs(runs, "gmmm20_spiked")
    nets = Seeds.of(table[table.model == "net"], "data.kappa", "kappa")
    return nets.each(lambda part: part.risk.max() - part.risk.min() if len(part) > 1 else float("nan")).measured()


def _trial(changes: dict[tuple[str, float], float], folder: Path, obeys: bool) -> pd.DataFrame:
    """The published accuracies in three seeds, or with some of them changed."""
    del folder
    wrong = {} if obeys else changes
    runs: list[dict[str, Any]] = []
    for model, values in PUBLISHED.items():
        for tau, published in zip(TAUS, values, strict=True):
            value = published + wrong.get((model, tau), 0.0)
            data = {"config.data.name": "fashion_mnist_noise", "config.data.tau": tau, "n_train": 60_000}
            kind = {"command": "train", "loss": "mse"} if model == "net" else {"command": "fit", "machine": model}
            for seed in range(3):
                told = {"seed": seed, "test_accuracy": value + 0.0005 * (seed - 1), "group": "gmmm20_noise"}
                runs.append({**data, **kind, **told, "data": "fashion_mnist_noise"})
    return made_up(runs)


def _spiked_trial(right: dict[str, float], wrong: dict[str, float], folder: Path, obeys: bool) -> pd.DataFrame:
    """Risks of KRR at kappa = 0 and 0.9 and of the network at both, in three seeds."""
    del folder
    risks = {"krr 0": 0.95, "krr 0.9": 0.05, "net 0": 0.9, "net 0.9": 0.85} | (right if obeys else wrong)
    runs: list[dict[str, Any]] = []
    for name, risk in risks.items():
        model, kappa = name.split()
        kind = {"command": "train", "loss": "mse"} if model == "net" else {"command": "fit", "machine": "krr_sphere"}
        for seed in range(3):
            value = risk + 0.002 * (seed - 1)
            told = {"seed": seed, "group": "gmmm20_spiked", "data": "spiked", "n_train": 3000}
            told |= {"config.data.name": "spiked", "config.data.kappa": float(kappa), "test_risk": value}
            runs.append({**kind, **told, "test_loss": value / 2})
    return made_up(runs)


def _row_of_figure(model: str) -> str:
    accuracies = ", ".join(f"{100 * value:.1f}" for value in PUBLISHED[model])
    return f"{WORDS[model]} has accuracy {accuracies}% at tau = {', '.join(f'{tau:g}' for tau in TAUS)}"


def _claim(name: str, statement: str, measured: str, **rest: Any) -> Claim:
    settled = {"source": FIGURE, "command": COMMAND, "explanation": WHERE, "size": SIZE} | rest
    return Claim(id=f"gmmm20.{name}", statement=f"{statement}.", measured=measured, **settled)


CLAIMS = (
    _claim(
        "noise.kernels_at_0", "Without noise the kernels are at least as good as the network",
        "accuracy of the worse kernel less that of the network", expected=at_least(0.0), measure=_kernels_above_net,
        trial=partial(_trial, {("net", 0): 0.05}),
    ),
    _claim(
        "noise.net_loses_least", "From tau = 0 to 3 the network loses least",
        "least drop of kernels and features less that of the network", expected=at_least(0.0),
        measure=partial(_margin, LINEARIZED), trial=partial(_trial, {("net", 3): -0.1}),
    ),
    _claim(
        "noise.net_leads", "From tau = 0.86 on the network is better than every kernel and all features",
        "accuracy of the network less that of the best of them, the least over tau", expected=at_least(0.0),
        measure=_net_leads, trial=partial(_trial, {("net", 0.86): -0.05}),
    ),
    *(
        _claim(
            f"noise.drop.{model}", f"{WORDS[model]} loses {100 * (start - end):.1f} points from tau = 0 to 3",
            "drop of the accuracy", expected=near(start - end, 0.03), measure=partial(_drop, model),
            trial=partial(_trial, {(model, 3): -0.05}),
        )
        for model, (start, *_, end) in PUBLISHED.items() if model in ("net", "krr_rf", "krr_ntk", "rf", "rf_nt")
    ),
    _claim(
        "noise.quadratic", "Kernel regression ends on the quadratic fit at tau = 3",
        "distance of the accuracies", expected=at_most(0.01), measure=_ends_on_quadratic,
        trial=partial(_trial, {("quadratic", 3): -0.05}),
    ),
    *(
        _claim(
            f"noise.accuracy.{model}", _row_of_figure(model), "largest distance from these", expected=at_most(0.05),
            measure=partial(_farthest, model), trial=partial(_trial, {(model, 1.5): -0.08}),
        )
        for model in PUBLISHED
    ),
    _claim(
        "spiked.isotropic", "Without a spike (d_eff = d = 64) kernels learn nothing of degrees 3 and 4 from n << d^3",
        "risk of KRR over that of zero at kappa = 0", source="[GMMM20], theorem 1", expected=at_least(2 / 3 - 0.1),
        measure=partial(_spiked, "krr_sphere", 0.0), size=LIMIT, trial=partial(_spiked_trial, {}, {"krr 0": 0.3}),
    ),
    _claim(
        "spiked.strong", "With d_eff = d_0 = 5 they learn all of degree 4 from n >> 5^4 samples",
        "risk of KRR over that of zero at kappa = 0.9", source="[GMMM20], theorem 1", expected=at_most(0.15),
        measure=partial(_spiked, "krr_sphere", 0.9), size=LIMIT, trial=partial(_spiked_trial, {}, {"krr 0.9": 0.4}),
    ),
    _claim(
        "spiked.net", "The network depends on d_0 only, not on the spike",
        "highest less lowest risk of the network over kappa", source="[GMMM20], theorem 3", expected=at_most(0.2),
        measure=_net_spread, size=LIMIT, trial=partial(_spiked_trial, {}, {"net 0.9": 0.4}),
    ),
)  # fmt: skip
