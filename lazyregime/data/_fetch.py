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
    home = data_dir / image_set.folder / "raw"
    found, faults = _at_hand(image_set, home)
    if found is not None:
        return found
    if offline:
        raise LazyRegimeError(f"{'; '.join(faults)}; and offline=True forbids fetching. {_cure(image_set, home)}")
    try:
        home.mkdir(parents=True, exist_ok=True)
        with only_one(home, waiting=lambda: log(f"waiting for another process, which is fetching {image_set.title}")):
            found, faults = _at_hand(image_set, home)
            return _fetch(image_set, home, faults, log) if found is None else found
    except OSError as error:
        raise LazyRegimeError(
            f"{image_set.title} cannot be kept in {home} ({error.strerror}). Give a data_dir that can be written."
        ) from error


def _at_hand(image_set: ImageSet, home: Path) -> tuple[list[bytes] | None, list[str]]:
    """The files that need no fetching, or else None and what is missing or broken."""
    found: list[bytes] = []
    missing: list[str] = []
    faults: list[str] = []
    for file in image_set.files:
        content, broken = read_checked(file, [home, *image_set.system_folders])
        if content is not None:
            found.append(content)
        elif broken:
            faults += broken
        else:
            missing.append(file.name)
    if len(found) == len(image_set.files):
        return found, []
    if missing:
        what = image_set.title if len(missing) == len(image_set.files) else f"{image_set.title}'s {', '.join(missing)}"
        faults.append(f"{what} {'is' if what == image_set.title or len(missing) == 1 else 'are'} not in {home}")
    return None, faults


def _fetch(image_set: ImageSet, home: Path, faults: list[str], log: Log) -> list[bytes]:
    """Try the sources in order; keep and return what the first good one gives."""
    for fault in faults:
        log(fault)
    tried: list[str] = []
    for source in image_set.sources:
        log(f"fetching {image_set.title} from {source.label}")
        try:
            contents = _from_source(source, image_set.files)
        except SourceFailed as failure:
            tried.append(f"{source.label}: {failure}")
            log(tried[-1])
            continue
        for file, content in zip(image_set.files, contents, strict=True):
            write_whole(home / file.name, content)
        log(f"{image_set.title} is in {home}")
        return contents
    raise LazyRegimeError(f"{'; '.join(faults)}; and fetching failed ({'; '.join(tried)}). {_cure(image_set, home)}")


def _from_source(source: Source, files: tuple[IdxFile, ...]) -> list[bytes]:
    """The files a source gives, each with the right checksum."""
    try:
        with tempfile.TemporaryDirectory(prefix="lazyregime-") as folder:
            given = source.fetch(Path(folder))
    except OSError as error:
        raise SourceFailed(str(error)) from error
    for file in files:
        fault = file.fault(given[file.name])
        if fault is not None:
            raise SourceFailed(f"its {file.name} is another: {fault}")
    return [given[file.name] for file in files]


def _cure(image_set: ImageSet, home: Path) -> str:
    """What to do."""
    names = ", ".join(file.name for file in image_set.files)
    return (
        f"Run once with a network, or put {names} (as they are or as .gz) into {home}, in the place of any broken ones."
    )
