"""What the claims about laziness measure, and the figures of their runs."""

import numpy as np
import pytest

from lazyregime.reports.claims import _cob19_trial, _gsjw20_trial
from lazyregime.reports.claims._flows import crossing, ensemble_error, jackknife, peak, variance
from lazyregime.reports.claims._seeds import starts
from lazyregime.reports.figures import gsjw20 as figures
from lazyregime.reports.figures import phase
from lazyregime.reports.sections import cob19, gsjw20
from lazyregime.reports.tables.tags import tagged

WIDTHS = _gsjw20_trial.WIDTHS


def with_outputs(runs):
    """Those whose outputs were kept."""
    return runs[runs.path.str.startswith("/")]


def test_the_figures_show_the_laws(tmp_path):
    runs = _gsjw20_trial.runs_under(tmp_path, _gsjw20_trial.Laws())
    found = gsjw20.section(with_outputs(runs), tmp_path / "figures")
    assert len(list((tmp_path / "figures").glob("*.png"))) == len(found.pictures) > 1
    scaled = tagged(runs, "gsjw20")
    (plane, _) = phase.draw(scaled).axes
    assert "-0.50" in plane.get_legend_handles_labels()[1][0]  # the boundary alpha*(h) of a change that is lambda's
    change = scaled.groupby(["laziness", "width"]).kernel_change.apply(lambda v: np.exp(np.log(v).mean()))
    np.testing.assert_allclose(plane.collections[0].get_array(), change.unstack())
    collapsed = [line.get_ydata() for line in figures.error(scaled, scaled.iloc[:0]).axes[3].lines]
    assert len(collapsed) == len(WIDTHS)
    np.testing.assert_allclose(np.ptp(collapsed, axis=0), 0, atol=1e-9)
    assert max(np.abs(collapsed[0])) > 0.01


def test_the_figures_of_scale(tmp_path):
    runs = _cob19_trial.runs_under(tmp_path, _cob19_trial.Laws())
    runs = runs.assign(best_test_loss=runs.get("test_loss"))
    found = cob19.section(runs, tmp_path / "figures")
    assert {picture.path.stem for picture in found.pictures} == {"cob19_alpha", "cob19_teacher"}


def test_a_crossing_is_where_a_power_law_crosses():
    x = np.array([1.0, 10.0, 100.0])
    assert crossing(x, 50 / x) == pytest.approx(50)
    assert np.isnan(crossing(x, 0.5 / x))


def test_a_peak_is_where_a_parabola_of_the_logarithms_has_its_vertex():
    x = np.logspace(-2, 4, 7)
    y = np.exp(-((np.log(x) - np.log(7)) ** 2))
    assert peak(x[::-1], y[::-1]) == pytest.approx(7)
    assert (peak(x, x), peak(x, 1 / x)) == pytest.approx((1e4, 1e-2))


def test_the_jackknife_of_a_mean_is_its_t_interval():
    x = np.random.default_rng(0).standard_normal(12)
    found, expected = jackknife(12, lambda kept: float(x[kept].mean())), starts(x).measured()
    assert (found.value, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high))


def test_variance_and_ensemble_are_their_definitions():
    values, labels = np.array([[1.0, -3.0], [3.0, 1.0]]), np.array([1, -1])
    assert variance(values) == pytest.approx((2.0 + 8.0) / 2)
    assert ensemble_error(values, labels) == 0.0
