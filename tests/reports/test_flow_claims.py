"""The claims about laziness on made-up runs that obey the published laws, and on runs that do not."""

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from lazyregime.reports.claims import cob19, gsjw20
from lazyregime.reports.claims._flows import crossing, ensemble_error, jackknife, variance
from lazyregime.reports.figures import gsjw20 as figures
from lazyregime.reports.figures import phase
from lazyregime.reports.sections.gsjw20 import section

WIDTHS, LAZINESS, SEEDS = (16, 64, 256), (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0), range(6)


def gsjw_runs(folder, *, lazy_exponent=1.0):
    """Runs whose kernel change, half-loss time and output variance are the published laws."""
    rng, rows = np.random.default_rng(0), []
    truth, labels = rng.standard_normal((200, 1)), None
    labels = (truth[:, 0] > 0).astype(np.int64)
    for width in WIDTHS:
        for laziness in LAZINESS:
            change = (50 / laziness) ** (lazy_exponent if laziness > 50 else 1.3)
            for seed in SEEDS:
                path = folder / f"{width}-{laziness}-{seed}"
                path.mkdir()
                outputs = truth + 0.2 * rng.standard_normal((200, 1)) / width**0.5
                save_file({"test_outputs": outputs, "test_labels": labels}, path / "kernels.safetensors")
                rows.append(
                    {
                        "path": str(path), "config.tags": "gsjw20", "regime": "scaled", "width": width,
                        "laziness": laziness, "alpha": laziness / width**0.5, "init_seed": seed,
                        "kernel_change": change, "half_loss_time": 3 * max(1.0, laziness) if laziness < 1 else 3.0,
                        "test_accuracy": 0.9 + 0.01 * np.log10(laziness) + 0.001 * seed, "initial_output": 0.0,
                    }
                )  # fmt: skip
    return pd.DataFrame(rows).assign(half_loss_time=lambda t: 3 * t.laziness.clip(upper=30.0))


def verdicts(claims, runs):
    return {claim.id.partition(".")[2]: claim.verdict(claim.measure(runs)) for claim in claims}


def test_runs_that_obey_the_laws_hold_up_the_claims(tmp_path):
    found = verdicts(gsjw20.CLAIMS, gsjw_runs(tmp_path))
    lacking = {name for name, verdict in found.items() if verdict != "holds"}
    assert lacking == {"lazy_is_kernel"}  # there are no kernel runs among them
    assert found["lazy_is_kernel"] == "not measured"


def test_runs_that_break_a_law_fail_its_claim(tmp_path):
    found = verdicts(gsjw20.CLAIMS, gsjw_runs(tmp_path, lazy_exponent=0.5))
    assert found["kernel_change_lazy"] == "fails"
    assert found["kernel_change_feature"] == "holds"


def test_the_figures_show_the_laws(tmp_path):
    runs = gsjw_runs(tmp_path).assign(status="complete")
    found = section(runs, tmp_path / "figures")
    assert len(found.pictures) == 4 == len(list((tmp_path / "figures").glob("*.png")))
    (plane, _) = phase.draw(runs).axes
    assert "-0.50" in plane.get_legend_handles_labels()[1][0]  # the boundary alpha*(h) of a change that is lambda's
    change = runs.groupby(["laziness", "width"]).kernel_change.mean()
    np.testing.assert_allclose(plane.collections[0].get_array(), change.unstack())
    collapsed = [line.get_ydata() for line in figures.error(runs, runs.iloc[:0]).axes[3].lines]
    assert len(collapsed) == len(WIDTHS)
    np.testing.assert_allclose(np.ptp(collapsed, axis=0), 0, atol=1e-12)
    assert max(np.abs(collapsed[0])) > 0.01


@pytest.mark.parametrize("claims", [gsjw20.CLAIMS, cob19.CLAIMS])
def test_without_runs_nothing_is_measured(claims):
    nothing = pd.DataFrame({"status": [], "regime": [], "arch": [], "config.tags": []})
    assert set(verdicts(claims, nothing).values()) == {"not measured"}
    assert set(verdicts(claims, nothing.drop(columns="config.tags")).values()) == {"not measured"}


def test_a_crossing_is_where_a_power_law_crosses():
    x = np.array([1.0, 10.0, 100.0])
    assert crossing(x, 50 / x) == pytest.approx(50)
    assert np.isnan(crossing(x, 0.5 / x))


def test_the_jackknife_of_a_mean_is_its_t_interval():
    x = np.random.default_rng(0).standard_normal(12)
    found = jackknife(12, lambda kept: float(x[kept].mean()))
    from lazyregime.reports.claims import over_seeds

    expected = over_seeds(x)
    assert (found.value, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high))


def test_variance_and_ensemble_are_their_definitions():
    values, labels = np.array([[1.0, -3.0], [3.0, 1.0]]), np.array([1, -1])
    assert variance(values) == pytest.approx((2.0 + 8.0) / 2)
    assert ensemble_error(values, labels) == 0.0
