"""What each measure of a run is, a paragraph each: of the verdict, of kernel regression, and of every metric."""

from collections.abc import Mapping
from typing import Any

from lazyregime.measure import verdict
from lazyregime.measure.metrics import all_metrics, explanation
from lazyregime.measure.words import metric_text

REGRESSION = (
    "Regression with the network's tangent kernel alone, K(X*, X) (K(X, X) + ridge I)^-1 Y from the anchors X to the "
    "test points X*: what the network would reach if the kernel stayed as it is at that moment. What it gains between "
    "initialization and the end is what the change of the kernel is worth."
)
NETWORK = "What the trained network itself reaches on the test points, beside what its kernel reaches there."


def verdict_words() -> str:
    """The rule of the verdict with its numbers."""
    return (
        "The turn is the sine of the angle by which the kernel of the anchors turned, over what two initializations of "
        f"the same network differ by (but over no less than {verdict.LEAST_ANGLE}), or the same of centred kernels on "
        f"held-out points (no less than {verdict.LEAST_CENTRED}), whichever is larger. Below {verdict.LAZY:.2g} the "
        f"network is lazy, unless regression with its kernel gained more than {verdict.ERRORS:g} standard errors and "
        f"what two initializations differ by; from {verdict.FEATURE:g} on it learned features; else it is in between."
    )


def explained(result: Mapping[str, Any], *, values: bool = True) -> list[tuple[str, str]]:
    """For each measure that a result has: what it is called and what it is.

    Args:
        result: The flat result of a training, or a row of a table of runs.
        values: Say the values too.
    """
    known = {key for key, value in result.items() if value is not None and value == value}
    told = [("verdict", verdict_words())] if "verdict" in known else []
    if any(key.startswith(("kernel_accuracy_", "kernel_risk_")) for key in known):
        told.append(("kernel regression at initialization, after training", REGRESSION))
    if known & {"test_accuracy", "test_loss"}:
        told.append(("network, on the test set", NETWORK))
    present = {key: result[key] for key in known}
    for metric in all_metrics():
        if value := metric_text(metric, present):
            words = f"{metric.words}: {value}" if values else metric.words
            told.append((f"{words} ({metric.name})", " ".join(explanation(metric).split())))
    return told
