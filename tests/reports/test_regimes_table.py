"""The regimes side by side."""

import json
import math
from pathlib import Path

import pytest
from fake_runs import write_run

from lazyregime.reports import load_runs
from lazyregime.reports.pages.terminal import plain
from lazyregime.reports.sections.regimes import regimes_words, section
from lazyregime.reports.tables.regimes import MEASURES, regimes_table


def test_a_row_for_each_regime_and_alpha(tmp_path: Path) -> None:
    write_run(tmp_path / "a-1", kernels=False)
    write_run(
        tmp_path / "b-1", kernels=False, regime="lazy", parameterization="ntk", kernel_change=1e-8, verdict="lazy"
    )
    write_run(tmp_path / "c-1", kernels=False, regime="feature", parameterization="ntk", alpha=1 / 32)
    for i, alpha in enumerate((10.0, 0.1, 1.0)):
        write_run(tmp_path / f"d-{i}", kernels=False, regime="scaled", parameterization="ntk", alpha=alpha)
    table, unless = told = regimes_table(load_runs(tmp_path))
    assert unless.startswith("Unless a row says otherwise: data mnist, training images 60,000, ")
    expected = [("regular", 1), ("feature", 1 / 32), ("lazy", 1), ("scaled", 0.1), ("scaled", 1), ("scaled", 10)]
    assert list(zip(table.regime, table.alpha, strict=True)) == expected
    assert set(table.settings) == {""}
    text = plain(regimes_words(told), 100)
    assert max(map(len, text.splitlines())) <= 100
    for words in ("scaled α=0.1", ".838 → .974", ".11 → .64", "1e-08", "feature learning", "MLP 1024, MNIST"):
        assert words in text


def test_a_regression_shows_its_loss(tmp_path: Path) -> None:
    write_run(tmp_path / "a-1", kernels=False)
    nothing = dict.fromkeys(measure for measure in MEASURES if measure not in ("test_loss", "test_accuracy"))
    write_run(tmp_path / "b-1", kernels=False, data="spiked", loss="mse", test_loss=0.25, **nothing)
    told = json.loads((tmp_path / "b-1" / "result.json").read_text()) | {"test_accuracy": None}
    (tmp_path / "b-1" / "result.json").write_text(json.dumps(told))
    told = regimes_table(load_runs(tmp_path))
    assert list(told.table.data) == ["mnist", "spiked"]
    assert "loss 0.250" in plain(regimes_words(told))


def test_a_scale_stands_as_it_was_given(tmp_path: Path) -> None:
    """A sweep over laziness is not read as one over the alpha that comes of it."""
    scaled = {"kernels": False, "regime": "scaled", "parameterization": "ntk"}
    write_run(tmp_path / "a-1", {"alpha": 0.5, "laziness": None}, alpha=0.5, laziness=16.0, **scaled)
    write_run(tmp_path / "b-1", {"alpha": None, "laziness": 100}, alpha=3.125, laziness=100.0, **scaled)
    write_run(tmp_path / "c-1", kernels=False)
    told = regimes_table(load_runs(tmp_path))
    assert list(told.table.scale) == ["", "α=0.5", "laziness=100"]
    assert "scaled laziness=100 " in plain(regimes_words(told), 100)


def test_a_table_for_each_data_set_loss_and_optimizer(tmp_path: Path) -> None:
    for number, told in enumerate(({}, {}, {}, {"data": "spiked"}, {"data": "spiked", "loss": "mse"})):
        write_run(tmp_path / f"a-{number}", kernels=False, **told)
    found = section(load_runs(tmp_path), tmp_path / "figures")
    assert [table.title for table in found.tables] == [
        "The regimes side by side: MNIST",
        "The regimes side by side: spiked, cross entropy, adam",
        "The regimes side by side: spiked, mse, adam",
    ]
    assert len(found.data["regimes"]) == 3  # the same run three times is one


def test_means_and_errors_by_hand(tmp_path: Path) -> None:
    for seed, change in enumerate((1.0, 3.0)):
        write_run(tmp_path / f"a-{seed}", kernels=False, seed=seed, kernel_change=change)
    row = regimes_table(load_runs(tmp_path)).table.iloc[0]
    assert (row.kernel_change, row.num_seeds) == (2.0, 2)
    assert row.kernel_change_error == pytest.approx(math.sqrt(2) / math.sqrt(2))
    assert row.kernel_distance_error == pytest.approx(0, abs=1e-12)


def test_the_turn_stands_beside_its_null(tmp_path: Path) -> None:
    sines = {"kernel_angle": math.sin(math.radians(36)), "kernel_angle_null": math.sin(math.radians(2.5))}
    write_run(tmp_path / "a-1", kernels=False, **sines)
    write_run(tmp_path / "b-1", kernels=False, regime="lazy", kernel_distance=1e-18)
    write_run(tmp_path / "c-1", kernels=False, regime="feature", kernel_distance=1 - math.cos(math.radians(60)))
    text = plain(regimes_words(regimes_table(load_runs(tmp_path))), 100)
    assert [words in text for words in (" 36° of 2.5° ", " 0° ", " 60° ")] == [True] * 3


def test_different_verdicts_are_counted(tmp_path: Path) -> None:
    for seed, verdict in enumerate(("lazy", "lazy", "in between")):
        write_run(tmp_path / f"a-{seed}", kernels=False, seed=seed, verdict=verdict)
    assert regimes_table(load_runs(tmp_path)).table.iloc[0].verdict == "lazy (2), in between (1)"


def test_a_weighty_difference_across_regimes_is_told(tmp_path: Path) -> None:
    write_run(tmp_path / "a-1", kernels=False)
    write_run(tmp_path / "a-2", kernels=False, seed=1)
    lazy = {"optimizer.lr": 0.03, "trainer.max_epochs": 50}
    write_run(tmp_path / "b-1", lazy, kernels=False, regime="lazy", parameterization="ntk")
    table = regimes_table(load_runs(tmp_path)).table
    assert dict(zip(table.regime, table.settings, strict=True)) == {"regular": "", "lazy": "epochs 50"}


def test_a_difference_within_a_regime_is_told_whatever_it_is(tmp_path: Path) -> None:
    write_run(tmp_path / "a-1", kernels=False)
    write_run(tmp_path / "a-2", kernels=False, seed=1)
    write_run(tmp_path / "b-1", {"optimizer.beta1": 0.5}, kernels=False, seed=2)
    table = regimes_table(load_runs(tmp_path)).table
    assert list(table.settings) == ["", "beta1 0.5"]
    assert list(table.num_seeds) == [2, 1]
