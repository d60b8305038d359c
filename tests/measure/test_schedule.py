"""What is due when: against lists written by hand, and each thing once, across an interruption too."""

import math

from lazyregime.measure.schedule import Schedule


def test_steps_and_decades_are_due_once_each():
    schedule = Schedule(steps=[3, 7], per_decade=1)
    due = {step: tags for step in range(1, 121) if (tags := list(schedule.after_step(step)))}
    assert due == {1: ["time_1"], 3: ["step_3"], 7: ["step_7"], 10: ["time_10"], 100: ["time_100"]}


def test_decades_are_spaced_evenly_in_the_logarithm():
    schedule = Schedule(per_decade=2)
    at = [step for step in range(1, 10_001) if list(schedule.after_step(step))]
    assert at == [math.ceil(10 ** (k / 2) - 1e-6) for k in range(9)]


def test_the_time_of_a_flow_counts_where_it_is_given():
    schedule = Schedule(per_decade=1, steps=[50])
    times = [(0, 0.0), (4, 0.02), (9, 0.05), (30, 0.3), (60, 4.0), (61, 5.0)]
    assert [list(schedule.after_step(step, time)) for step, time in times] == [
        [], ["time_0.02"], [], ["time_0.3"], ["step_50", "time_4"], [],
    ]  # fmt: skip


def test_fractions_are_of_the_first_loss():
    schedule = Schedule(loss_fractions=[0.1, 0.5])
    assert [list(schedule.below(loss)) for loss in (4.0, 2.1, 1.9, 1.9, 0.3)] == [
        [], [], ["loss_0.5"], [], ["loss_0.1"],
    ]  # fmt: skip


def test_what_was_due_before_an_interruption_is_not_due_again():
    first = Schedule(epochs=[2], steps=[3, 7], per_decade=1, loss_fractions=[0.5])
    list(first.after_step(5)), list(first.below(1.0)), list(first.below(0.4))
    second = Schedule(epochs=[2], steps=[3, 7], per_decade=1, loss_fractions=[0.5])
    second.load_state_dict(first.state_dict())
    assert list(second.after_step(6)) == [] and list(second.below(0.3)) == []
    assert list(second.after_step(8)) == ["step_7"] and list(second.after_epoch(2)) == ["epoch_2"]
