"""The types of conf/fit.yaml."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from omegaconf import MISSING

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

    width: int = MISSING
    ridges: list[float] = MISSING
    choose: Choose = MISSING
    intercept: bool = MISSING
    coding: str = MISSING
    solver: Solver = MISSING
    precision: Precision = MISSING
    population: bool = MISSING
    max_basis: int = MISSING
    tolerance: float | None = MISSING
    memory_budget: int | None = MISSING
