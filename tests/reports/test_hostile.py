"""Whatever a run folder holds, the report of the others is whole, the folder is named, and nothing reaches further."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_runs import config, result, write_run
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from lazyregime.report import main
from lazyregime.reports import load_runs, section
from lazyregime.reports._culprits import without_culprits
from lazyregime.reports.figures import style
from lazyregime.reports.pages.csv import harmless
from lazyregime.reports.reading.cleaning import clean_text

ESCAPE = "\x1b]0;owned\x07\x1b[31m"
EVIL = (
    "$\\frac{a$",
    "<b>x</b>",
    ESCAPE,
    "a\nb\r\tc",
    "=1+1",
    "\u202egnp",
    "\ud800",
    "x" * 100_000,
    "`|*_[a](b)",
    "名前😀",
)


@pytest.fixture(autouse=True)
def quick_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn as always, small, and in one format."""
    monkeypatch.setattr(style, "DPI", 25)
    monkeypatch.setattr(section, "save", lambda figure, path: style.save(figure, path, formats=("png",)))


def healthy(folder: Path) -> Path:
    """Two runs beside which everything else is put."""
    for regime in ("regular", "lazy"):
        write_run(folder / f"{regime}-1", regime=regime)
    return folder


def hostile(folder: Path, **changes: Any) -> Path:
    """A complete run in whose result some keys hold something else."""
    write_run(folder, kernels=False)
    (folder / "result.json").write_text(json.dumps(result() | changes))
    return folder


