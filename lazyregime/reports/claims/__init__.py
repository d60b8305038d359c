"""Published statements, held against runs. A paper is a module here with a tuple CLAIMS; no other file names it."""

import importlib
import pkgutil

from lazyregime.reports.claims._claim import (
    Claim,
    Expected,
    Measurement,
    Size,
    Verdict,
    at_least,
    at_most,
    between,
    near,
)
from lazyregime.reports.claims._measure import log_slope
from lazyregime.reports.claims._seeds import NotSeeds, PerSeed, Seeds

__all__ = [
    "Claim",
    "Expected",
    "Measurement",
    "NotSeeds",
    "PerSeed",
    "Seeds",
    "Size",
    "Verdict",
    "all_claims",
    "at_least",
    "at_most",
    "between",
    "log_slope",
    "near",
]


def all_claims() -> list[Claim]:
    """The claims of every paper, in the order of the modules' names."""
    modules = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return [claim for name in modules for claim in importlib.import_module(f"{__name__}.{name}").CLAIMS]
