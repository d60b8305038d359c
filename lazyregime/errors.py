"""What a user did wrong, and what the system refused, in a sentence: what was given, what is allowed, what to do."""

import errno
import re
from collections.abc import Iterator

_FULL = "free some space there, or give another runs_dir or data_dir"
_CLOSED = "give a runs_dir or data_dir that you may write in"
_IN_THE_WAY = "something else has that name; take it away, or give another folder"
_CURES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: "the limit on the size of files (ulimit -f) is too small for it",
    errno.EACCES: _CLOSED,
    errno.EPERM: _CLOSED,
    errno.EROFS: _CLOSED,
    errno.ENOENT: "see that its folder is there and can be written in",
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EISDIR: _IN_THE_WAY,
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTEMPTY: _IN_THE_WAY,
    errno.ELOOP: _IN_THE_WAY,
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.ENFILE: "the machine has too many open files",
    errno.ENAMETOOLONG: "give a shorter name, or a folder with a shorter path",
    errno.ENOMEM: "the machine has too little memory",
}

_THREAD = "can't start new thread"  # of Python


class LazyRegimeError(ValueError):
    """A mistake of the caller's; the doors print its sentence without a traceback."""


def refused_by_the_system(error: OSError) -> LazyRegimeError:
    """An error of the operating system as a sentence: on which file, what, and what to do."""
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    where = f"{' -> '.join(names)}: " if names else ""
    what = error.strerror or str(error) or type(error).__name__
    cure = _CURES.get(error.errno or 0, "see what that says")
    return LazyRegimeError(f"{where}{what}; {cure}, and give the same command again.")


def in_words(error: BaseException) -> str:
    """What went wrong, in a sentence where there is one, else with the type of the error."""
    if isinstance(error, LazyRegimeError):
        return str(error)
    if (why := out_of_memory(error)) is not None:
        return str(why)
    return str(refused_by_the_system(error)) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"


def is_of_the_machine(error: BaseException | None) -> bool:
    """Whether a disk or the memory refused something at the root of it: another day, the same command goes well."""
    return any(isinstance(each, OSError) or is_out_of_memory(each) for each in _causes(error))


def lacks_memory(error: BaseException | None) -> bool:
    """Whether it was the memory."""
    return any(map(is_out_of_memory, _causes(error)))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device or the operating system had no more memory to give to Python, numpy or torch."""
    of_torch = type(error).__name__ == "OutOfMemoryError"  # by its name: torch takes seconds to import
    if isinstance(error, MemoryError) or of_torch:
        return True
    return any(words in str(error) for words in ("allocate memory", _THREAD))


def out_of_memory(error: BaseException) -> LazyRegimeError | None:
    """The sentence for an allocation that failed; None for another error."""
    if not is_out_of_memory(error):
        return None
    if _THREAD in str(error):
        return LazyRegimeError(
            "the system gives no further thread; raise the limit on memory (ulimit -v) or processes (ulimit -u), or "
            "set OMP_NUM_THREADS=1, and give the command again."
        )
    asked = re.search(r"allocate (\d+) bytes|allocate ([\d.]+ [KMGT]iB)", str(error))
    how_much = "" if asked is None else f" ({asked[2] or f'{int(asked[1]) / 1e9:.3g} GB'} were asked for at once)"
    return LazyRegimeError(
        f"out of memory{how_much}; set a smaller memory_budget, batch, probe (ntk.n_test, ntk.anchors_per_class), "
        "width or number of samples, or take a larger machine, and give the command again."
    )
