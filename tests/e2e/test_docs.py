"""What README and docs say is true: every command runs, every Python block runs, every citation is listed.

A command is a line of a `bash` block, or a line behind `$ ` in a block of what was seen. Those of a page are given one
after the other in one folder, in which the files lie that the page shows behind `<!-- file: NAME -->`.
"""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from lazyregime.__main__ import main as lazyregime
from lazyregime.app.fit.command import FIT
from lazyregime.app.flow.command import FLOW
from lazyregime.app.train.command import TRAIN
from lazyregime.fit import main as fit
from lazyregime.flow import main as flow
from lazyregime.report import main as report
from lazyregime.runs.__main__ import main as runs
from lazyregime.sweeps import main as sweeps
from lazyregime.train import main as train

# What makes a command of each door small enough for a test.
SMALL = {
    "train": (train, ["debug=fdr", "width=16", "trainer.limit_batches=2", "group=docs", "seed=0"]),
    "fit": (fit, ["data.n_train=40", "data.n_test=30", "width=4", "group=docs", "seed=0"]),
    "flow": (flow, ["widths=[4,8]", "reference_width=16", "n_samples=6", "num_times=4", "num_seeds=2", "end_time=0.5"]),
}
SOURCES = {"train": TRAIN.source, "fit": FIT.source, "flow": FLOW.source}
# What is not done here, by how the command begins, and who does it.
ELSEWHERE = {
    "pip ": ".ci/run installs the package and its extras; `pip install lazyregime`, by name, begins with a release",
    "pytest": ".ci/run",
    "python -m venv": ".ci/run makes environments",
    ". ": "enters one",
    "multirun_scripts/": "tests/e2e/test_shell_scripts.py runs each",
    "python multirun_scripts/": "tests/e2e/test_python_scripts.py runs each",
    "python benchmarks/": "tests/e2e/test_python_scripts.py runs each",
    "python -m lazyregime.sweeps pull": "from another machine, which tests/app/test_pull.py has",
    "python -m lazyregime.dashboard": "serves until Ctrl-C, in tests/dashboard; and writes to wandb, with an account",
}
ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^(?:<!-- (?:ci: where|file:) (\S+)[^\n]*-->\n)?```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page):
    """Each block as the package that it needs, its language and its text; files apart."""
    return [block for block in BLOCK.findall(page.read_text()) if "." not in block[0]]


def typed(page):
    """The commands of a page."""
    for _, kind, body in blocks(page):
        seen = re.findall(r"^\$ ((?:.*\\\n)*.*)$", body, re.MULTILINE)
        yield from commands(body if kind == "bash" else "\n".join(seen))


def commands(body):
    for line in body.replace("\\\n", " ").splitlines():
        for part in line.split("&&"):
            words = shlex.split(part, comments=True)
            assignments = [w for w in words if re.match(r"^[A-Z_]+=", w)]
            yield words[len(assignments) :] if words[: len(assignments)] == assignments else words


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    """In an empty folder, with the files that a page shows, or those of docs/own.md where it shows none."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def put(page):
        for where in (page, ROOT / "docs/own.md"):
            for name, _, body in BLOCK.findall(where.read_text()):
                if "." in name:
                    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                    (tmp_path / name).write_text(body)
            if (tmp_path / "mine.py").exists():
                return

    return put


@pytest.mark.parametrize("page", [page for page in PAGES if any(typed(page))], ids=lambda page: page.stem)
def test_every_command_runs(page, in_folder, tmp_path, monkeypatch):
    """With a small network and few data in the place of large ones."""
    in_folder(page)
    monkeypatch.setenv("LAZYREGIME_RUNS", str(tmp_path))
    for words in typed(page):
        if not words or " ".join(words).startswith(tuple(ELSEWHERE)):
            continue
        if words == ["lazyregime"]:
            lazyregime([])
            continue
        module, arguments = words[2], words[3:]
        assert words[:2] == ["python", "-m"], words
        if module == "lazyregime.report":
            exits_well(report, [str(tmp_path), *(word for word in arguments if word.startswith("--"))])
            continue
        if module == "lazyregime.runs":
            exits_well(runs, [str(tmp_path), *(("--where", "width>0") if "--where" in arguments else ())])
            continue
        if module == "lazyregime.sweeps":
            exits_well(sweeps, [arguments[0], str(tmp_path)])
            continue
        arguments = [word for word in arguments if not word.startswith("hydra/launcher")]  # tests/slurm has the cluster
        door, small = SMALL[module.removeprefix("lazyregime.")]
        if {"arch=own", "data=own", "experiment=mine"} & set(arguments):  # they have their own sizes
            few = [] if {"data=own", "experiment=mine"} & set(arguments) else ["data.n_train=600"]
            small = [word for word in small if not word.startswith(("width=", "debug="))] + few
        exits_well(door, arguments if {"--help", "--cfg"} & set(arguments) else [*arguments, *small])


def test_every_command_stands_in_a_block():
    """Where the test above finds it; four spaces are a block too, for Markdown."""
    for page in PAGES:
        outside = BLOCK.sub("", page.read_text())
        assert not re.findall(r"^    (?:python|pip|make|SIZE=|multirun_scripts/)", outside, re.MULTILINE), page.name


def test_every_script_and_every_target_that_is_named_is_there():
    """What they do is tested elsewhere; here, that pages speak of nothing else."""
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        text = page.read_text()
        for script in re.findall(r"\b(?:multirun_scripts|benchmarks|tests|site)/[\w/]+\.\w+|(?<!\S|`)\.ci/\w+", text):
            assert (ROOT / script).is_file(), f"{page.name} speaks of {script}"
        for words in re.findall(r"`make ([\w ]+)`", text):
            assert set(words.split()) <= targets, f"{page.name} speaks of make {words}"


