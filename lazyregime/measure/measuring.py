"""All metrics of a moment; one that has no value there is null, with a warning, and takes nothing else with it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import final

from lazyregime.errors import in_words, is_of_the_machine
from lazyregime.measure.metric import Metric, Moment
from lazyregime.measure.metrics import all_metrics

Scalars = dict[str, float | None]
Warn = Callable[[str], None]


@final
@dataclass(frozen=True)
class Measured:
    """Values by name without a suffix: of the moment, and of the movement since initialization."""

    of_moment: Scalars = field(default_factory=dict)
    moved: Scalars = field(default_factory=dict)


def measured(now: Moment, first: Moment | None, when: str, warn: Warn) -> Measured:
    """What every metric says of this moment.

    Args:
        now: The moment.
        first: That of initialization; None at initialization, where nothing has moved yet.
        when: Its tag, for warnings.
        warn: Told of each metric that should have a value and has none.
    """
    found = Measured()
    for metric in all_metrics():
        if metric.kind == "movement" and first is None:
            continue
        values = found.moved if metric.kind == "movement" else found.of_moment
        values |= _values(metric, now, first, when, warn)
    return found


def suffixed(scalars: Mapping[str, float | None], tag: str) -> Scalars:
    """`NAME_tag`, and `NAME_tag/layer`."""
    parts = {key: key.partition("/") for key in scalars}
    return {f"{name}_{tag}{slash}{layer}": scalars[key] for key, (name, slash, layer) in parts.items()}


def is_movement(key: str) -> bool:
    """Whether a value of this name is one of a movement."""
    name = key.partition("/")[0]
    return any(metric.name == name and metric.kind == "movement" for metric in all_metrics())


def _values(metric: Metric, now: Moment, first: Moment | None, when: str, warn: Warn) -> Scalars:
    try:
        value = metric.compute(now, first)
    except Exception as error:  # of anybody's metric, and a training is not lost for it
        if is_of_the_machine(error):
            raise
        warn(f"{metric.name} has no value at {when}: {in_words(error)}")
        return {metric.name: None}
    if value is None:
        return {}
    several = value if isinstance(value, Mapping) else {"": value}
    scalars: Scalars = {metric.name + (f"/{layer}" if layer else ""): each for layer, each in several.items()}
    for key, each in scalars.items():
        if each is None or not math.isfinite(each):
            warn(f"{key} has no value at {when}: it is {each}, which is no finite number.")
            scalars[key] = None
    return scalars
