"""The verdict: what it says of what was measured, and that it says no more."""

import math

import pytest

from lazyregime.measure import judge
from lazyregime.measure.evidence import Evidence, evidence_of
from lazyregime.measure.verdict import turn_in_nulls

NULL = {"null_angle": 0.1, "null_cka": 0.03, "null_gain": 0.01}


def test_the_sentence_of_the_default_run():
    seen = Evidence(angle=0.6, cka=0.43, gain=0.149, gain_error=0.004, growth=176.0, **NULL)
    assert judge(seen).word == "feature learning"
    assert judge(seen).sentence == (
        "Feature learning: the kernel turned by 37 degrees (two initializations differ by 6), and regression with it "
        "gained 15 points."
    )


def test_a_kernel_that_only_grew_is_lazy_and_a_frozen_one_too():
    grown = Evidence(angle=0.005, cka=1e-4, growth=500.0, gain=0.0, gain_error=0.001, **NULL)
    assert judge(grown).word == "lazy"
    frozen = judge(Evidence(angle=0.0, cka=0.0, gain=0.0, gain_error=0.0, growth=1.0))
    assert (frozen.word, frozen.sentence) == ("lazy", "Lazy: the kernel did not turn at all.")


def test_the_same_turn_is_another_matter_in_a_narrow_network():
    turned = {"angle": 0.3, "cka": 0.05}
    assert judge(Evidence(**turned, **NULL)).word == "feature learning"
    assert judge(Evidence(**turned, null_angle=0.5, null_cka=0.4)).word == "in between"


def test_in_a_wide_network_a_small_turn_is_many_nulls_and_still_lazy():
    assert judge(Evidence(angle=0.01, cka=1e-4, null_angle=0.001, null_cka=1e-6)).word == "lazy"


@pytest.mark.parametrize("turn", ["angle", "cka"])
def test_either_turn_suffices_and_none_is_enough_alone_for_lazy(turn):
    still = {"angle": 0.001, "cka": 1e-6}
    assert judge(Evidence(**still, **NULL)).word == "lazy"
    assert judge(Evidence(**(still | {turn: 0.5}), **NULL)).word == "feature learning"


def test_both_turns_are_lengths_in_units_of_their_nulls():
    # a centred angle of 10 degrees where two draws differ by 40
    cka, null = 1 - math.cos(math.radians(10)), 1 - math.cos(math.radians(40))
    seen = Evidence(angle=0.0, cka=cka, null_angle=0.1, null_cka=null)
    assert turn_in_nulls(seen) == pytest.approx(math.sin(math.radians(10)) / math.sin(math.radians(40)))


def test_a_kernel_that_stayed_and_gained_is_not_called_lazy():
    seen = {"angle": 0.02, "cka": 0.001, **NULL}
    assert judge(Evidence(**seen, gain=0.05, gain_error=0.01)).word == "in between"
    assert judge(Evidence(**seen, gain=0.05, gain_error=0.04)).word == "lazy"  # within its error
    assert judge(Evidence(**seen, gain=0.004, gain_error=0.001)).word == "lazy"  # too small to matter
    assert judge(Evidence(**(seen | {"null_gain": 0.08}), gain=0.05, gain_error=0.01)).word == "lazy"  # as two draws


def test_a_gain_within_its_error_is_called_nothing_and_a_loss_a_loss():
    assert judge(Evidence(angle=0.5, cka=0.3, gain=0.004, gain_error=0.016, **NULL)).sentence.endswith(
        "and regression with it gained nothing (+0.4 ± 1.6 points)."
    )
    assert "regression with it lost 20 points" in judge(
        Evidence(angle=0.5, cka=0.3, gain=-0.2, gain_error=0.02, **NULL)
    ).sentence  # fmt: skip


def test_the_gain_of_real_targets_is_one_of_r_squared():
    result = {"kernel_angle": 0.5, "kernel_cka": 0.3, "kernel_gain": -0.0011, "kernel_gain_error": 1e-4}
    told = judge(evidence_of(result | {"kernel_risk_adh_init": 2.67})).sentence
    assert told.endswith("and R² of regression with it fell by 0.0011.")
    assert "points" in judge(evidence_of(result)).sentence


def test_without_a_null_it_is_judged_by_that_of_a_narrow_network_and_says_nothing_of_it():
    seen = judge(Evidence(angle=0.15, cka=0.05))
    assert (seen.word, "initializations" in seen.sentence) == ("in between", False)
    assert judge(Evidence(angle=0.6, cka=0.4)).word == "feature learning"


def test_what_was_not_measured_has_no_verdict():
    assert judge(Evidence()).word is None
    collapsed = judge(evidence_of({"kernel_angle": 0.06, "kernel_cka": None, "kernel_distance": 0.002}))
    assert collapsed.word is None and "the network has collapsed" in collapsed.sentence


def test_a_result_from_before_there_were_angles_is_judged_by_its_distance():
    seen = evidence_of({"kernel_change": 176.0, "kernel_distance": 1 - math.cos(math.radians(37))})
    assert judge(seen).sentence == "Feature learning: the kernel turned by 37 degrees."
