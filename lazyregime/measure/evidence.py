"""What a verdict rests on: how far the kernel turned, what regression gained, and the null beside each."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from lazyregime.measure.gain import Gain
from lazyregime.measure.null import Null


@final
@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Numbers of a run; None for what was not measured.

    Attributes:
        angle: Sine of the angle by which the kernel turned on the anchors.
        cka: 1 - CKA of the kernels before and after, on held-out points.
        growth: Norm of the kernel after training over that before.
        gain: What regression with the kernel gained on the test points, as a fraction (of points, or R^2).
        gain_error: Its standard error.
        null_angle: `angle` of two initializations.
        null_cka: `cka` of two initializations.
        null_gain: `gain` of two initializations.
        has_moved: Whether any weight did, or None where that was not measured.
        of_targets: Whether the gain is one of R^2, for real targets.
        has_collapsed: Whether the kernel after training has no direction: it is zero, or the same for all points.
    """

    angle: float | None = None
    cka: float | None = None
    growth: float | None = None
    gain: float | None = None
    gain_error: float | None = None
    null_angle: float | None = None
    null_cka: float | None = None
    null_gain: float | None = None
    has_moved: bool | None = None
    of_targets: bool = False
    has_collapsed: bool = False

    @property
    def measures(self) -> dict[str, float | None]:
        """Under the names of a result, but for those that are metrics and stand there anyway."""
        return {name: getattr(self, field) for name, field in NAMES.items() if not is_metric(name)}


# The names of a result.
NAMES = {
    "kernel_angle": "angle",
    "kernel_cka": "cka",
    "kernel_growth": "growth",
    "kernel_gain": "gain",
    "kernel_gain_error": "gain_error",
    "kernel_angle_null": "null_angle",
    "kernel_cka_null": "null_cka",
    "kernel_gain_null": "null_gain",
}
METRICS = ("kernel_angle", "kernel_cka", "kernel_growth")


def is_metric(name: str) -> bool:
    """Whether a metric of its own says it."""
    return name in METRICS


def evidence_from(
    moved: Mapping[str, float | None], gain: Gain | None, null: Null | None, *, of_targets: bool = False
) -> Evidence:
    """Of what a probe found, before it has names."""
    return Evidence(
        angle=moved.get("kernel_angle"),
        cka=moved.get("kernel_cka"),
        growth=moved.get("kernel_growth"),
        gain=None if gain is None else gain.value,
        gain_error=None if gain is None else gain.error,
        null_angle=None if null is None else null.angle,
        null_cka=None if null is None else null.cka,
        null_gain=None if null is None else null.gain,
        has_moved=_has_moved(moved),
        of_targets=of_targets,
        has_collapsed=_has_collapsed(moved),
    )


def evidence_of(result: Mapping[str, Any]) -> Evidence:
    """Of a result; one that is older than the angle has 1 - cos, which says the same."""
    found = {field: _number(result.get(name)) for name, field in NAMES.items()}
    distance = _number(result.get("kernel_distance"))
    if found["angle"] is None and distance is not None:
        found["angle"] = sine_of(distance)
    of_targets = any(key.startswith("kernel_risk") for key in result)
    return Evidence(**found, has_moved=_has_moved(result), of_targets=of_targets, has_collapsed=_has_collapsed(result))


def degrees(sine: float) -> float:
    """The angle of a sine."""
    return math.degrees(math.asin(min(1.0, max(0.0, sine))))


def sine_of(distance: float) -> float:
    """The sine of an angle of which this is 1 - cos."""
    return math.sqrt(max(0.0, 1 - (1 - distance) ** 2))


def _has_moved(found: Mapping[str, Any]) -> bool | None:
    moved = _number(found.get("parameter_displacement"))
    return None if moved is None else moved > 0


def _has_collapsed(found: Mapping[str, Any]) -> bool:
    """A metric that has no value there is null; one that was not measured is missing."""
    return "kernel_cka" in found and found["kernel_cka"] is None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
