"""The last two checkpoints of a run: each synced before it is renamed, each known by its checksum.

`last.ckpt` is the newest and `previous.ckpt` the one before. What both should be stands in `checksums.json`, which is
written before either is renamed and still lists what was there, so that a crash between two steps damages nothing. A
checkpoint that is not what was written is put aside, and the run goes on from the one before, or from its beginning.
"""

import contextlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lazyregime.atomic import atomic_write, replacing
from lazyregime.errors import is_of_the_machine
from lazyregime.runs.checksums import checksum_of_file


@dataclass(frozen=True)
class Checkpoints:
    """Those in a folder."""

    folder: Path

    @property
    def last(self) -> Path:
        """The newest."""
        return self.folder / "last.ckpt"

    @property
    def previous(self) -> Path:
        """The one before."""
        return self.folder / "previous.ckpt"

    @property
    def best(self) -> Path:
        """The weights that did best."""
        return self.folder / "best.ckpt"

    @property
    def run(self) -> str:
        """The id of the run, which its checkpoints name, so that none goes on from another's."""
        return self.folder.absolute().parent.name.rpartition("-")[2]

    def save(self, write: Callable[[Path], object]) -> None:
        """Let `write` make the newest checkpoint; the one that was newest is kept as the one before."""
        with replacing(self.last) as temporary:
            write(temporary)
            last, previous = self._listed("last.ckpt")[:1], self._listed("previous.ckpt")[:1]
            self._note({"last.ckpt": [checksum_of_file(temporary), *last], "previous.ckpt": [*last, *previous]})
            if self.last.exists():
                os.replace(self.last, self.previous)

    def save_best(self, write: Callable[[Path], object]) -> None:
        """Let `write` make the file of the best weights."""
        with replacing(self.best) as temporary:
            write(temporary)
            self._note({"best.ckpt": [checksum_of_file(temporary), *self._listed("best.ckpt")[:1]]})

    def newest(self, complain: Callable[[str], None]) -> Path | None:
        """The newest checkpoint that is what was written; a damaged one is put aside with a sentence to `complain`."""
        for path in (self.last, self.previous):
            if not path.exists() and not path.is_symlink():
                continue
            trouble = self.trouble_with(path)
            if trouble is None:
                return path
            aside = path.with_suffix(".damaged")
            _put_aside(path, aside)
            complain(
                f"{path} is damaged ({trouble}) and was renamed to {aside.name}; the run goes on from the checkpoint "
                "before it, or from its beginning."
            )
        return None

    def trouble_with(self, path: Path) -> str | None:
        """Why a run cannot go on from a checkpoint; None if it can."""
        if not self.is_good(path):
            return "it is not what was written"
        import torch  # takes seconds

        try:
            content: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except Exception as error:  # torch raises whatever it meets in a file that is none of its own
            if is_of_the_machine(error):
                raise
            return "it cannot be read without obeying what is in it"
        other = content.get("run") if isinstance(content, dict) else None
        return None if other in (None, self.run) else f"it is of the run {other!r}"

    def is_good(self, path: Path) -> bool:
        """Whether a checkpoint is what was written here; where that is not known, whether it is whole in itself."""
        known = self._known().get(path.name)
        try:
            return path.is_file() and _is_whole(path) if known is None else checksum_of_file(path) in known
        except OSError:
            return False

    def settle(self) -> None:
        """The run is over: the newest checkpoint stays, the one before and what was put aside go."""
        unknown = [path for path in (self.last, self.best) if path.is_file() and path.name not in self._known()]
        if unknown:  # the list was damaged or gone, and the run has gone on from them all the same
            self._note({path.name: [checksum_of_file(path)] for path in unknown})
        for path in (self.previous, *self.folder.glob("*.damaged")):
            if path.is_dir() and not path.is_symlink():
                with contextlib.suppress(OSError):  # a folder with something in it is somebody's
                    path.rmdir()
            else:
                path.unlink(missing_ok=True)

    @property
    def _checksums(self) -> Path:
        return self.folder / "checksums.json"

    def _note(self, changed: Mapping[str, list[str]]) -> None:
        atomic_write(self._checksums, json.dumps({**self._known(), **changed}) + "\n")

    def _listed(self, name: str) -> list[str]:
        """The checksums that a file may have, that of the newest first."""
        path = self.folder / name
        if not self._checksums.exists() and path.is_file():
            return [checksum_of_file(path)]
        return self._known().get(name, [])

    def _known(self) -> dict[str, list[str]]:
        if not self._checksums.is_file():
            return {}
        try:
            known: Any = json.loads(self._checksums.read_text(encoding="utf-8"))
            return {str(name): [str(each) for each in listed] for name, listed in known.items()}
        except (OSError, ValueError, RecursionError, AttributeError, TypeError):
            return {}


def _is_whole(path: Path) -> bool:
    """Whether it is an archive, as torch writes it, whose parts all have their own checksums."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError, zlib.error):
        return False


def _put_aside(path: Path, aside: Path) -> None:
    try:
        os.replace(path, aside)
    except OSError:  # another process of the run has done it, or it is a folder in the place of a file
        if path.is_file():
            path.unlink(missing_ok=True)
