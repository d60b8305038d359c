"""Somebody else's folders and files: nothing of them is executed, and nothing is written outside.

Each would leave a canary if one of its programs ran, and has an outside that must stay as it was.
"""

import hashlib
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fault_registry import CHECKPOINTED, fault
from fault_trial import Trial

LOOKS = (["sweeps", "status", "runs"], ["sweeps", "verify", "runs"], ["report", "runs", "--out", "../seen"])
PROGRAM = "touch {canary}"
RUN = {  # of a run that nobody made: enough for each reader to go on to the part that is hostile
    "init_seed": 0, "width": 4, "parameterization": "standard", "trainer": {"precision": "float32"},
    "data": {"name": "sphere"}, "regime": {"name": "feature"},
    "arch": {"name": "mlp", "_target_": "lazyregime.networks.MLP", "width": 4, "depth": 1, "in_features": 5,
             "n_outputs": 1},
}  # fmt: skip


@contextmanager
def _watched(trial: Trial) -> Iterator[str]:
    """The program that must not run; what it would leave, and what was written outside, is seen afterwards."""
    canary, outside = trial.folder / "canary", trial.folder / "outside"
    outside.mkdir()
    (outside / "precious").write_text("untouched")
    yield PROGRAM.format(canary=canary)
    if canary.exists():
        trial.troubles.append("it was executed")
    if [p.name for p in outside.rglob("*")] != ["precious"] or (outside / "precious").read_text() != "untouched":
        trial.troubles.append("it was written outside")


def _beside(trial: Trial, name: str, group: str = "sphere") -> Path:
    """A folder in the place of a run, which is taken away before all is compared."""
    folder = trial.cwd / "runs" / group / name
    made = [path for path in (folder.parent, folder.parent.parent) if not path.exists()]
    folder.mkdir(parents=True)

    def take_away() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        for path in made:
            if path.exists() and not any(path.iterdir()):
                path.rmdir()

    trial.undo.append(take_away)
    return folder


def _looked_at(trial: Trial) -> None:
    """The command, and all that read a folder; a report of it holds no cell that a spreadsheet would run."""
    trial.run()
    for command in LOOKS:
        trial.run(command)
    for table in (trial.folder / "seen").rglob("*.csv"):
        bad = [cell for line in table.read_text().splitlines() for cell in line.split(",")
               if cell.strip('"')[:1] in ("=", "+", "@")]  # fmt: skip
        if bad:
            trial.troubles.append(f"a spreadsheet would run {bad[0]!r} of {table.name}")
    shutil.rmtree(trial.folder / "seen", ignore_errors=True)


@fault()
def a_hostile_configuration_beside(trial: Trial) -> None:
    """The config.yaml of a run beside it names a program, has a tag of Python, aliases or brackets without end."""
    with _watched(trial) as program:
        folder = _beside(trial, "hostile-00000000")
        arch = trial.rng.choice([
            {"name": "x", "_target_": "os.system", "command": program},
            {"name": "x", "_target_": "lazyregime.app.sweeps.status.shlex.os.system", "command": program},
            {"name": "x", "_target_": "builtins.eval", "_args_": [f"__import__('os').system('{program}')"]},
            {"_target_": "${oc.env:HOME}", "name": "x"},
        ])  # fmt: skip
        text = trial.rng.choice([
            json.dumps(RUN | {"arch": arch}),
            json.dumps(RUN | {"arch": arch, "trust": "os", "machine": arch}),
            f"arch: !!python/object/apply:os.system ['{program}']",
            "\n".join(["a0: &a0 [x,x,x,x,x,x,x,x,x]", *(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]"
                                                         for n in range(1, 9))]),
            "arch: " + "[" * 50_000,
        ])  # fmt: skip
        (folder / "config.yaml").write_text(text)
        where = str(folder.relative_to(trial.cwd))
        fit = ["fit", "data=sphere", "data.dimension=5", "data.n_train=20", "machine=empirical_ntk", "ridges=[0.1]"]
        ended = trial.run([*fit, f"machine.run={where}", f"machine.at={trial.rng.choice(['init', 'last'])}"])
        if ended.code != 2:
            trial.troubles.append(f"a fit of it ends with {ended.code}: {ended.err[-300:]}")
        _looked_at(trial)


