"""Something else has the name of a file or a folder."""

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from fault_registry import fault
from fault_trial import Trial

FILES_OF_A_RUN = ("lock", "result.json", "metrics.csv", "config.yaml", "kernels.safetensors", "failure.json", "rerun",
                  "checkpoints/last.ckpt", "checkpoints/previous.ckpt", "checkpoints/checksums.json",
                  "checkpoints/best.ckpt", "figures/summary.png")  # fmt: skip


def _in_the_way(trial: Trial, put: Callable[[Path], object], names: tuple[str, ...] = FILES_OF_A_RUN) -> None:
    """Something takes the name of a file of a run, before it or in its middle; then it is taken away."""
    if trial.rng.random() < 0.4:
        trial.killed()
    path = trial.rng.choice(trial.expected()) / trial.rng.choice(names)
    kept = path.with_name(f"{path.name}.kept")
    made = [folder for folder in (path.parent, path.parent.parent) if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(path):
        os.replace(path, kept)
    put(path)

    def take_away() -> None:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        if os.path.lexists(kept):
            os.replace(kept, path)
        for folder in made:
            with contextlib.suppress(OSError):  # it is in use by now
                folder.rmdir()

    trial.undo.append(take_away)
    trial.run()


@fault()
def a_folder_in_the_place_of_a_file(trial: Trial) -> None:
    """An empty folder, or one with something in it, has the name of a file of a run."""

    def put(path: Path) -> None:
        path.mkdir()
        if trial.rng.random() < 0.5:
            (path / "something").write_text("of yours")

    _in_the_way(trial, put)


@fault()
def a_link_in_the_place_of_a_file(trial: Trial) -> None:
    """A symbolic link, to a file of somebody's or to nowhere, has the name of a file of a run; the target stays."""
    canary = trial.folder / "canary"
    canary.write_text("untouched")
    target = canary if trial.rng.random() < 0.7 else trial.folder / "nowhere"
    _in_the_way(trial, lambda path: path.symlink_to(target))
    if canary.read_text() != "untouched" or (trial.folder / "nowhere").exists():
        trial.troubles.append("something was written through the link")


@fault()
def a_pipe_in_the_place_of_a_file(trial: Trial) -> None:
    """A named pipe, from which nothing ever comes, has the name of a file of a run."""
    _in_the_way(trial, lambda path: os.mkfifo(path))


@fault()
def a_file_in_the_place_of_a_folder(trial: Trial) -> None:
    """A plain file has the name of a folder: checkpoints, figures, blocks, the run's, the group's or runs itself."""
    names = ("checkpoints", "figures", "blocks", "", "..", "../..")
    name = trial.rng.choice(names)
    path = Path(os.path.normpath(trial.rng.choice(trial.expected()) / name))
    kept = trial.folder / "kept"
    if path.exists():
        shutil.move(path, kept)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("in the way")

    def take_away() -> None:
        if path.is_file():
            path.unlink()
        if kept.exists():
            shutil.move(kept, path)

    trial.undo.append(take_away)
    trial.run()


@fault(only=("train sweep", "fit sweep", "gradient flows together", "sweeps resubmit"))
def the_record_of_the_sweep_is_in_the_way(trial: Trial) -> None:
    """`.sweeps` is a file, or its record is a folder."""
    folder = trial.expected()[0].parent / ".sweeps"
    kept = trial.folder / "kept"
    if folder.exists():
        shutil.move(folder, kept)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")

    def take_away() -> None:
        folder.unlink()
        if kept.exists():
            shutil.move(kept, folder)

    trial.undo.append(take_away)
    trial.run()
