"""What N units or n samples learn on the sphere: degree by degree, and not a single neuron [GMMM19]."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

from functools import partial
from pathlib import Path

import pandas as pd

from lazyregime.reports.claims import Claim, Measurement, Size, at_least, at_most, near
from lazyregime.reports.claims._seeds import Seeds
from lazyregime.reports.claims._trial import made_up
from lazyregime.reports.tables.linearized import linearized_runs

COMMAND = "multirun_scripts/gmmm19.sh"
POWERS = (0.0, 0.4, 0.3, 0.3)  # of the presets gmmm19_units and gmmm19_samples
TOLERANCE = 0.1
WHERE = "docs/gmmm19.md"
SIZE = Size("d = {:.0f}", "config.data.dimension")  # theorems on d to infinity
NEURON = Size("d = {:.0f}", "config.data.dimension", published=0)
NEAREST = 0.15  # how far log N / log d may be from l + 1/2


def _half(table: pd.DataFrame, by: str, level: int) -> pd.DataFrame:
    """The runs whose size is nearest to d^(l + 1/2), if it is near at all."""
    if table.empty:
        return table
    target = table.dimension ** (level + 0.5)
    apart = (table[by] / target - 1).abs()
    return table[(apart == apart.min()) & (apart < NEAREST)]


def _risk(model: str, level: int, runs: pd.DataFrame) -> Measurement | None:
    """With N = d^(l + 1/2) units, or as many samples."""
    table = linearized_runs(runs, "gmmm19")
    by = "n_train" if model == "krr_sphere" else "num_features"
    mixed = table[(table.model == model) & (table.target == "gegenbauer") & (table.powers.map(len) > 0)]
    mixed = mixed[mixed.powers.map(lambda p: sum(power > 0.01 for power in p) > 1).astype(bool)]
    chosen = _half(mixed, by, level)
    if chosen.empty:
        return None
    return Seeds.of(chosen).mean("risk").measured(f"{'n' if by == 'n_train' else 'N'} = {chosen[by].iloc[0]:.0f}")


def _neuron(model: str, runs: pd.DataFrame) -> Measurement | None:
    table = linearized_runs(runs, "gmmm19")
    chosen = table[(table.model == model) & (table.target == "neuron") & (table.num_features == table.dimension)]
    return Seeds.of(chosen).mean("risk").measured("N = d") if len(chosen) else None


def _left_of_neuron(degree: int, dimension: int = 30) -> float:
    """||P_{>l} relu||^2 / ||relu||^2 in d dimensions."""
    import torch

    from lazyregime.data.gegenbauer import powers

    parts = powers(torch.relu, 8, dimension, kink=0.0)
    return sum(parts[degree + 1 :]) / sum(parts)


def _made(model: str, target: str, size: int, risks: tuple[float, ...]) -> pd.DataFrame:
    """Three seeds of one machine at d = 30."""
    by = "n_train" if model == "krr_sphere" else "num_features"
    powers = {f"target_power_{k}": p for k, p in enumerate(POWERS)}
    common = {"command": "train" if model == "net" else "fit", "group": "gmmm19", "data": "sphere"}
    told = {"name": "sphere", "dimension": 30, "target": target, "neuron": "relu"}
    common |= {f"config.data.{key}": value for key, value in told.items()}
    runs = []
    for seed, risk in enumerate(risks):
        size_told = {"width": size, "num_features": size} if by == "num_features" else {"n_train": size}
        told = {
            "machine": model,
            "test_risk": risk,
            "seed": seed,
            **size_told,
            **(powers if target != "neuron" else {}),
        }
        runs.append(
            {**common, **told, "loss": "mse", "test_loss": risk / 4}
        )  # the loss is half the square; E f^2 = 1/2
    return made_up(runs)


def _trial(model: str, target: str, size: int, right: float, wrong: float, folder: Path, obeys: bool) -> pd.DataFrame:
    del folder
    risk = right if obeys else wrong
    return _made(model, target, size, (risk - 0.001, risk, risk + 0.001))


def _staircase(model: str, level: int, gain: int, words: str, source: str) -> Claim:
    left = sum(POWERS[level + gain + 1 :])
    return Claim(
        id=f"gmmm19.{model}.degree_{level}",
        source=source,
        statement=f"{words} d^{level + 0.5:g} leaves ||P_>{level + gain} f||^2 = {left:.1f} of the target.",
        measured="risk over that of zero",
        expected=near(left, TOLERANCE),
        measure=partial(_risk, model, level),
        command=COMMAND,
        trial=partial(_trial, model, "gegenbauer", round(30 ** (level + 0.5)), left, left + 0.2),
        size=SIZE,
        explanation=f"d = 30 is far from the limit, see {WHERE}",
    )


CLAIMS = (
    *(_staircase("rf", level, 0, "RF with N =", "[GMMM19], theorem 1") for level in (0, 1, 2)),
    *(_staircase("nt", level, 1, "NT with N =", "[GMMM19], theorem 2") for level in (0, 1)),
    *(_staircase("krr_sphere", level, 0, "KRR with n =", "[GMMM19], theorem 4") for level in (0, 1, 2)),
    Claim(
        id="gmmm19.neuron.rf",
        source="[GMMM19], section 1",
        statement="A single neuron is not learned by RF with N = d units: its degrees above 1 are left.",
        measured="risk over that of zero",
        expected=at_least(_left_of_neuron(1)),
        measure=partial(_neuron, "rf"),
        command=COMMAND,
        trial=partial(_trial, "rf", "neuron", 30, 0.5, 0.05),
        size=NEURON,
    ),
    Claim(
        id="gmmm19.neuron.nt",
        source="[GMMM19], section 1",
        statement="Nor by NT with N = d units: its degrees above 2 are left.",
        measured="risk over that of zero",
        expected=at_least(_left_of_neuron(2)),
        measure=partial(_neuron, "nt"),
        command=COMMAND,
        trial=partial(_trial, "nt", "neuron", 30, 0.1, 0.002),
        size=NEURON,
    ),
    Claim(
        id="gmmm19.neuron.net",
        source="[GMMM19], section 1",
        statement="It is learned by a network of as many units.",
        measured="risk over that of zero",
        expected=at_most(0.01),
        measure=partial(_neuron, "net"),
        command=COMMAND,
        trial=partial(_trial, "net", "neuron", 30, 0.002, 0.2),
        size=NEURON,
    ),
)
