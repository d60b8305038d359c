"""Whatever commands made the runs, in whatever group: each complete one stands in a table."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fake_runs import told, write_run
from omegaconf import OmegaConf

from lazyregime.report import main
from lazyregime.reports import load_runs, section
from lazyregime.reports.figures import style
from lazyregime.reports.pages.table import Span
from lazyregime.reports.sections import all_sections, machines, measures, two_layer
from lazyregime.reports.tables.machines import fitted, machines_table


@pytest.fixture(autouse=True)
def quick_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "DPI", 25)
    monkeypatch.setattr(section, "save", lambda figure, path: style.save(figure, path, formats=("png",)))


def write(folder: Path, result: dict[str, Any], config: dict[str, Any]) -> Path:
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(told(**{"name": folder.name} | result)))
    OmegaConf.save(OmegaConf.create(config), folder / "config.yaml")
    return folder


def kernel_of(run: str) -> dict[str, Any]:
    return {"machine": {"name": "empirical_ntk", "run": f"runs/x/{run}"}}


def fit(folder: Path, machine: str = "krr_ntk", config: dict[str, Any] | None = None, **result: Any) -> Path:
    chosen = {"command": "fit", "group": "mine", "machine": machine, "data": "mnist", "n_train": 200, "ridge": 0.1}
    chosen |= {"chosen_by": "leave_one_out", "test_accuracy": 0.8, "test_risk": 0.3, "train_risk": 1e-4}
    tree = {"data": {"name": "mnist", "n_test": 100}, "machine": {"name": machine}, "ridges": [0.1]}
    return write(folder, chosen | result, tree | (config or {}))


def flow(folder: Path, integrator: str = "adaptive", **result: Any) -> Path:
    chosen = {"command": "flow", "group": "flow", "target": "teacher", "init": "antisymmetric", "activation": "tanh"}
    chosen |= {"width": 32, "num_seeds": 2, "mean_field_risk": 0.1, "ntk_risk": 0.2, "n_samples": 10}
    tree = {"target": {"name": "teacher"}, "integrator": {"name": integrator, "step": 0.1}, "n_samples": 10}
    return write(folder, chosen | result, tree)


def rows(tables) -> int:
    return sum(not isinstance(line, Span) for table in tables for line in table.lines)


def test_a_folder_of_plain_fits(tmp_path, capsys):
    for seed in (0, 1):
        fit(tmp_path / f"krr-{seed}", seed=seed, test_accuracy=0.8 + 0.02 * seed)
        fit(tmp_path / f"rf-{seed}", "rf", seed=seed, num_features=64)
    assert main([str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "Kernel machines: MNIST" in printed and ".8100 ± .0100" in printed and "KRR, NTK" in printed
    assert (tmp_path / "report" / "figures" / "machines.png").is_file()
    assert "Next" not in printed  # nothing is missing from a comparison that asks for nothing


def test_sizes_and_settings_are_rows_of_their_own(tmp_path):
    fit(tmp_path / "a")
    fit(tmp_path / "b", n_train=400)
    fit(tmp_path / "c", config={"ridges": [0.1, 1.0]})
    fit(tmp_path / "d", "empirical_ntk", kernel_of("regular-w8-s0-ab"), at="init")
    fit(tmp_path / "e", "empirical_ntk", kernel_of("regular-w8-s1-cd"), at="init", seed=1)
    fit(tmp_path / "f", "empirical_ntk", kernel_of("regular-w9-s0-ef"), at="last")
    table = machines_table(fitted(load_runs(tmp_path))).table
    assert sorted(table.num_seeds) == [1, 1, 1, 1, 2]  # the same network, of two seeds, at initialization
    assert (
        machines.machines_words("mnist", machines_table(fitted(load_runs(tmp_path)))).title == "Kernel machines: MNIST"
    )


@pytest.mark.parametrize("varied", ["n_train", "num_features", None])
def test_the_figure_follows_what_was_varied(tmp_path, varied):
    for number, size in enumerate((50, 100, 200)):
        fit(tmp_path / f"rf-{size}", "rf", **({"num_features": 8} | ({varied: size} if varied else {"seed": number})))
        fit(tmp_path / f"krr-{size}", **({varied: size} if varied == "n_train" else {"seed": number}))
    fit(tmp_path / "other", "a machine of one's own", n_train=100)
    table = machines_table(fitted(load_runs(tmp_path))).table
    drawn = machines.figure.draw({"MNIST": table})
    (ax,) = drawn.axes
    words = {"n_train": "training samples", "num_features": "features", None: "test accuracy"}
    assert ax.get_xlabel() == words[varied]
    if varied == "n_train":
        assert set(ax.get_legend_handles_labels()[1]) == {"RF", "KRR, NTK", "a machine of one's own"}


def test_a_regression_shows_its_risk(tmp_path):
    fit(tmp_path / "a", test_accuracy=None, data="sphere", config={"data": {"name": "sphere"}})
    drawn = machines.figure.draw({"sphere": machines_table(fitted(load_runs(tmp_path))).table})
    assert drawn.axes[0].get_xlabel() == "risk / risk of zero"


def test_flows_of_different_integrators_are_different_rows(tmp_path):
    flow(tmp_path / "a")
    flow(tmp_path / "b", seed=1, mean_field_risk=0.3)
    flow(tmp_path / "c", "sgd", mean_field_risk=0.7)
    found = two_layer.section(load_runs(tmp_path), tmp_path / "figures")
    assert rows(found.tables) == 2
    assert [line.text for line in found.tables[0].lines if isinstance(line, Span)] == ["(integrator sgd)"]
    assert list(found.data["two_layer_flows"].mean_field_risk) == [pytest.approx(0.2), 0.7]


def test_each_run_of_a_mixture_stands_in_a_table(tmp_path):
    for seed in (0, 1):
        write_run(tmp_path / f"regular-{seed}", seed=seed)
    write_run(tmp_path / "lazy", kernels=False, regime="lazy", kernel_change=1e-9)
    write_run(tmp_path / "own", kernels=False, arch="their ResNet", width=7, regime="some regime")
    fit(tmp_path / "krr")
    fit(tmp_path / "unknown", "their machine")
    flow(tmp_path / "flow")
    flow(tmp_path / "sgd", "sgd")
    runs = load_runs(tmp_path)
    sections = all_sections(runs, tmp_path / "figures")
    tables = {table.title: table for part in sections for table in part.tables}
    assert not [trouble for part in sections for trouble in part.troubles]
    text = {title: json.dumps(table.lines, ensure_ascii=False) for title, table in tables.items()}
    regimes, fits, flows = (text[name] for name in ("The regimes side by side: MNIST", "Kernel machines: MNIST",
                                                    "Two-layer flows"))  # fmt: skip
    assert all(words in regimes for words in ("regular", "lazy", "their ResNet depth 3 7", "some regime"))
    assert all(words in fits for words in ("KRR, NTK", "their machine")) and "integrator sgd" in flows
    assert len(tables["All runs"].lines) == len(runs) == 8


def test_an_unknown_number_is_shown_with_its_mean_over_seeds(tmp_path):
    for seed, value in enumerate((1.0, 3.0)):
        write_run(tmp_path / f"a-{seed}", kernels=False, seed=seed, grokking_delay=value, words="x", flag=True)
    fit(tmp_path / "b", new_risk=0.25)
    found = measures.section(load_runs(tmp_path), tmp_path / "figures")
    train = found.data["further_measures_train"].set_index("measure")
    assert (train["mean"]["grokking_delay"], train.error["grokking_delay"], train.seeds["grokking_delay"]) == (2, 1, 2)
    assert not {"test_accuracy", "kernel_change", "seed", "seconds"} & set(train.index)
    assert found.data["further_measures_fit"].set_index("measure")["mean"]["new_risk"] == 0.25
    assert all(table.folded for table in found.tables)
    assert any(line[0].text == "grokking_delay" for line in found.tables[0].lines if not isinstance(line, Span))


def test_the_list_of_runs_says_which_sweep_made_them(tmp_path):
    write_run(tmp_path / "mine" / "a-1", kernels=False, commit="0123abc")
    (tmp_path / "mine" / ".sweeps").mkdir()
    record = {"command": "train", "overrides": ["seed=0,1", "name=a b"], "group": "mine", "runs": ["a-1"]}
    (tmp_path / "mine" / ".sweeps" / "x.json").write_text(json.dumps(record))
    (tmp_path / "mine" / ".sweeps" / "y.json").write_text("[")
    runs: pd.DataFrame = load_runs(tmp_path)
    table = all_sections(runs, tmp_path / "report" / "figures")[-1].tables[0]
    assert table.title == "All runs"
    (line,) = table.lines
    texts = [cell.text for cell in line]
    assert "python -m lazyregime.train -m seed=0,1 'name=a b'" in texts and "0123abc" in texts
    assert "lazyregime 0.1.0, torch 2.13.0" in texts and "2026-01-01 10:02" in texts
    assert line[0].link == "../mine/a-1"


def test_what_a_run_warns_of_is_shown(tmp_path, capsys):
    write_run(tmp_path / "a-1", kernels=False, non_finite=["kernel_change"], warnings=["It never moved."])
    write_run(tmp_path / "b-2", kernels=False)  # so that they go by names, which break no line
    assert main([str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "It never moved." in printed and "no finite number: kernel_change" in printed
