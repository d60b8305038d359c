"""Figures are drawn where there are data, whole or not at all, and leave matplotlib as they found it."""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from fake_runs import result, write_run
from matplotlib.axes import Axes

from lazyregime.errors import LazyRegimeError
from lazyregime.reports import draw_run, load_runs
from lazyregime.reports.figures import accuracy_width, kernel_change, regime_accuracy, spectra
from lazyregime.reports.figures.axes import _from_scale, _to_scale
from lazyregime.reports.figures.style import house_style, save
from lazyregime.reports.run_figures import training
from lazyregime.reports.tables.poster import poster_table
from lazyregime.reports.tables.regimes import regimes_table

PNG = b"\x89PNG\r\n\x1a\n"


def many(tmp_path: Path) -> pd.DataFrame:
    """Two widths in four regimes, and one run of another setting."""
    for width in (1024, 2048):
        for regime, alpha, change in (("regular", 1, 2.0), ("lazy", 1, 1e-9), ("feature", width**-0.5, 3.0)):
            write_run(tmp_path / f"{regime}-{width}", regime=regime, alpha=alpha, width=width, kernel_change=change)
        for alpha in (1, 10):
            change = 5 / alpha / width**0.5
            name = f"scaled-{alpha}-{width}"
            write_run(tmp_path / name, regime="scaled", alpha=alpha, width=width, kernel_change=change)
    write_run(tmp_path / "more-epochs", {"trainer.max_epochs": 9})
    return load_runs(tmp_path)


def test_the_published_values_are_hollow_and_at_their_place(tmp_path: Path) -> None:
    figure = accuracy_width.draw(poster_table(many(tmp_path)).table)
    assert figure is not None
    assert len(figure.axes) == 2  # the usual settings, and more epochs
    hollow = [line for line in figure.axes[0].lines if line.get_markerfacecolor() == "white"]
    points = {(x, y) for line in hollow for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)}
    expected = {(1024, 0.7705), (1024, 0.9609), (1024, 0.9859), (2048, 0.7851), (2048, 0.9618), (2048, 0.9863)}
    assert points == expected


def test_a_sweep_over_laziness_has_a_line_a_laziness(tmp_path: Path) -> None:
    for width in (64, 256):
        for laziness in np.logspace(-2, 4, 13):
            write_run(
                tmp_path / f"{width}-{laziness:.3g}", kernels=False, regime="scaled", width=width, laziness=laziness,
                alpha=laziness / width**0.5, kernel_change=1 / laziness,
            )  # fmt: skip
    figure = kernel_change.draw(regimes_table(load_runs(tmp_path)).table)
    assert figure is not None
    lines = [line for line in figure.axes[0].lines if str(line.get_label()).startswith("scaled laziness")]
    assert [str(line.get_label()) for line in (lines[0], lines[-1])] == [
        "scaled laziness = 0.01",
        "scaled laziness = 1e+04",
    ]
    assert len(lines) == kernel_change.MOST_SERIES and all(len(line.get_xdata()) == 2 for line in lines)


def test_the_frozen_kernel_is_named_and_not_drawn(tmp_path: Path) -> None:
    figure = kernel_change.draw(regimes_table(many(tmp_path)).table)
    assert figure is not None
    change = figure.axes[0]
    lines = {str(line.get_label()): line for line in change.lines}
    assert len(lines["lazy: frozen\n(at most 1e-09)"].get_xdata()) == 0
    np.testing.assert_allclose(lines["scaled α = 10"].get_ydata(), [0.5 / 1024**0.5, 0.5 / 2048**0.5])
    np.testing.assert_allclose(
        lines["feature"].get_ydata(), [3.0, 3.0]
    )  # one line though its alpha goes with the width
    guides = [line for line in change.lines if line.get_linestyle() == ":"]
    assert len(guides) == 1
    x, y = guides[0].get_xdata(), guides[0].get_ydata()
    assert np.log(y[1] / y[0]) / np.log(x[1] / x[0]) == pytest.approx(-0.5)


def test_the_spectra_are_normalized_means_over_seeds(tmp_path: Path) -> None:
    paths = [write_run(tmp_path / f"run-{seed}", seed=seed) for seed in range(2)]
    figure = spectra.draw(load_runs(tmp_path))
    assert figure is not None
    from safetensors.numpy import load_file

    stored = [load_file(path / "kernels.safetensors")["spectrum_final"] for path in paths]
    expected = np.mean([values / values.sum() for values in stored], axis=0)
    (after,) = [line for line in figure.axes[0].lines if line.get_linestyle() == "-"]
    np.testing.assert_allclose(after.get_ydata(), expected)


def test_no_data_no_figure(tmp_path: Path) -> None:
    write_run(tmp_path / "run-1", kernels=False, regime="lazy")
    runs = load_runs(tmp_path)
    assert accuracy_width.draw(poster_table(runs).table) is None
    assert kernel_change.draw(regimes_table(runs).table) is None
    assert regime_accuracy.draw(regimes_table(runs).table) is None
    assert spectra.draw(runs) is None


def test_the_accuracy_scale_inverts() -> None:
    accuracy = np.array([0.0, 0.1, 0.5, 0.98, 0.9999])
    np.testing.assert_allclose(_from_scale(_to_scale(accuracy)), accuracy)
    assert (np.diff(_to_scale(accuracy)) > 0).all()


def test_a_perfect_accuracy_can_be_drawn(tmp_path: Path) -> None:
    write_run(tmp_path / "run-1", kernels=False, test_accuracy=1.0, kernel_accuracy_adh_init=0.0)
    figure = accuracy_width.draw(poster_table(load_runs(tmp_path)).table)
    assert figure is not None
    with house_style():
        save(figure, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(PNG)
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figure.pdf", "figure.png", "run-1"]


def test_the_run_figure_leaves_no_trace_in_matplotlib(tmp_path: Path) -> None:
    before, pyplot = dict(mpl.rcParams), "matplotlib.pyplot" in sys.modules
    path = draw_run(write_run(tmp_path / "run-1"))
    assert path == tmp_path / "run-1" / "figures" / "summary.png"
    assert path.read_bytes().startswith(PNG)
    assert dict(mpl.rcParams) == before
    assert ("matplotlib.pyplot" in sys.modules) == pyplot


def test_the_run_figure_before_the_result_is_written(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run-1", kernels=False)
    (folder / "result.json").unlink()
    assert draw_run(folder, result(kernel_change=float("nan"), verdict=None)).is_file()
    (folder / "metrics.csv").write_text("epoch,step,test_accuracy,kernel_accuracy_adh\n0,0,.1,\n1,5,.9,.85\n2,9,.93,")
    assert draw_run(folder).is_file()


def test_the_run_figure_of_a_regression_has_its_losses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_run(tmp_path / "run-1", kernels=False)
    (folder / "metrics.csv").write_text("epoch,train_loss,test_loss,test_accuracy\n0,,2.0,\n1,1.5,1.2,\n2,.1,.7,\n")
    drawn: list[Axes] = []
    monkeypatch.setattr(training, "save", lambda figure, path, **_: drawn.extend(figure.axes) or path)
    draw_run(folder)
    lines = {line.get_label(): list(line.get_ydata()) for line in drawn[0].lines}
    assert lines == {"training set": [1.5, 0.1], "test set": [2.0, 1.2, 0.7]}


def test_a_run_with_nothing_to_draw_says_so(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run-1", kernels=False)
    (folder / "metrics.csv").unlink()
    (folder / "kernels.safetensors").write_bytes(b"cut sh")
    with pytest.raises(LazyRegimeError, match="no kernels and no test results"):
        draw_run(folder)
