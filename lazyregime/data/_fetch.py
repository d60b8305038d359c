"""The bytes of an image set: files at hand first, then each source in turn; whatever the source, checked before use."""

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

from lazyregime.data._image_set import IdxFile, ImageSet, Source, SourceFailed
from lazyregime.data._store import only_one, read_checked, write_whole
from lazyregime.errors import LazyRegimeError

Log = Callable[[str], None]
_log = logging.getLogger("lazyregime.data").info


def obtain(image_set: ImageSet, data_dir: Path, *, offline: bool, log: Log | None = None) -> list[bytes]:
    """The set's four files, in the order of `image_set.files`; what was fetched is kept under `data_dir`.

    Raises:
        LazyRegimeError: If they are not there and cannot be fetched, or `data_dir` cannot be written.
    """
    log = log or _log
    found, broken = _at_hand(image_set, data_dir)
    if found is not None:
        return found
    if offline:
        raise LazyRegimeError(_not_at_hand(image_set, data_dir, broken) + ", and offline=True forbids fetching it. " + _cure(image_set, data_dir, broken))
    home = _home(image_set, data_dir)
    try:
        home.mkdir(parents=True, exist_ok=True)
        with only_one(home):
            found, broken = _at_hand(image_set, data_dir)
            return found if found is not None else _fetch(image_set, data_dir, broken, log)
    except OSError as error:
        raise LazyRegimeError(
            f"{image_set.title} cannot be kept in {home} ({error.strerror}). Give a data_dir that can be written."
        ) from error


def _fetch(image_set: ImageSet, data_dir: Path, broken: list[str], log: Log) -> list[bytes]:
    """Try the sources in order; store and return what the first good one gives."""
    for sentence in broken:
        log(f"{sentence}; fetching it again")
    tried: list[str] = []
    for source in image_set.sources:
        log(f"fetching {image_set.title} from {source.label}")
        try:
            contents = _from_source(source, image_set.files)
        except SourceFailed as failure:
            log(f"{source.label}: {failure}")
            tried.append(f"{source.label}: {failure}")
            continue
        for file, content in zip(image_set.files, contents, strict=True):
            write_whole(_home(image_set, data_dir) / file.name, content)
        log(f"{image_set.title} is in {_home(image_set, data_dir)}")
        return contents
    raise LazyRegimeError(
        f"{_not_at_hand(image_set, data_dir, broken)}, and it could not be fetched ({'; '.join(tried)}). "
        + _cure(image_set, data_dir, broken)
    )


def _from_source(source: Source, files: tuple[IdxFile, ...]) -> list[bytes]:
    """The files a source gives, each with the right checksum."""
    with tempfile.TemporaryDirectory(prefix="lazyregime-") as folder:
        given = source.fetch(Path(folder))
    for file in files:
        fault = file.fault(given[file.name])
        if fault is not None:
            raise SourceFailed(f"its {file.name} is another: {fault}")
    return [given[file.name] for file in files]


def _home(image_set: ImageSet, data_dir: Path) -> Path:
    return data_dir / image_set.folder / "raw"


def _at_hand(image_set: ImageSet, data_dir: Path) -> tuple[list[bytes] | None, list[str]]:
    """The files that need no fetching, or None if one is missing or broken; and what is broken."""
    folders = [_home(image_set, data_dir), *image_set.system_folders]
    found: list[bytes] = []
    broken: list[str] = []
    for file in image_set.files:
        content, faults = read_checked(file, folders)
        broken += faults
        if content is not None:
            found.append(content)
    return (found if len(found) == len(image_set.files) else None), broken


def _not_at_hand(image_set: ImageSet, data_dir: Path, broken: list[str]) -> str:
    """The first half of a sentence: what is missing or broken."""
    if broken:
        return "; ".join(broken)
    return f"{image_set.title} is not in {_home(image_set, data_dir)}"


def _cure(image_set: ImageSet, data_dir: Path, broken: list[str]) -> str:
    """What to do."""
    names = ", ".join(file.name for file in image_set.files)
    delete = "Delete what is broken and run again with a network" if broken else "Run once with a network"
    return f"{delete}, or put {names} (or the same with .gz) into {_home(image_set, data_dir)}."
