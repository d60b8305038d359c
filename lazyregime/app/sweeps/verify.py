"""Every file of every run against its checksum: what is not what was written, or gone."""

from pathlib import Path

from lazyregime.app.console import Console
from lazyregime.app.sweeps.status import states_of
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.status import Status


def verify(folder: Path, console: Console) -> int:
    """Print the damaged files of the runs there; 1 if there are some.

    Raises:
        LazyRegimeError: If there is no run and no sweep in the folder.
    """
    states = states_of(folder, console)
    found: list[tuple[str, str, str]] = []
    for number, state in enumerate(states):
        with console.progress(f"Reading run {number + 1} of {len(states)}"):
            damaged = damaged_files(state.folder)
        found += [(state.folder.path.name, state.status, str(path.relative_to(state.folder.path))) for path in damaged]
    if found:
        console.table(["run", "status", "damaged, or gone"], found)
    runs = len({name for name, _, _ in found})
    console.say(f"{len(states)} runs verified: {len(found)} damaged files in {runs} of them.")
    if found:
        console.say("The command of a run mends it, computing as little as can be: its own, or that of its sweep:")
        console.say(f"Next:   python -m lazyregime.sweeps resubmit {folder}")
    return 1 if found else 0


def damaged_files(folder: RunFolder) -> list[Path]:
    """Of a complete run, all files that its result has a checksum of; of another, its checkpoints."""
    if folder.status() in (Status.complete, Status.damaged):
        return folder.damaged_files()
    kept = folder.kept
    return [path for path in (kept.last, kept.previous, kept.best) if path.exists() and not kept.is_good(path)]
