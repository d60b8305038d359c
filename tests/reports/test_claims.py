"""Claims: the verdict follows from interval and size, seeds are seeds, and every claim in the package is whole."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lazyregime.reports.claims import (
    Claim,
    Measurement,
    NotSeeds,
    Seeds,
    Size,
    all_claims,
    at_least,
    at_most,
    between,
    log_slope,
    near,
)
from lazyregime.reports.claims._measure import collapse_exponent
from lazyregime.reports.claims._seeds import PerSeed, across, starts
from lazyregime.reports.claims._trial import made_up


def claim(expected, size=None, found=None):
    return Claim("a.b", "[A], 1", "It is so.", "that", expected, lambda runs: found, "python -m lazyregime.train",
                 trial=lambda folder, obeys: made_up([]), size=size)  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "words", "direction", "holds", "fails", "open_"),
    [
        (near(-1, 0.25), "-1 ± 0.25", "equal", (-1.25, -0.75), (-0.7, -0.6), (-0.8, -0.7)),
        (between(2, 3), "2 to 3", "equal", (2, 3), (3.1, 4), (1, 4)),
        (at_least(5), "at least 5", "at_least", (5, 1e9), (-math.inf, 4.99), (4, 6)),
        (at_most(5), "at most 5", "at_most", (-1e9, 5), (5.01, 6), (4, 6)),
    ],
)
def test_the_verdict_is_of_the_whole_interval(expected, words, direction, holds, fails, open_):
    assert (expected.words, expected.direction) == (words, direction)
    for interval, verdict in ((holds, "holds"), (fails, "fails"), (open_, "open"), ((math.nan, math.nan), "open")):
        found = Measurement(sum(interval) / 2, *interval, 3)
        assert claim(expected).judge(found) == verdict
        assert claim(expected).verdict(found) == verdict
    assert claim(expected).verdict(None) == "not measured"


def test_a_verdict_belongs_to_a_size():
    inside, outside = Measurement(0.0, -0.1, 0.1, 3), Measurement(2.0, 1.9, 2.1, 3)
    told = claim(near(0, 1), Size("n = {:,.0f}", "n_train", published=60_000))
    assert told.verdict(inside, 4000) == told.verdict(outside, 4000) == "not measured"
    assert (told.verdict(inside, 60_000), told.verdict(outside, 70_000)) == ("holds", "fails")
    limit = claim(near(0, 1), Size("N = {:,.0f}", "width"))
    assert (limit.verdict(inside, 64), limit.verdict(outside, 64)) == (
        "holds",
        "open",
    )  # a limit is not refuted below it
    finding = claim(near(0, 1), Size("n = {:,.0f}", "n_train", published=0))
    assert (finding.verdict(inside, 64), finding.verdict(outside, 64)) == ("holds", "fails")


def test_the_sizes_of_runs():
    runs = pd.DataFrame({"n": [1, 2, 2, None, 4], "x": range(5)})
    assert [(s, list(part.x)) for s, part in Size("", "n").parts(runs)] == [(1, [0]), (2, [1, 2]), (4, [4])]
    assert [len(part) for _, part in Size("", "n", up_to=True).parts(runs)] == [1, 3, 4]
    assert Size("", "m").parts(runs) == []
    assert (
        Size("n = {:,.0f}", "n").told(60_000.0) == "n = 60,000"
        and Size("N up to {:g}", "n").told(math.inf) == "N up to ∞"
    )


def test_the_interval_is_students():
    x = np.random.default_rng(0).normal(size=7)
    found = starts([*x, math.nan]).measured()
    low, high = stats.t.interval(0.95, df=6, loc=x.mean(), scale=stats.sem(x))
    assert (found.value, found.low, found.high) == pytest.approx((x.mean(), low, high))
    assert found.num_seeds == 7
    assert math.isnan(starts([1.0]).measured().low) and starts([math.nan]).measured() is None


def runs(**changes):
    return made_up([{"seed": s, "width": 8, "x": float(s), "config.optimizer.lr": 0.1, **changes} for s in (0, 1, 2)])


def test_runs_that_differ_in_their_seeds_are_seeds():
    found = Seeds.of(runs()).mean("x")
    assert found.values == {0: 0.0, 1: 1.0, 2: 2.0}
    assert Seeds.of(runs()[:0]).mean("x").measured() is None
    twice = pd.concat([runs(), runs(x=9.0, finished="2027-01-01")], ignore_index=True)
    assert set(Seeds.of(twice).mean("x").values.values()) == {9.0}  # of the same seed the one finished last


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"config.optimizer.lr": 0.2}, "learning rate 0.1 or 0.2"),
        ({"config.arch.pooling": "max"}, "arch.pooling max or none"),
        ({"width": 16}, "width"),
        ({"regime": "lazy"}, "regime lazy or scaled"),
        ({"alpha": 3.0}, "alpha"),
        ({"data": "mnist"}, "data mnist or none"),
        ({"arch": "cnn"}, "network"),
    ],
)
def test_runs_that_differ_in_more_are_refused_as_seeds(changes, told):
    mixed = pd.concat([runs(), runs(**changes).assign(seed=[3, 4, 5])], ignore_index=True)
    with pytest.raises(NotSeeds, match=rf"differ in more: .*{told}"):
        Seeds.of(mixed)


def test_machines_of_networks_of_other_seeds_are_seeds():
    told = {"config.machine.name": "empirical_ntk", "machine": "empirical_ntk"}
    behind = "runs/adh19/regular-mlp-w512-mnist-n1000"
    fits = runs(**told)
    fits["config.machine.run"] = [f"{behind}-s{seed}-{seed}c2e0f91" for seed in fits.seed]
    fits["config.sources.network"] = [f"d9eef582eb87da9{seed}" for seed in fits.seed]
    assert Seeds.of(fits).mean("x").measured().num_seeds == 3
    fits["config.machine.run"] = fits["config.machine.run"].where(fits.seed < 2, f"{behind}0-s2-2c2e0f91")
    with pytest.raises(NotSeeds, match="network"):  # one of another network
        Seeds.of(fits)


def test_an_axis_that_is_named_may_vary():
    mixed = pd.concat([runs(width=w, x=w**-0.5) for w in (4, 16, 64)], ignore_index=True)
    slopes = Seeds.of(mixed, "width").each(lambda part: log_slope(part.width, part.x))
    assert slopes.values == pytest.approx(dict.fromkeys((0, 1, 2), -0.5))
    both = pd.concat([runs(**{"config.data.name": "a", "config.data.tau": t}) for t in (0.0, 3.0)], ignore_index=True)
    assert len(Seeds.of(both, "data.tau").runs) == 6
    with pytest.raises(NotSeeds, match=r"data\.tau 0 or 3"):
        Seeds.of(both)


def test_numbers_of_the_same_seed_are_put_together():
    a, b = PerSeed({0: 1.0, 1: 5.0}), PerSeed({1: 2.0, 2: 7.0})
    assert (a - b).values == {1: 3.0}
    assert across(lambda x, y: x * y, a, b).values == {1: 10.0}


def test_a_power_law_has_its_exponent():
    x = np.array([1.0, 3.0, 10.0])
    assert log_slope(x, 5 * x**-1.3) == pytest.approx(-1.3)
    assert math.isnan(log_slope([2.0, 2.0], [1.0, 3.0]))


@pytest.mark.parametrize("s", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("offsets", [False, True])
def test_the_exponent_of_a_collapse_is_found(s, offsets):
    table = pd.DataFrame([(h, 10.0**k) for h in (16, 64, 256) for k in range(-3, 6)], columns=["width", "alpha"])
    y = np.tanh(np.log10(table.width**s * table.alpha) - 1)
    table["y"] = y + (0.3 * np.log(table.width) if offsets else 0)
    found = collapse_exponent(table, "y", logarithmic=False, offsets=offsets)
    assert found == pytest.approx(s, abs=0.06)
    assert math.isnan(collapse_exponent(table[table.width == 16], "y", logarithmic=False, offsets=offsets))


def test_every_claim_is_whole():
    claims = all_claims()
    assert len({claim.id for claim in claims}) == len(claims) >= 30
    for one in claims:
        assert one.statement.endswith(".") and one.source and one.measured and one.id.count(".") >= 1
        assert one.command.startswith(("python -m lazyregime.", "multirun_scripts/", "SIZE="))
        assert one.expected.direction in ("equal", "at_least", "at_most")
        assert one.size is None or one.size.told(5.0)
