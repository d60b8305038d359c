"""Each recipe of CONTRIBUTING, followed in a copy of the project: its files are put there as they stand, and used."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(?:python|yaml)\n# ((?:lazyregime|conf)/\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RECIPE = re.compile(r"^## (An? [\w ]+)$", re.MULTILINE)
TINY = ["trainer.max_epochs=2", "ntk.at.epochs=[1]", "ntk.anchors_per_class=4", "tracking=csv"]


def recipes():
    """The files of each recipe, by its heading."""
    parts = RECIPE.split((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    return {name: dict(BLOCK.findall(text)) for name, text in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The project with the files of every recipe."""
    place = tmp_path_factory.mktemp("copy")
    for folder in ("lazyregime", "conf", "tests"):
        shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", place)
    for files in recipes().values():
        for name, content in files.items():
            assert not (place / name).exists(), f"{name} would be edited"
            (place / name).write_text(content, encoding="utf-8")
    return place


def do(copy, *command):
    """What `python -m COMMAND` prints in the copy."""
    environment = os.environ | {"PYTHONPATH": str(copy), "LAZYREGIME_RUNS": str(copy / "runs")}
    done = subprocess.run([sys.executable, "-m", *command], cwd=copy, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_recipe_is_one_python_file_and_at_most_one_yaml():
    found = recipes()
    assert set(found) == {
        "An architecture", "A data set", "A regime", "A machine", "A metric", "A claim",
    }  # fmt: skip
    for name, files in found.items():
        assert [Path(file).suffix for file in files] in ([".py"], [".py", ".yaml"]), name


def test_the_new_things_are_used_like_the_old_ones(copy):
    """One training with the new architecture, data set, regime and metric; one fit with the new machine."""
    printed = do(copy, "lazyregime.train", "arch=bottleneck", "width=32", "data=rings", "regime=nearly_lazy", *TINY)
    assert "mean diagonal of the kernel" in printed
    (folder,) = (path.parent for path in (copy / "runs/rings").rglob("result.json"))
    result = json.loads((folder / "result.json").read_text())
    assert {"arch": "bottleneck", "data": "rings", "regime": "nearly_lazy"}.items() <= result.items()
    assert result["parameterization"] == "ntk" and result["laziness"] is not None
    assert result["kernel_trace_init"] > 0 and result["kernel_trace_final"] > 0
    with (folder / "metrics.csv").open() as stream:
        assert any(row.get("kernel_trace") for row in csv.DictReader(stream))
    do(copy, "lazyregime.fit", "-m", "machine=laplace", "data=rings", "tracking=csv", "seed=0,1,2")
    report = do(copy, "lazyregime.report", "runs", "--claims")
    assert "bottleneck" in report and "laplace" in report
    assert re.search(r"rings26\.laplace_separates.*holds", report)


def test_the_help_pages_of_the_copy_name_them(copy):
    pages = do(copy, "lazyregime.train", "--help") + do(copy, "lazyregime.fit", "--help")
    for option in ("bottleneck", "rings", "nearly_lazy", "laplace"):
        assert re.search(rf"^    {option} +\S", pages, re.MULTILINE), option


def test_the_tests_that_speak_of_every_option_hold_for_the_new_ones(copy):
    """Those of the help pages and of the defaults, the law of width for every architecture."""
    files = ["tests/app/test_defaults.py", "tests/e2e/test_doors.py", "tests/networks/test_width.py",
             "tests/reports/test_trials.py"]  # fmt: skip
    do(copy, "pytest", "-q", "-p", "no:cacheprovider", *files, "-k",
       "signature or help_is_our_own or bottleneck or rings26")  # fmt: skip