class _Program:
    """What a pickle of it does when it is read."""

    def __init__(self, program: str) -> None:
        self.program = program

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.system, (self.program,)


def _pickled(path: Path, program: str) -> None:
    """A bare pickle, or one in an archive as torch writes it, in the place of a file."""
    content = pickle.dumps(_Program(program))
    if path.suffix == ".npy":
        header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n"
        path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content)
        return
    if path.suffix != ".ckpt":
        path.write_bytes(content)
        return
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("last/data.pkl", content)
        archive.writestr("last/version", "3\n")
        archive.writestr("last/byteorder", "little")


@fault(only=CHECKPOINTED)
def a_hostile_checkpoint(trial: Trial) -> None:
    """Killed; then the checkpoints are pickles that start a program, with checksums that are right."""
    with _watched(trial) as program:
        trial.killed()
        for path in trial.files("*.ckpt"):
            _pickled(path, program)
            known = path.parent / "checksums.json"
            content = json.loads(known.read_text()) if known.is_file() else {}
            content[path.name] = [hashlib.sha256(path.read_bytes()).hexdigest()]
            known.write_text(json.dumps(content))
        trial.run()


@fault(writes=True)
def hostile_kernels(trial: Trial) -> None:
    """Killed or complete; then kernels, blocks on disk, results and rows are pickles that start a program."""
    with _watched(trial) as program:
        trial.partly()
        for path in trial.files("kernels.safetensors", "*.npy", "request.json", "result.json", "metrics.csv"):
            if trial.rng.random() < 0.7:
                _pickled(path, program)
        trial.run(trial.rng.choice(LOOKS))
        trial.run()
        shutil.rmtree(trial.folder / "seen", ignore_errors=True)


@fault()
def a_hostile_record_of_a_sweep(trial: Trial) -> None:
    """A record in .sweeps asks for a program, options, other folders or lines of a job script; resubmit is given."""
    with _watched(trial) as program:
        outside = trial.folder / "outside"
        small = ["data=sphere", "data.n_train=20", "data.n_test=10", "width=4", "ntk=none", "trainer.max_epochs=1"]
        (trial.cwd / "x.pickle").write_bytes(pickle.dumps(_Program(program)))
        trial.undo.append(lambda: (trial.cwd / "x.pickle").unlink(missing_ok=True))
        told = trial.rng.choice([
            ["~arch.width", "~arch.depth", "~arch.in_features", "arch._target_=os.system", f"+arch.command={program}"],
            ["--experimental-rerun", "x.pickle"],
            [f"-cd={outside}"],
            ["hydra.launcher._target_=os.system"],
            ["hydra.sweeper._target_=os.system"],
            [f"hydra.searchpath=[file://{outside}]"],
            ["hydra/launcher=slurm", f'hydra.launcher.setup=["{program}"]'],
            [f"hydra.run.dir={outside}"],
            ["group=../../outside"],
            [f"data_dir={outside}"],
            ["data._target_=os.makedirs", f"data.name={outside}/x"],
            ["arch=own", "arch._target_=x.Net", "trust=x"],
            ["name=${oc.env:HOME}/../x"],
            ["\x1b]0;owned\x07=1"],
        ])  # fmt: skip
        record = _beside(trial, ".sweeps", "hostile") / "a.json"
        command = trial.rng.choice(["train", "train", "fit", "os.system", "../train"])
        runs = trial.rng.choice([["x-0"], ["../../outside/x"], ["\x1b[31mx"]])
        content = {"command": command, "overrides": [*small, *told], "group": "hostile", "runs": runs}
        record.write_text(json.dumps(content))
        trial.run(["sweeps", "resubmit", "runs/hostile"])
        made = [p for p in (trial.cwd / "runs" / "hostile").iterdir() if p.name != ".sweeps"]
        for folder in made:  # runs like ours in their own folder, which a record may ask for
            shutil.rmtree(folder)
        _looked_at(trial)


