"""The poster's MNIST table: each number by its own protocol within two points, and the parameter counts exactly."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from collections.abc import Callable

import pandas as pd

from lazyregime.reports.claims import Claim, Measurement, near, over_seeds
from lazyregime.reports.tables.poster import MEASURED_AS, poster_runs
from lazyregime.reports.tables.published import POSTER, ROWS, SOURCE, TOLERANCE_POINTS, Published
from lazyregime.reports.tables.settings import one_per_seed

MEANING = {
    "Lazy": "Kernel regression with the kernel at initialization reaches the published accuracy",
    "Feature": "Kernel regression with the kernel of the trained network reaches the published accuracy",
    "Regular": "The network itself reaches the published accuracy",
}


def _claims(column: Published) -> list[Claim]:
    network = f"{column.arch}_{column.width}"
    experiment = {"mlp": "poster_table", "cnn": "poster_table_cnn"}[column.arch]
    command = f"python -m lazyregime.train -m experiment={experiment} width={column.width} seed=0,1,2"
    claims = [
        Claim(
            id=f"poster.{network}.{row.lower()}",
            source=SOURCE,
            statement=f"{MEANING[row]}, on MNIST with {column.arch.upper()}-{column.width}.",
            measured="test accuracy" if row == "Regular" else "accuracy of the kernel regression under protocol poster",
            expected=near(value, TOLERANCE_POINTS / 100),
            measure=_of(column, MEASURED_AS[row, "none" if row == "Regular" else "poster"]),
            command=command,
        )
        for row in ROWS
        if (value := column.value(row)) is not None
    ]
    claims.append(
        Claim(
            id=f"poster.{network}.parameters",
            source=SOURCE,
            statement=f"{column.arch.upper()}-{column.width} has {column.num_params:,} parameters.",
            measured="the number of parameters",
            expected=near(column.num_params, 0),
            measure=_of(column, "num_params"),
            command=command,
        )
    )
    return claims


def _of(column: Published, key: str) -> Callable[[pd.DataFrame], Measurement | None]:
    def measure(runs: pd.DataFrame) -> Measurement | None:
        chosen = poster_runs(runs)
        chosen = chosen[(chosen.network == column.arch.upper()) & (chosen.width == column.width)]
        return over_seeds(one_per_seed(chosen)[0][key])

    return measure


CLAIMS = tuple(claim for column in POSTER for claim in _claims(column))
