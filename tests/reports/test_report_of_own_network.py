"""A network of the user's own has no width, and stands in every table and figure that speaks of no width."""

from pathlib import Path

import pandas as pd
import pytest
from fake_runs import write_run

from lazyregime.report import main
from lazyregime.reports import load_runs, section
from lazyregime.reports.figures import kernel_change, regime_accuracy, spectra
from lazyregime.reports.section import Drawing, save_figures
from lazyregime.reports.tables.regimes import regimes_table

OWN = {"arch": "mine", "width": None, "laziness": None, "parameterization": "unknown"}
CASES = (("regular", 1.0), ("lazy", 1.0), ("scaled", 0.1), ("scaled", 10.0))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Of an own network, three seeds of each case, and of the poster's beside them."""
    for seed in range(3):
        write_run(tmp_path / f"regular-mlp-{seed}", seed=seed)
        write_run(tmp_path / f"wide-{seed}", seed=seed, width=2048)
        for regime, alpha in CASES:
            write_run(tmp_path / f"{regime}-{alpha:g}-{seed}", {"arch.depth": None}, regime=regime, alpha=alpha,
                      seed=seed, **OWN)  # fmt: skip
    return tmp_path


def test_it_stands_in_the_report(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(runs)]) == 0
    printed = capsys.readouterr().out
    assert "Left out" not in printed and "mine, MNIST" in printed and "MLP 1024, MNIST" in printed
    found = pd.read_csv(runs / "report" / "regimes.csv")
    own = found[found.network == "mine"]
    assert list(zip(own.regime, own.alpha, strict=True)) == list(CASES)
    assert own.width.isna().all() and set(own.num_seeds) == {3}


def test_only_what_has_a_width_is_drawn_against_width(runs: Path) -> None:
    table = regimes_table(load_runs(runs)).table
    figure = kernel_change.draw(table)
    assert figure is not None and {ax.get_title() for ax in figure.axes} == {"MLP, MNIST"}
    assert kernel_change.draw(table[table.network == "mine"]) is None


def test_it_is_drawn_under_its_name(runs: Path) -> None:
    loaded = load_runs(runs)
    figure = regime_accuracy.draw(regimes_table(loaded).table)
    assert figure is not None and [ax.get_title() for ax in figure.axes] == ["mine, MNIST"]
    figure = spectra.draw(loaded)
    assert figure is not None
    assert [ax.get_title() for ax in figure.axes] == [
        "MLP, MNIST: regular", *(f"mine, MNIST: {regime}" for regime in ("regular", "lazy", "scaled")),
    ]  # fmt: skip


def test_it_is_compared(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(runs / "b" / "run", {"arch.depth": None}, regime="lazy", **OWN)
    assert main([str(runs), str(runs / "b"), "--compare"]) == 0
    assert "mine, mnist, lazy, α 1 " in capsys.readouterr().out


def test_what_a_figure_cannot_draw_is_left_out_of_that_figure_alone(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(table: pd.DataFrame) -> None:
        if len(table):
            raise ValueError("no room")

    monkeypatch.setattr(kernel_change, "draw", draw)
    assert main([str(runs)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "figure kernel_change: could not be made (ValueError: no room)" in printed
    assert "MLP 1024, MNIST" in printed and (runs / "report" / "figures" / "spectra.png").is_file()


def test_the_rows_at_fault_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(table: pd.DataFrame) -> None:
        if 3 in set(table.width):
            raise ValueError("no")

    monkeypatch.setattr(section, "save", lambda figure, path: path)
    table = pd.DataFrame({"network": ["a"] * 4, "width": [1, 2, 3, 4]})
    assert save_figures(tmp_path, {"x": Drawing(draw, table, "")}) == (
        [],
        ["figure x: a, 3: left out (ValueError: no)"],
    )