@fault()
def hostile_names_beside(trial: Trial) -> None:
    """A run beside it has a name, a result and rows with escape sequences, formulae, mathtext and tags."""
    words = ["\x1b]0;owned\x07", "\x1b[2J", "=cmd|'/C calc'!A0", "@SUM(1)", "+1+cmd", r"$\frac{a$", "<b>", "<script>x",
             "\u202egnp", "a\rb", "|", "[red]", "a,b", '"', "100%", r"\input{x}", "_"]  # fmt: skip
    complete = next(iter(trial.undisturbed.folder.rglob("result.json")), None)
    with _watched(trial):
        name = "".join(trial.rng.sample([w.replace("/", "") for w in words], 3)) + "-00000000"
        folder = _beside(trial, name)
        if complete is not None:
            shutil.copytree(complete.parent, folder, dirs_exist_ok=True)
            _told_otherwise(trial, folder / "result.json", words)
        (folder / "metrics.csv").write_text(f"epoch,{trial.rng.choice(words[:4])}\n0,{trial.rng.choice(words[:4])}\n")
        (folder / "failure.json").write_text(json.dumps({"error": words[0], "message": words[1], "host": words[2]}))
        (folder / "lock").write_text(json.dumps({"host": words[0], "pid": 1, "command": words[1]}))
        _looked_at(trial)


def _told_otherwise(trial: Trial, path: Path, words: list[str]) -> None:
    """Some words of a result are others, and its checksum is right."""
    from lazyregime.runs.checksums import checksum_of_object

    content = json.loads(path.read_text())
    content.pop("sha256")
    for key in [key for key, value in content.items() if isinstance(value, str) and key != "status"]:
        if trial.rng.random() < 0.3:
            content[key] = trial.rng.choice(words)
    content["warnings"] = trial.rng.sample(words, 2)
    content["width"] = trial.rng.choice([content.get("width"), "<b>", 1 << 70, -1])
    content["sha256"] = checksum_of_object(content)
    path.write_text(json.dumps(content))


@fault(writes=True)
def hostile_links(trial: Trial) -> None:
    """A folder of a run, or a hidden one beside it, is a link that leads outside; nothing is written there."""
    with _watched(trial):
        if trial.rng.random() < 0.5:
            trial.killed()
        run = trial.rng.choice(trial.expected())
        names = ("checkpoints", "figures", "blocks", "", "../.sweeps", "../../.nulls", "../wandb")
        path = Path(os.path.normpath(run / trial.rng.choice(names)))
        kept = trial.folder / "kept"
        if path.exists():
            shutil.move(path, kept)
        made = [folder for folder in (path.parent, path.parent.parent) if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(trial.folder / "outside")

        def take_away() -> None:
            path.unlink()
            if kept.exists():
                shutil.move(kept, path)
            for folder in made:
                if folder.exists() and not any(folder.iterdir()):
                    folder.rmdir()

        trial.undo.append(take_away)
        trial.run()


@fault()
def numbers_changed_by_hand(trial: Trial) -> None:
    """A number or a word of result.json or metrics.csv, of a complete run, is another one; nothing else is."""
    if not trial.scenario.needs:
        trial.run()
    files = trial.files("result.json", "metrics.csv")
    for path in files and trial.rng.sample(files, 1):
        text = path.read_text()
        places = [n for n, letter in enumerate(text) if letter.isdigit()]
        place = trial.rng.choice(places)
        path.write_text(text[:place] + str((int(text[place]) + trial.rng.randrange(1, 9)) % 10) + text[place + 1 :])
    trial.run(["sweeps", "verify", "runs"])
    trial.run()
