"""The poster's table: right numbers in the right cells, and nothing averaged that differs in more than the seed."""

import math
from pathlib import Path

import pandas as pd
import pytest
from fake_runs import COUNTS, write_run

from lazyregime.reports import load_runs
from lazyregime.reports.pages.terminal import plain
from lazyregime.reports.sections.poster import poster_words
from lazyregime.reports.tables.poster import poster_table
from lazyregime.reports.tables.published import POSTER


def seeds(tmp_path: Path, values: dict[int, float], **changes: object) -> None:
    for seed, value in values.items():
        accuracies = {"kernel_accuracy_poster_init": value, "test_accuracy": value + 0.2}
        write_run(tmp_path / f"run-{len(list(tmp_path.iterdir()))}", kernels=False, seed=seed, **accuracies, **changes)


def cell(table: pd.DataFrame, row: str, protocol: str, **where: object) -> "pd.Series":
    chosen = table[(table.row == row) & (table.protocol == protocol)]
    for name, value in where.items():
        chosen = chosen[chosen[name] == value]
    assert len(chosen) == 1
    return chosen.iloc[0]


def in_words(folder: Path) -> str:
    return plain(poster_words(poster_table(load_runs(folder))))


def test_mean_error_and_difference_by_hand(tmp_path: Path) -> None:
    seeds(tmp_path, {0: 0.74, 1: 0.75, 2: 0.78})
    lazy = cell(poster_table(load_runs(tmp_path)).table, "Lazy", "poster")
    assert lazy["mean"] == pytest.approx(2.27 / 3)
    # deviations -.05/3, -.02/3, +.07/3: sum of squares .0078/9; over n - 1 = 2, then over n = 3
    assert lazy.standard_error == pytest.approx(math.sqrt(0.0078 / 9 / 2 / 3))
    assert lazy.num_seeds == 3
    assert lazy.published == 0.7705
    assert lazy.difference_points == pytest.approx(100 * (2.27 / 3 - 0.7705))
    assert not lazy.flagged


def test_each_cell_reads_its_own_number(tmp_path: Path) -> None:
    numbers = {
        "kernel_accuracy_poster_init": 0.1, "kernel_accuracy_adh_init": 0.2,
        "kernel_accuracy_poster_final": 0.3, "kernel_accuracy_adh_final": 0.4, "test_accuracy": 0.5,
    }  # fmt: skip
    write_run(tmp_path / "run-1", kernels=False, **numbers)
    table = poster_table(load_runs(tmp_path)).table
    cells = {(row.row, row.protocol): row.mean for row in table.rename(columns={"mean": "mean"}).itertuples()}
    assert cells == {
        ("Lazy", "poster"): 0.1, ("Lazy", "adh"): 0.2, ("Feature", "poster"): 0.3, ("Feature", "adh"): 0.4,
        ("Regular", "none"): 0.5,
    }  # fmt: skip


@pytest.mark.parametrize(("value", "flagged"), [(0.7505, False), (0.7504, True), (0.7905, False), (0.7906, True)])
def test_more_than_two_points_is_flagged(tmp_path: Path, value: float, flagged: bool) -> None:
    seeds(tmp_path, {0: value})
    assert cell(poster_table(load_runs(tmp_path)).table, "Lazy", "poster").flagged == flagged


@pytest.mark.parametrize("column", POSTER, ids=lambda c: f"{c.arch}-{c.width}")
def test_parameter_counts_are_compared_with_the_posters(tmp_path: Path, column) -> None:
    write_run(tmp_path / "right-1", kernels=False, arch=column.arch, width=column.width)
    table = poster_table(load_runs(tmp_path)).table
    assert set(table.num_params_published) == {COUNTS[column.arch, column.width]}
    assert table.num_params_equal.all()
    assert "= published" in in_words(tmp_path)
    write_run(tmp_path / "wrong" / "run-1", kernels=False, arch=column.arch, width=column.width, num_params=7)
    table = poster_table(load_runs(tmp_path / "wrong")).table
    assert not table.num_params_equal.any()
    assert f"N = 7 ! published {column.num_params:,}" in in_words(tmp_path / "wrong")