def report(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What is printed; it and all that is written are harmless."""
    assert main([str(folder)]) == 0
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    files = [path.read_text() for path in (folder / "report").iterdir() if path.suffix in (".md", ".html", ".csv")]
    for text in (printed.out, printed.err, *files):
        assert not any(mark in text for mark in ("\x1b", "\x07", "\u202e"))
    assert "<b>" not in (folder / "report" / "report.html").read_text()
    if "\nLeft out\n" in printed.out:
        pytest.fail(
            printed.out.partition("\nLeft out\n")[2].partition("\nWritten")[0]
        )  # what is damaged is found when it is read
    assert "MLP 1024" in printed.out and ".8380" in printed.out
    return " ".join(printed.out.split())


TEXT_KEYS = ("name", "arch", "regime", "data", "verdict", "loss", "optimizer", "protocol", "parameterization", "group")


@pytest.mark.parametrize("text", EVIL, ids=range(len(EVIL)))
def test_any_text_in_the_place_of_any_other(tmp_path, capsys, text):
    healthy(tmp_path)
    for number, key in enumerate(TEXT_KEYS):
        hostile(tmp_path / f"evil-{number}", **{key: text, "finished": text, text: 1.5})
    report(tmp_path, capsys)


@pytest.mark.parametrize(
    "value", [None, True, "<b>", [], {}, [[1]], {"a": {"b": 1}}, -1, 0.5, 10**400, math.inf, math.nan, 1e300, "7"]
)
def test_any_value_in_the_place_of_any_number(tmp_path, capsys, value):
    healthy(tmp_path)
    for number, key in enumerate(("width", "alpha", "seed", "test_accuracy", "kernel_change", "n_train", "num_params")):
        hostile(tmp_path / f"evil-{number}", **{key: value})
    report(tmp_path, capsys)


def test_a_damaged_run_is_named_with_what_is_wrong(tmp_path, capsys):
    healthy(tmp_path)
    hostile(tmp_path / "evil-1", width="<b>")
    hostile(tmp_path / "evil-2", test_accuracy=7.0)
    printed = report(tmp_path, capsys)
    assert "(its width is '<b>')" in printed and "its test_accuracy is 7.0, which is no fraction" in printed
    runs = load_runs(tmp_path).set_index("path")
    assert "damaged evil-1" in printed and runs.status[str(tmp_path / "evil-1")] == "damaged"
    assert runs.status[str(tmp_path / "evil-2")] == "complete" and math.isnan(
        runs.test_accuracy[str(tmp_path / "evil-2")]
    )


deep = "[" * 200_000 + "]" * 200_000
FILES = {
    "result.json": ['{"status": "complete"}', "{}", "null", "[", deep, '{"a":' * 900 + "1" + "}" * 900, "\x00" * 50,
                    json.dumps({"status": "complete"} | {f"k{i}": i for i in range(5000)}), "9" * 10_000],
    "config.yaml": ["a: [", deep, "- " * 5000, "&a [*a, *a]", "!!python/object/apply:os.system [echo]", "? {a: 1}\n: 2",
                    "x: 2026-01-01", "a: &a [1]\nb: &b [*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b]", "arch: 3", "1: 2"],
    "metrics.csv": ["epoch,epoch\n1,2\n", "a" * 200_000 + "\n1\n", "epoch\nx\n", '"\n', "epoch,step\n1e999,2\n"],
    "failure.json": ['{"error": "\\u001b[31m"}', "[]", '{"error": {"a": 1}, "message": [1]}'],
    "lock": ['{"host": 1}', "[", '{"pid": 99999999999999999999}', '{"pid": -1, "host": "x"}'],
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_any_content_of_any_file(tmp_path, capsys, name):
    healthy(tmp_path)
    contents = [text.encode() for text in FILES[name]] + [b"\xff\xfe\x00\x80", b""]
    for number, content in enumerate(contents):
        folder = hostile(tmp_path / f"evil-{number}")
        if name in ("failure.json", "lock"):
            (folder / "result.json").unlink()
        (folder / name).write_bytes(content)
    (hostile(tmp_path / "folder") / name).unlink(missing_ok=True)
    (tmp_path / "folder" / name).mkdir()
    printed = report(tmp_path, capsys)
    if name in ("result.json", "failure.json", "lock"):
        lacking = [number for number in range(len(contents)) if f"evil-{number} " not in printed]
        assert not lacking


@pytest.mark.parametrize(
    "arrays",
    [
        {"spectrum_init": np.array([]), "spectrum_final": np.array([])},
        {"spectrum_init": np.full(3, np.nan), "spectrum_final": np.zeros(3)},
        {"spectrum_init": np.ones((2, 2)), "spectrum_final": np.array(1.0)},
        {"spectrum_init": -np.ones(3), "spectrum_final": np.ones(5)},
        None,
    ],
)
def test_any_arrays(tmp_path, capsys, arrays):
    healthy(tmp_path)
    folder = hostile(tmp_path / "evil-1")
    if arrays is None:
        (folder / "kernels.safetensors").write_bytes((tmp_path / "lazy-1" / "kernels.safetensors").read_bytes()[:-9])
    else:
        save_file(arrays, folder / "kernels.safetensors")
    report(tmp_path, capsys)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(EVIL[:7]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from([*result(), "config.arch.depth", "path", "status", "network", "key"]) | st.text(max_size=6)


@settings(
    max_examples=10, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.dictionaries(keys, json_values, min_size=1, max_size=6), min_size=1, max_size=3))
def test_random_results(tmp_path_factory, capsys, changes):
    tmp_path = healthy(tmp_path_factory.mktemp("runs"))
    for number, one in enumerate(changes):
        folder = hostile(tmp_path / f"evil-{number}")
        (folder / "result.json").write_text(json.dumps(result() | one))
    report(tmp_path, capsys)


@settings(
    max_examples=10, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.dictionaries(st.sampled_from(sorted(config(result()))) | st.text(max_size=6), json_values, max_size=4))
def test_random_configurations(tmp_path_factory, capsys, changes):
    tmp_path = healthy(tmp_path_factory.mktemp("runs"))
    folder = hostile(tmp_path / "evil-1")
    (folder / "config.yaml").write_text(json.dumps(config(result()) | changes))
    report(tmp_path, capsys)


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_cell_that_a_spreadsheet_would_run_is_quoted(text):
    assert harmless(text).startswith("'") and harmless("a" + text)[0] == "a"


def test_cleaning_leaves_ordinary_text_alone():
    text = "Θ₁ → α=0.1 ‖w - w₀‖ ± é 名"
    assert clean_text(text) == text
    assert clean_text("a\x1b[31m\nb\ud800") == "a\ufffd[31m b\ufffd"


def test_a_part_that_always_fails_is_left_out_in_a_sentence(tmp_path):
    runs = load_runs(healthy(tmp_path))

    def fails(_):
        raise KeyError("width")

    assert without_culprits(fails, runs) == (None, ["could not be made (KeyError: 'width')"])


def test_the_runs_at_fault_are_found_and_the_others_kept(tmp_path):
    for number in range(20):
        write_run(tmp_path / f"run-{number:02}", kernels=False, seed=number)
    runs = load_runs(tmp_path)

    def picky(chosen):
        if set(chosen.seed) & {3, 17}:
            raise ValueError("no")
        return len(chosen)

    found, troubles = without_culprits(picky, runs)
    assert found == 18
    assert [trouble.partition(":")[0].rpartition("/")[2] for trouble in troubles] == ["run-03", "run-17"]
