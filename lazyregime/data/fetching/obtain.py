"""The bytes of an image set: files at hand first, then each source in turn; whatever the source, checked before use."""

import logging
from collections.abc import Callable
from os import PathLike
from pathlib import Path

from lazyregime.atomic import atomic_write
from lazyregime.data.fetching.image_set import ImageSet, KnownFile, SourceFailed
from lazyregime.data.fetching.store import only_one, read_checked
from lazyregime.data.fetching.workplace import workplace
from lazyregime.errors import LazyRegimeError
from lazyregime.home import at_home

Log = Callable[[str], None]
_log = logging.getLogger("lazyregime.data").info


def data_folder(data_dir: str | PathLike[str]) -> Path:
    """The folder of data sets, with ~ and ~user as a shell has them.

    Raises:
        LazyRegimeError: If there is no such home.
    """
    try:
        return at_home(data_dir)
    except RuntimeError as error:
        raise LazyRegimeError(f"data_dir={data_dir}: there is no such home folder; give another folder.") from error


def obtain(image_set: ImageSet, data_dir: Path, *, offline: bool, log: Log | None = None) -> list[bytes]:
    """The set's files, in the order of `image_set.files`; what was fetched or rebuilt is kept under `data_dir`.

    Raises:
        LazyRegimeError: If they are not there and cannot be fetched, or `data_dir` cannot be written.
    """
    log = log or _log
    home = data_dir / image_set.folder
    found, faults = _at_hand(image_set, home)
    if found is not None:
        return found
    rebuilt = _from_other_form(image_set, data_dir, faults)
    if rebuilt is None and offline:
        raise LazyRegimeError(f"{'; '.join(faults)}; and offline=True forbids fetching. {_cure(image_set, home)}")
    try:
        return _fill(image_set, home, rebuilt, log)
    except OSError as error:
        place = error.filename2 or error.filename or home
        fault = f"{image_set.title} cannot be kept in {home} ({place}: {error.strerror or error})"
        if rebuilt is None:
            raise LazyRegimeError(f"{fault}. Give a data_dir that is a folder and can be written.") from error
        log(f"{fault}, so it will be rebuilt each time")
        return rebuilt


def _fill(image_set: ImageSet, home: Path, rebuilt: list[bytes] | None, log: Log) -> list[bytes]:
    """What is rebuilt or else fetched, kept in `home` by one process at a time."""
    home.mkdir(parents=True, exist_ok=True)
    with only_one(
        home, waiting=lambda: log(f"waiting for another process, which is fetching {image_set.title}")
    ) as sole:
        found, faults = _at_hand(image_set, home)
        if found is not None:
            return found
        with workplace(home.absolute(), sole=sole) as folder:  # commands run in it, where a relative path is another
            contents = _fetch(image_set, home, folder, faults, log) if rebuilt is None else rebuilt
            for file, content in zip(image_set.files, contents, strict=True):
                atomic_write(home / file.name, content, by_way_of=folder)
        log(f"{image_set.title} is in {home}")
        return contents


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


def _from_other_form(image_set: ImageSet, data_dir: Path, faults: list[str]) -> list[bytes] | None:
    """The files rebuilt from what lies under the data folder, or None, and what is wrong with it among the faults."""
    for form in image_set.other_forms:
        folder = data_dir / form.folder
        try:
            if folder.exists():
                return _checked(form.rebuild(folder), image_set.files)
        except OSError as error:
            faults.append(f"{error.filename or folder} cannot be read ({error.strerror or error})")
        except SourceFailed as failure:
            faults.append(f"{folder} is broken: {failure}")
    return None


def _fetch(image_set: ImageSet, home: Path, folder: Path, faults: list[str], log: Log) -> list[bytes]:
    """What the first good source gives."""
    for fault in faults:
        log(fault)
    tried: list[str] = []
    for number, source in enumerate(image_set.sources):
        log(f"fetching {image_set.title} from {source.label}")
        try:
            (place := folder / str(number)).mkdir()
            return _checked(source.fetch(place), image_set.files)
        except (OSError, SourceFailed) as failure:
            tried.append(f"{source.label}: {failure}")
            log(tried[-1])
    raise LazyRegimeError(f"{'; '.join(faults)}; and fetching failed ({'; '.join(tried)}). {_cure(image_set, home)}")


def _checked(given: dict[str, bytes], files: tuple[KnownFile, ...]) -> list[bytes]:
    """The files given, each with the right checksum."""
    for file in files:
        fault = file.fault(given[file.name])
        if fault is not None:
            raise SourceFailed(f"its {file.name} is another: {fault}")
    return [given[file.name] for file in files]


def _cure(image_set: ImageSet, home: Path) -> str:
    """What to do."""
    names = ", ".join(file.name for file in image_set.files)
    others = "".join(f", or its folder {form.folder} into {home.parent}" for form in image_set.other_forms)
    return (
        f"Run once with a network, or put {names} (as they are or as .gz) into {home}, in the place of any broken "
        f"ones{others}."
    )
