"""The types of conf/fit.yaml."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from lazyregime.app.compose.schema import CommonConfig, Precision


class Choose(Enum):
    """On what the ridge is chosen."""

    auto = "auto"
    validation = "validation"
    leave_one_out = "leave_one_out"
    test = "test"
    given = "given"


class Solver(Enum):
    """What is solved."""

    auto = "auto"
    primal = "primal"
    dual = "dual"
    cg = "cg"


@dataclass
class FitConfig(CommonConfig):
    """conf/fit.yaml."""

    data: Any = None
    machine: Any = None
    experiment: Any = None

    width: int = 1000
    ridges: list[float] = field(default_factory=lambda: [1e-3])
    choose: Choose = Choose.auto
    intercept: bool = True
    coding: str = "one_hot"
    solver: Solver = Solver.auto
    precision: Precision = Precision.float64
    population: bool = False
    max_basis: int = 3000
    tolerance: float | None = None
    memory_budget: int | None = None
