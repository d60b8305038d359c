"""What README and docs say is true: every command runs, every Python block runs, every citation is listed."""

import re
import shlex
from pathlib import Path

import pytest

from lazyregime.fit import main as fit
from lazyregime.flow import main as flow
from lazyregime.report import main as report
from lazyregime.sweeps import main as sweeps
from lazyregime.train import main as train

# What makes a command of each door small enough for a test.
SMALL = {
    "train": (train, ["debug=fdr", "width=16", "trainer.limit_batches=2", "group=docs", "seed=0"]),
    "fit": (fit, ["data.n_train=40", "data.n_test=30", "width=4", "group=docs", "seed=0"]),
    "flow": (flow, ["widths=[4,8]", "reference_width=16", "n_samples=6", "num_times=4", "num_seeds=2", "end_time=0.5"]),
}
ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language):
    return [
        pytest.param(body, id=f"{page.name}:{number}")
        for page in PAGES
        for number, (kind, body) in enumerate(BLOCK.findall(page.read_text()))
        if kind == language
    ]


def commands(body):
    for line in body.replace("\\\n", " ").splitlines():
        for part in line.split("&&"):
            words = shlex.split(part, comments=True)
            assignments = [w for w in words if re.match(r"^[A-Z_]+=", w)]
            yield words[len(assignments) :] if words[: len(assignments)] == assignments else words


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The user's module of docs/own.md, in an empty folder."""
    module = next(body for kind, body in BLOCK.findall((ROOT / "docs/own.md").read_text()) if kind == "python")
    (tmp_path / "mine.py").write_text(module)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("body", blocks("bash"))
def test_every_command_runs(body, mine, tmp_path, monkeypatch):
    """With a small network and few data in the place of large ones."""
    monkeypatch.setenv("LAZYREGIME_RUNS", str(tmp_path))
    for words in commands(body):
        if not words or words[0] in ("pip", "pytest", "make"):
            continue  # .ci/run does these
        if words[0].startswith("multirun_scripts/"):
            assert (ROOT / words[0]).is_file()
            continue
        if words[0] == "python" and words[1].endswith(".py"):
            assert (ROOT / words[1]).is_file()
            continue
        module, arguments = words[2], words[3:]
        assert words[:2] == ["python", "-m"], words
        if module == "lazyregime.report":
            exits_well(report, [str(tmp_path), *(word for word in arguments if word.startswith("--"))])
            continue
        if module == "lazyregime.sweeps":
            exits_well(sweeps, [arguments[0], str(tmp_path)])
            continue
        arguments = [word for word in arguments if not word.startswith("hydra/launcher")]  # tests/slurm has the cluster
        door, small = SMALL[module.removeprefix("lazyregime.")]
        if "arch=own" in arguments:  # it has its own size, and data=own theirs
            small = [word for word in small if not word.startswith(("width=", "debug="))]
        exits_well(door, arguments if "--help" in arguments else [*arguments, *small])


def exits_well(command, arguments):
    try:
        code = command(arguments)
    except SystemExit as exit_:
        code = exit_.code
    assert not code, arguments


@pytest.mark.parametrize("body", blocks("python"))
def test_every_python_block_runs(body, mine):
    exec(compile(body, "docs", "exec"), {})


def test_every_citation_is_listed():
    listed = set(re.findall(r"^\| \[(\S+)\] \|", (ROOT / "docs" / "references.md").read_text(), re.MULTILINE))
    key = re.compile(r"\[([A-Z]{2,}\+?\d\d[a-z]?)\b")
    for path in [*(ROOT / "lazyregime").rglob("*.py"), *PAGES]:
        cited = set(key.findall(path.read_text()))
        assert cited <= listed, f"{path}: {cited - listed} is not in docs/references.md"


def test_every_public_file_is_linked_or_listed():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
