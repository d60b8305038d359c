"""Largest stable and best rates are those of the laws that made the runs; the report has the diagram and its table."""

import pytest

from lazyregime.reports.claims._learning_rate_trial import Laws, trial
from lazyregime.reports.claims.learning_rate import exponent, rates
from lazyregime.reports.sections.learning_rate import section


def test_rates_and_exponents(tmp_path):
    runs = trial("stable_rich_2", tmp_path, True)
    found = rates(runs)
    at = found[(found.layers == 2) & (found.seed == 0)].set_index("gamma")
    assert at.stable[0.1] / at.stable[0.01] == pytest.approx(100, rel=1e-6)  # eta = lr gamma^2, the same lr
    assert at.stable[0.1] == pytest.approx(8 * 2**0.5 * 0.01)  # between 8, which is stable, and 16
    assert at.best[0.1] == pytest.approx(0.125 * 0.01)
    for layers, power in ((2, Laws().stable_rich_2), (3, Laws().stable_rich_3)):
        assert exponent(found[found.layers == layers], "stable", "rich") == pytest.approx(power, abs=0.1)


def test_a_rate_at_an_end_of_what_was_tried_is_not_known(tmp_path):
    runs = trial("stable_lazy", tmp_path, True)
    stable = runs[runs.diverged_at.isna()]  # nobody tried where it diverges
    assert rates(stable).stable.isna().all()
    few = runs[runs.lr >= 0.125]
    assert rates(few[few.laziness == 10.0]).best.isna().all()
    assert exponent(rates(stable), "stable", "lazy") != exponent(rates(stable), "stable", "lazy")  # NaN


def test_a_report_has_the_diagram_and_a_row_for_each_depth_and_gamma(tmp_path):
    made = section(trial("stable_lazy", tmp_path, True), tmp_path)
    assert [picture.path.name for picture in made.pictures] == ["learning_rate.png"] and not made.troubles
    assert len(made.tables[0].lines) == 14
