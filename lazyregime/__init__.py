"""Train networks in the lazy, feature and regular regimes, and measure their tangent kernels.

From Python: `run` does what the command line does, `sweep` what it does with -m, `load_runs` reads run folders as a
table, `load_network` gives the trained network of a run, `RegimeProbe` judges anybody's training; the other names are
packages that stand on their own.
On the command line: `lazyregime`, or `python -m lazyregime`, lists the commands.
"""

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["RegimeProbe", "load_network", "load_runs", "run", "sweep"]

if TYPE_CHECKING:
    from lazyregime.app.api import run
    from lazyregime.app.sweeps.sweeping import sweep
    from lazyregime.app.trained import load_network
    from lazyregime.measure.regime_probe import RegimeProbe
    from lazyregime.reports import load_runs

_HOMES = {
    "run": "lazyregime.app.api",
    "sweep": "lazyregime.app.sweeps.sweeping",
    "load_network": "lazyregime.app.trained",
    "load_runs": "lazyregime.reports",
    "RegimeProbe": "lazyregime.measure.regime_probe",
}


def __getattr__(name: str) -> Any:  # importing the package must not import torch
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _modules():
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"lazyregime has no {name!r}; it has {', '.join(__dir__())}.")


def __dir__() -> list[str]:
    return sorted([*_HOMES, *_modules(), "__version__"])


def _modules() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
