"""Two groups side by side: the right rows beside each other, and differences with their errors."""

import math

import pytest
from fake_runs import write_run

from lazyregime.report import main
from lazyregime.reports import load_runs
from lazyregime.reports.tables.averages import with_keys
from lazyregime.reports.tables.comparison import KINDS, compared


def groups(tmp_path):
    for name, epochs, gain in (("a", 5, 0.0), ("b", 20, 0.03)):
        for seed, accuracy in enumerate((0.9, 0.92)):
            changes = {"trainer.max_epochs": epochs}
            write_run(tmp_path / name / f"r-{seed}", changes, kernels=False, seed=seed, test_accuracy=accuracy + gain)
            write_run(tmp_path / name / f"l-{seed}", changes | {"optimizer.lr": 3.0}, kernels=False, seed=seed,
                      regime="lazy", kernel_change=0.0)  # fmt: skip
    write_run(tmp_path / "b" / "wide", {"trainer.max_epochs": 20}, kernels=False, width=2048)
    return tmp_path / "a", tmp_path / "b"


def test_rows_are_matched_and_differences_have_their_errors(tmp_path):
    told = compared(KINDS[0], *(with_keys(load_runs(path)) for path in groups(tmp_path)))
    assert told.unless == "A against B: epochs 5 against 20."
    table = told.table.set_index(["regime", "width"])
    row = table.loc["regular", 1024]
    assert row.test_accuracy_difference == pytest.approx(0.03)
    assert row.test_accuracy_difference_error == pytest.approx(math.sqrt(2 * 0.01**2))
    assert (row.seeds_A, row.seeds_B) == (2, 2)
    wide = table.loc["regular", 2048]
    assert (wide.seeds_A, wide.seeds_B) == (0, 1) and math.isnan(wide.test_accuracy_difference)
    assert len(table) == 3


def test_the_command(tmp_path, capsys):
    a, b = groups(tmp_path)
    assert main([str(a), str(b), "--compare"]) == 0
    printed = capsys.readouterr().out
    assert "+.0300 ± .0141" in printed and "epochs 5 against 20" in printed
    assert max(map(len, printed.partition("Written")[0].splitlines())) <= 110
    assert {path.name for path in (a / "comparison").iterdir()} >= {
        "report.html",
        "report.tex",
        "comparison_training.csv",
    }
    assert (a / "comparison" / "figures" / "comparison.png").is_file()
    assert len(load_runs(a)) == 4  # the comparison is no run


@pytest.mark.parametrize("words", [["a"], ["a", "a"], ["a", "b", "a"], ["a", "empty"]])
def test_what_cannot_be_compared_is_said_in_a_sentence(tmp_path, capsys, words):
    groups(tmp_path)
    (tmp_path / "empty").mkdir()
    given = [word if word.startswith("-") else str(tmp_path / word) for word in words]
    assert main([*given, "--compare"]) == 2
    assert capsys.readouterr().err.startswith("Error: ")


def test_options_that_exclude_each_other(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["a", "b", "--compare", "--claims"])
    assert "--compare goes with neither" in capsys.readouterr().err
