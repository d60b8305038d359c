"""Lazy, feature learning, or in between: how far the kernel turned, in units of what two initializations differ by.

A network that is drawn anew has another kernel and has learned nothing. So a turn that is a small part of that leaves
the network the draw that it was: it is lazy, and its training is regression with the kernel it started with. A turn
that is nearly as large has forgotten the draw: what the kernel prefers is what training made of it. The scale vanishes
with the width (as N^-1/2) and the turn at a fixed laziness does not, so for wide networks it is bounded from below.

How the thresholds were chosen, and how often they are right on networks that they were not chosen on: docs/verdict.md.
"""

from dataclasses import dataclass
from typing import final

from lazyregime.measure.evidence import Evidence, degrees, sine_of

LAZY = 1 / 3  # of the scale: a third of the way to another draw
FEATURE = 3 / 4  # three quarters of it: narrow CNNs that are as rich as can be come no further than 0.9
LEAST_ANGLE = 0.1  # of the scale, as a sine: that of an MLP of width 1000
LEAST_CENTRED = 0.2  # the same of centred kernels on held-out points
NO_NULL = 2.5  # times these, where no null was measured: about that of width 150
ERRORS = 2.0  # standard errors that make a gain one
LEAST_GAIN = 0.01  # of points, or R^2: a smaller gain is no reason to call a kernel that stayed another one


@final
@dataclass(frozen=True)
class Verdict:
    """A word (None where there is none to give) and the sentence that says what was seen."""

    word: str | None
    sentence: str


def judge(evidence: Evidence) -> Verdict:
    """The verdict on what was measured."""
    if evidence.has_collapsed:
        return Verdict(
            None, "No verdict: the kernel after training is the same for all points, so the network has collapsed."
        )
    if evidence.has_moved is False:
        return Verdict(None, "No verdict: no weight moved, so nothing was trained.")
    if evidence.angle is None:
        return Verdict(None, "No verdict: the kernel was not measured at both ends.")
    word = _word(evidence)
    return Verdict(word, f"{word[0].upper()}{word[1:]}: {_turned(evidence)}{_gained(evidence)}.")


def turn_in_nulls(evidence: Evidence) -> float:
    """The larger of the two turns, on anchors and centred on held-out points, each over its scale.

    Of sines, which are lengths: 1 - CKA is the square of one.
    """
    known = 1.0 if evidence.null_angle is not None else NO_NULL
    angle, cka = evidence.angle or 0.0, evidence.cka or 0.0
    return max(
        angle / max(LEAST_ANGLE * known, evidence.null_angle or 0.0),
        sine_of(cka) / max(LEAST_CENTRED * known, sine_of(evidence.null_cka or 0.0)),
    )


def gained(evidence: Evidence) -> bool:
    """Whether regression with the kernel gained, or lost, more than its error and another draw explain."""
    if evidence.gain is None or evidence.gain_error is None:
        return False
    return abs(evidence.gain) > max(ERRORS * evidence.gain_error, evidence.null_gain or 0.0, LEAST_GAIN)


def _word(evidence: Evidence) -> str:
    turn = turn_in_nulls(evidence)
    if turn >= FEATURE:
        return "feature learning"
    return "lazy" if turn < LAZY and not gained(evidence) else "in between"


def _turned(evidence: Evidence) -> str:
    assert evidence.angle is not None
    if evidence.angle == 0:
        return "the kernel did not turn at all"
    null = evidence.null_angle
    beside = "" if null is None else f" (two initializations differ by {_short(degrees(null))})"
    return f"the kernel turned by {_short(degrees(evidence.angle))} degrees{beside}"


def _gained(evidence: Evidence) -> str:
    gain, error = evidence.gain, evidence.gain_error
    if gain is None or error is None or (evidence.angle == 0 and gain == 0):
        return ""
    if evidence.of_targets:
        return _gained_r2(gain, error)
    points = f"{_short(abs(100 * gain))} points"
    if abs(gain) <= ERRORS * error:
        return f", and regression with it gained nothing ({100 * gain:+.1f} ± {100 * error:.1f} points)"
    return f", and regression with it {'gained' if gain > 0 else 'lost'} {points}"


def _gained_r2(gain: float, error: float) -> str:
    if abs(gain) <= ERRORS * error:
        return f", and R² of regression with it stayed ({gain:+.2g} ± {error:.1g})"
    return f", and R² of regression with it {'rose' if gain > 0 else 'fell'} by {abs(gain):.2g}"


def _short(number: float) -> str:
    """Two digits of what is small, whole numbers of what is not."""
    return f"{number:.0f}" if number >= 3 else f"{float(f'{number:.2g}'):g}"
