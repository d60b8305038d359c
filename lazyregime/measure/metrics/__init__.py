"""The metrics: each file here has one `METRIC`; no other file names them."""

import importlib
import pkgutil

from lazyregime.measure.metric import Metric


def all_metrics() -> list[Metric]:
    """Every metric, in the order of tables."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    metrics: list[Metric] = [importlib.import_module(f"{__name__}.{name}").METRIC for name in names]
    return sorted(metrics, key=lambda metric: (metric.order, metric.name))


def explanation(metric: Metric) -> str:
    """What the docstring of its file says."""
    return (importlib.import_module(f"{__name__}.{metric.name}").__doc__ or "").strip()
