"""Claims: the verdict follows from the value, the interval from the seeds, and every claim in the package is whole."""

import math

import numpy as np
import pytest
from fake_runs import write_run
from scipy import stats

from lazyregime.report import main
from lazyregime.reports import load_runs
from lazyregime.reports.claims import (
    Claim,
    Measurement,
    all_claims,
    at_least,
    at_most,
    between,
    log_slope,
    log_slope_over_seeds,
    near,
    over_seeds,
)
from lazyregime.reports.ledger import commands_for, ledger, ledger_words


def claim(expected, found=None):
    return Claim("a.b", "[A], 1", "It is so.", "that", expected, lambda runs: found, "python -m lazyregime.train")


@pytest.mark.parametrize(
    ("expected", "inside", "outside", "words"),
    [
        (near(-1, 0.25), (-1.25, -0.75), (-1.26, -0.74), "-1 ± 0.25"),
        (between(2, 3), (2, 3), (1.99, 3.01), "2 to 3"),
        (at_least(5), (5, 1e9), (4.99, -math.inf), "at least 5"),
        (at_most(5), (5, -1e9), (5.01, math.inf), "at most 5"),
    ],
)
def test_the_verdict_is_whether_the_value_lies_in_the_range(expected, inside, outside, words):
    assert expected.words == words
    for value in inside:
        assert claim(expected).verdict(Measurement(value, value, value, 3)) == "holds"
    for value in (*outside, math.nan):
        assert claim(expected).verdict(Measurement(value, value, value, 3)) == "fails"
    assert claim(expected).verdict(None) == "not measured"


def test_a_verdict_is_settled_if_the_whole_interval_has_it():
    one = claim(near(0, 1))
    assert one.settled(Measurement(0.5, 0.0, 0.9, 3))
    assert not one.settled(Measurement(0.9, 0.5, 1.3, 3))
    assert one.settled(Measurement(2.0, 1.1, 2.9, 3))
    assert not one.settled(Measurement(1.2, 0.9, 1.5, 3))
    assert not one.settled(Measurement(0.5, math.nan, math.nan, 1))


def test_the_interval_is_students():
    x = np.random.default_rng(0).normal(size=7)
    found = over_seeds([*x, math.nan])
    low, high = stats.t.interval(0.95, df=6, loc=x.mean(), scale=stats.sem(x))
    assert (found.value, found.low, found.high) == pytest.approx((x.mean(), low, high))
    assert found.num_seeds == 7
    assert math.isnan(over_seeds([1.0]).low) and over_seeds([math.nan]) is None


def test_a_power_law_has_its_exponent():
    x = np.array([1.0, 3.0, 10.0])
    assert log_slope(x, 5 * x**-1.3) == pytest.approx(-1.3)
    assert math.isnan(log_slope([2.0, 2.0], [1.0, 3.0]))


def test_slopes_are_fitted_for_each_seed_apart(tmp_path):
    for seed in (0, 1, 2):
        for width in (16, 64, 256):
            write_run(
                tmp_path / f"w{width}-s{seed}-a", kernels=False, width=width, init_seed=seed,
                kernel_change=(seed + 1) * width ** -(0.4 + 0.1 * seed),
            )  # fmt: skip
    runs = load_runs(tmp_path)
    found = log_slope_over_seeds(runs, "width", "kernel_change")
    assert found.value == pytest.approx(-0.5) and found.num_seeds == 3
    assert log_slope_over_seeds(runs, "width", "not there") is None


def test_every_claim_is_whole():
    claims = all_claims()
    assert len({claim.id for claim in claims}) == len(claims) >= 30
    for one in claims:
        assert one.statement.endswith(".") and one.source and one.measured and one.id.count(".") >= 1
        assert one.command.startswith(("python -m lazyregime.", "multirun_scripts/", "SIZE="))


def test_the_ledger_of_the_poster(tmp_path, capsys):
    for seed in range(3):
        write_run(tmp_path / f"regular-s{seed}-a", seed=seed, kernel_accuracy_poster_init=0.70 + 0.001 * seed)
    runs = load_runs(tmp_path)
    table = ledger(runs, all_claims()).set_index("id")
    assert table.verdict["poster.mlp_1024.lazy"] == "fails" and table.settled["poster.mlp_1024.lazy"]
    assert table.value["poster.mlp_1024.lazy"] == pytest.approx(0.701)
    assert table.verdict["poster.mlp_1024.parameters"] == "holds"
    assert table.verdict["poster.cnn_32.lazy"] == "not measured"
    words = ledger_words(table.reset_index())
    assert "1 fails" in words.lead
    assert any("width=32 " in command for command in commands_for(table.reset_index()))
    assert main([str(tmp_path), "--claims"]) == 0
    printed = capsys.readouterr().out
    assert "The claims" in printed and "poster.mlp_1024.lazy" in printed and "experiment=poster_table_cnn" in printed
    assert (tmp_path / "report" / "claims.csv").is_file()
