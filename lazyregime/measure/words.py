"""What the values that a probe finds are called by people, and how they are written."""

from collections.abc import Mapping
from typing import Any

from lazyregime.measure.metric import Metric
from lazyregime.measure.metrics import all_metrics
from lazyregime.measure.regression import WORDS

ENDS = {"init": "at initialization", "final": "after training"}


def metric_words() -> dict[str, str]:
    """Words for each number that a probe may leave in a result or in metrics.csv; those of a layer are NAME/layer."""
    words = dict(WORDS) | {metric.name: metric.words for metric in all_metrics()}
    of_moments = [*WORDS, *(metric.name for metric in all_metrics() if metric.kind == "moment")]
    return words | {f"{name}_{tag}": f"{words[name]}, {end}" for name in of_moments for tag, end in ENDS.items()}


def metric_rows(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A row of a table for each metric of a run that is shown: its words, and its value or its values at both ends."""
    shown = [metric for metric in all_metrics() if metric.in_table]
    return [(metric.words, text) for metric in shown if (text := metric_text(metric, result))]


def metric_text(metric: Metric, result: Mapping[str, Any]) -> str:
    """The value of a metric, or its values at both ends, as a table writes them; empty where a result has none."""
    names = [metric.name] if metric.kind == "movement" else [f"{metric.name}_{tag}" for tag in ENDS]
    if not any(name in result for name in names):
        return _over_layers(metric, result)
    values = [result.get(name) for name in names]
    return " → ".join(_number(value, metric.form) for value in values)


def _over_layers(metric: Metric, result: Mapping[str, Any]) -> str:
    """Of a metric that has values of layers only: their range, at the end."""
    name = metric.name if metric.kind == "movement" else f"{metric.name}_final"
    layers = [value for key, value in result.items() if key.startswith(f"{name}/")]
    values = [value for value in layers if isinstance(value, int | float)]
    if not values:
        return ""
    low, high = (format(value, metric.form) for value in (min(values), max(values)))
    return f"{low} to {high} ({len(values)} layers)"


def _number(value: object, form: str) -> str:
    """A result may be somebody else's, and hold anything."""
    return format(value, form) if isinstance(value, int | float) else "none"
