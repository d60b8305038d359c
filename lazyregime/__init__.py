"""Train networks in the lazy, feature and regular regimes, and measure their tangent kernels."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["load_runs", "run"]

if TYPE_CHECKING:
    from lazyregime.app.api import run
    from lazyregime.reports import load_runs


def __getattr__(name: str) -> Any:  # importing the package must not import torch
    if name == "run":
        from lazyregime.app.api import run

        return run
    if name == "load_runs":
        from lazyregime.reports import load_runs

        return load_runs
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
