"""What N units or n samples learn on the sphere: degree by degree, and not a single neuron [GMMM19]."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false

from collections.abc import Callable
from functools import partial

import pandas as pd

from lazyregime.reports.claims import Claim, Measurement, at_least, at_most, near, over_seeds
from lazyregime.reports.tables.linearized import linearized_runs

COMMAND = "multirun_scripts/gmmm19.sh"
DIMENSION, POWERS = 30, (0.0, 0.4, 0.3, 0.3)  # of the presets gmmm19_units and gmmm19_samples
TOLERANCE = 0.1  # d is 30 and not infinite
WHERE = "docs/gmmm19.md"
_HALF = {0: 5, 1: 164, 2: 4930}  # d^(l + 1/2)

Measure = Callable[[pd.DataFrame], Measurement | None]


def _risk(model: str, size: int, runs: pd.DataFrame) -> Measurement | None:
    """At d = 30, N or n as given."""
    table = linearized_runs(runs, "gmmm19")
    chosen = table[(table.model == model) & (table.dimension == DIMENSION) & (table.target == "gegenbauer")]
    by = "n_train" if model == "krr_sphere" else "num_features"
    return over_seeds(chosen[chosen[by] == size].risk, f"d = {DIMENSION}, {'n' if by == 'n_train' else 'N'} = {size}")


def _staircase(model: str, level: int, gain: int, words: str, source: str) -> Claim:
    left = sum(POWERS[level + gain + 1 :])
    return Claim(
        id=f"gmmm19.{model}.degree_{level}",
        source=source,
        statement=f"{words} d^{level + 0.5:g} leaves ||P_>{level + gain} f||^2 = {left:.1f} of the target.",
        measured="risk over that of zero",
        expected=near(left, TOLERANCE),
        measure=partial(_risk, model, _HALF[level]),
        command=COMMAND,
        explanation=f"d = 30 is far from the limit, see {WHERE}",
    )


def _cubic(runs: pd.DataFrame) -> Measurement | None:
    """Of relu without a shift on a pure cubic, at the largest N."""
    table = linearized_runs(runs, "gmmm19")
    pure = table[(table.model == "rf") & (table["shift"] == 0) & (table.target == "gegenbauer")]
    pure = pure[pure.powers.map(lambda p: len(p) > 3 and p[3] > 0.99).astype(bool)]
    largest = pure[pure.num_features == pure.num_features.max()]
    return over_seeds(largest.risk, f"N = {largest.num_features.max():.0f}" if len(largest) else "")


def _neuron(model: str, runs: pd.DataFrame) -> Measurement | None:
    table = linearized_runs(runs, "gmmm19")
    chosen = table[(table.model == model) & (table.target == "neuron") & (table.num_features == DIMENSION)]
    return over_seeds(chosen.risk, f"N = d = {DIMENSION}")


def _left_of_neuron(degree: int) -> float:
    """||P_{>l} relu||^2 / ||relu||^2 at d = 30."""
    import torch

    from lazyregime.data.gegenbauer import powers

    parts = powers(torch.relu, 8, DIMENSION, kink=0.0)
    return sum(parts[degree + 1 :]) / sum(parts)


CLAIMS = (
    *(_staircase("rf", level, 0, "RF with N =", "[GMMM19], theorem 1") for level in (0, 1, 2)),
    *(_staircase("nt", level, 1, "NT with N =", "[GMMM19], theorem 2") for level in (0, 1)),
    *(_staircase("krr_sphere", level, 0, "KRR with n =", "[GMMM19], theorem 4") for level in (0, 1, 2)),
    Claim(
        id="gmmm19.rf.spectrum",
        source="[GMMM19], assumption 1",
        statement="RF cannot learn what the activation's spectrum lacks: relu and a pure cubic.",
        measured="risk over that of zero at the largest N",
        expected=near(1.0, 0.01),
        measure=_cubic,
        command=COMMAND,
    ),
    Claim(
        id="gmmm19.neuron.rf",
        source="[GMMM19], section 1",
        statement="A single neuron is not learned by RF with N = d units: its degrees above 1 are left.",
        measured="risk over that of zero",
        expected=at_least(_left_of_neuron(1)),
        measure=partial(_neuron, "rf"),
        command=COMMAND,
    ),
    Claim(
        id="gmmm19.neuron.nt",
        source="[GMMM19], section 1",
        statement="Nor by NT with N = d units: its degrees above 2 are left.",
        measured="risk over that of zero",
        expected=at_least(_left_of_neuron(2)),
        measure=partial(_neuron, "nt"),
        command=COMMAND,
    ),
    Claim(
        id="gmmm19.neuron.net",
        source="[GMMM19], section 1",
        statement="It is learned by a network of as many units.",
        measured="risk over that of zero",
        expected=at_most(0.01),
        measure=partial(_neuron, "net"),
        command=COMMAND,
    ),
)