def exits_well(command, arguments):
    try:
        code = command(arguments)
    except SystemExit as exit_:
        code = exit_.code
    assert not code, arguments


@pytest.mark.parametrize(
    ("page", "body", "needs"),
    [
        pytest.param(page, body, needs, id=f"{page.stem}:{at}")
        for page in PAGES
        for at, (needs, kind, body) in enumerate(blocks(page))
        if kind == "python"
    ],
)
def test_every_python_block_runs(page, body, needs, in_folder):
    """Those of other tools where these are installed; elsewhere they are Python at least."""
    in_folder(page)
    code = compile(body, "docs", "exec")
    if not needs or importlib.util.find_spec(needs):
        exec(code, {})


def test_every_command_in_a_sentence_composes():
    spans = {span for page in PAGES for span in re.findall(r"`python -m lazyregime\.([^`]+)`", page.read_text())}
    for door, _, rest in (span.partition(" ") for span in spans):
        words = shlex.split(rest)
        if door in SOURCES and not {"...", "--help"} & set(words):
            SOURCES[door].sweep([word for word in words if word != "-m"])


def test_every_choice_in_a_sentence_is_one():
    """`arch=vit` where conf/ has a group arch."""
    groups = {folder.name for folder in (ROOT / "conf").iterdir() if folder.is_dir()}
    for page in PAGES:
        for group, option in re.findall(r"[` ]([a-z/]+)=(\w+)(?=[` ])", page.read_text()):
            if group in groups:
                # an experiment that a page invents, or nothing at all
                known = (ROOT / "conf" / group / f"{option}.yaml").exists() or option in ("null", "mine", "NAME")
                assert known, f"{page.name} says {group}={option}"


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


def test_every_heading_that_is_linked_is_there():
    """`tutorial.md#4-a-report`: a heading in small letters, without punctuation, with a dash for each space."""
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text()):
            where = page.parent / target if target else page
            headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", where.read_text()), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, f"{page.name} links to {target}#{anchor}"