@pytest.mark.parametrize(
    ("result", "config", "label"),
    [
        ({}, {"trainer.max_epochs": 20}, "epochs 20"),
        ({}, {"trainer.schedule": "plateau"}, "schedule plateau"),
        ({}, {"optimizer.lr": 0.01}, "learning rate 0.01"),
        ({"optimizer": "sgd"}, {}, "optimizer sgd"),
        ({"num_anchors": 100}, {}, "anchors 100"),
        ({"num_test_probe": 600}, {}, "test images of the kernel 600"),
        ({"n_train": 1000}, {}, "training images 1,000"),
        ({"selected_on": "test"}, {}, "weights selected on test"),
        ({}, {"arch.normalize_activation": True}, "arch.normalize activation True"),
        ({}, {"something.new": 3}, "something.new 3"),
    ],
)
def test_unlike_settings_are_rows_of_their_own(tmp_path: Path, result: dict, config: dict, label: str) -> None:
    seeds(tmp_path, {0: 0.75, 1: 0.77})
    seeds(tmp_path, {2: 0.5}, config_changes=config, **result)
    table = poster_table(load_runs(tmp_path)).table
    usual, other = (cell(table, "Lazy", "poster", settings=text) for text in ("", label))
    assert (usual["mean"], usual.num_seeds) == (pytest.approx(0.76), 2)
    assert (other["mean"], other.num_seeds) == (pytest.approx(0.5), 1)
    assert f"({label})" in in_words(tmp_path)


@pytest.mark.parametrize("key", ["group", "name", "tracking.kind", "data_dir", "progress", "ntk.protocol", "tags"])
def test_what_does_not_change_a_result_does_not_split_a_row(tmp_path: Path, key: str) -> None:
    seeds(tmp_path, {0: 0.75})
    seeds(tmp_path, {1: 0.77}, config_changes={key: "other"})
    assert cell(poster_table(load_runs(tmp_path)).table, "Lazy", "poster").num_seeds == 2


def test_the_same_seed_twice_counts_once(tmp_path: Path) -> None:
    write_run(tmp_path / "a-1", kernels=False, kernel_accuracy_poster_init=0.7, finished="2026-01-02T00:00:00")
    write_run(tmp_path / "b-1", kernels=False, kernel_accuracy_poster_init=0.6, finished="2026-01-01T00:00:00")
    table = poster_table(load_runs(tmp_path)).table
    lazy = cell(table, "Lazy", "poster")
    assert (lazy["mean"], lazy.num_seeds, lazy.num_repeated) == (0.7, 1, 1)
    assert "1 more runs have the same settings and seeds" in " ".join(in_words(tmp_path).split())


def test_the_cnn_with_a_last_activation_is_another_network(tmp_path: Path) -> None:
    write_run(tmp_path / "poster-1", kernels=False, arch="cnn", width=32)
    write_run(tmp_path / "other-1", {"arch.last_activation": True}, kernels=False, arch="cnn", width=32)
    table = poster_table(load_runs(tmp_path)).table
    assert cell(table, "Lazy", "poster", network="CNN").published == 0.5983
    other = cell(table, "Lazy", "poster", network="CNN with last ReLU")
    assert pd.isna(other.published)
    assert pd.isna(other.num_params_published)


@pytest.mark.parametrize(
    "changes",
    [{"regime": "lazy"}, {"data": "fashion_mnist"}, {"arch": "two_layer"}, {"config_changes": {"arch.depth": 5}},
     {"config_changes": {"arch.activation": "tanh"}}],
)  # fmt: skip
def test_other_runs_are_not_the_posters(tmp_path: Path, changes: dict) -> None:
    write_run(tmp_path / "run-1", kernels=False, **changes)
    table = poster_table(load_runs(tmp_path)).table
    assert table.empty
    assert poster_words(poster_table(load_runs(tmp_path))).lines == []


def test_a_run_without_kernels_still_has_its_regular_number(tmp_path: Path) -> None:
    names = [f"kernel_accuracy_{p}_{w}" for p in ("adh", "poster") for w in ("init", "final")]
    write_run(tmp_path / "run-1", kernels=False, **dict.fromkeys(names))
    table = poster_table(load_runs(tmp_path)).table
    assert cell(table, "Regular", "none").num_seeds == 1
    assert cell(table, "Lazy", "adh").num_seeds == 0
    assert "Regular" in in_words(tmp_path)
