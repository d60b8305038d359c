"""`python -m lazyregime.report` as a user types it."""

import contextlib
import csv
import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))
from fake_runs import write_run

from lazyregime.report import main

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Checks that tags close in order, and gathers what the page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.references += [str(value) for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished runs of two widths and two regimes, a failed and an interrupted one, and their report."""
    tmp_path = tmp_path_factory.mktemp("runs")
    for seed in range(2):
        for width in (1024, 2048):
            write_run(tmp_path / "mnist" / f"regular-mlp-w{width}-s{seed}-a", width=width, seed=seed)
        lazy = {"regime": "lazy", "parameterization": "ntk", "verdict": "lazy", "kernel_change": 1e-8}
        write_run(tmp_path / "mnist" / f"lazy-mlp-w1024-s{seed}-a", seed=seed, **lazy)
    failed = tmp_path / "mnist" / "regular-mlp-w4096-s0-b"
    failed.mkdir()
    (failed / "failure.json").write_text(json.dumps({"error": "LossError", "message": "the loss is <nan> at step 3"}))
    (tmp_path / "mnist" / "regular-mlp-w4096-s1-b").mkdir()
    (tmp_path / "mnist" / "regular-mlp-w4096-s1-b" / "config.yaml").write_text("width: 4096\n")
    with (tmp_path / "printed").open("w") as file, contextlib.redirect_stdout(file):
        assert main([str(tmp_path / "mnist")]) == 0
    return tmp_path / "mnist"


def test_the_whole_report(group: Path) -> None:
    printed = (group.parent / "printed").read_text()
    assert max(map(len, printed.split("Written")[0].splitlines())) <= 100
    for words in ("MLP 1024   N = 2,913,290 = published", ".7705", "no kernel", "the loss is <nan> at step 3"):
        assert words in printed
    assert "  python -m lazyregime.train arch=mlp width=4096\n" in printed.split("Next")[1]
    assert "cnn" not in printed.split("Next")[1]
    out = group / "report"
    names = {"report.html", "report.md", "report.tex", "runs.csv", "poster_table.csv", "regimes.csv", "figures"}
    names.add("further_measures_train.csv")
    assert {path.name for path in out.iterdir()} == names | {".report.json"}
    figures = ("accuracy_width", "kernel_change", "regime_accuracy", "spectra")
    assert {path.name for path in (out / "figures").iterdir()} == {f"{n}.{s}" for n in figures for s in ("png", "pdf")}
    assert all(str(out / name) in printed for name in names - {"figures"})
    for words in ("| Lazy | .7705 | .7570 ± .0000", "](figures/spectra.png)", "the loss is \\<nan>"):
        assert words in (out / "report.md").read_text()
    with (out / "runs.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 8
    with (out / "poster_table.csv").open() as file:
        lazy = next(row for row in csv.DictReader(file) if (row["row"], row["protocol"]) == ("Lazy", "adh"))
    assert float(lazy["mean"]) == pytest.approx(0.838)
    assert float(lazy["difference_points"]) == pytest.approx(6.75)


def test_the_page_parses_and_refers_to_nothing_outside(group: Path) -> None:
    text = (group / "report" / "report.html").read_text()
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    images = [reference for reference in page.references if reference.startswith("data:image/png;base64,")]
    links = [unquote(reference) for reference in page.references if reference not in images]
    assert len(images) == 4
    assert len(links) == 8 and all((group / "report" / link).is_dir() for link in links)  # the list of all runs
    assert len(text) < 400_000
    assert not any(word in text for word in ("http:", "https:", "@import", "url("))
    assert text.count("<script") == 1 and "default-src 'none'" in text
    assert "the loss is <nan> at step 3" in "".join(page.text).replace("LossError: ", "")


def test_one_run_folder_reported_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path / "regular-mlp-w1024-s0-a")
    assert main([str(run)]) == 0
    assert "MLP 1024" in capsys.readouterr().out
    first = {path: path.read_bytes() for path in (run / "report").rglob("*") if path.is_file()}
    assert run / "report" / "figures" / "spectra.png" in first
    (run / "kernels.safetensors").unlink()
    assert main([str(run), "--explain"]) == 0  # the report inside the run is no run itself
    assert "(kernel_change)\n  ||K_1 - K_0|| / ||K_0||" in capsys.readouterr().out
    second = {path: path.read_bytes() for path in (run / "report").rglob("*") if path.is_file()}
    stale = {run / "report" / "figures" / f"spectra.{suffix}" for suffix in ("png", "pdf")}
    assert set(first) - set(second) == stale
    same = set(second) - {run / "report" / name for name in ("report.html", "report.md", "report.tex", ".report.json")}
    assert all(first[path] == second[path] for path in same)


def test_only_unfinished_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run-1").mkdir()
    (tmp_path / "run-1" / "failure.json").write_text('{"error": "Oops"}')
    assert main([str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "Unfinished runs" in printed
    assert "The poster's table\n" not in printed


def test_a_wrong_path_is_a_sentence_and_exit_code_2(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "lazyregime.report", str(tmp_path / "nowhere")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert "does not exist" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_report_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path / "run-1", kernels=False)
    (tmp_path / "taken").write_text("a file")
    assert main([str(run), "--out", str(tmp_path / "taken")]) == 2
    assert "cannot be written" in capsys.readouterr().err
