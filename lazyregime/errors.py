"""What a user did wrong, and what the system refused, in a sentence: what was given, what is allowed, what to do."""

import errno
import re

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


class LazyRegimeError(ValueError):
    """A mistake of the caller's; the doors print its sentence without a traceback."""


def refused_by_the_system(error: OSError) -> LazyRegimeError:
    """An error of the operating system as a sentence: on which file, what, and what to do."""
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    where = f"{' -> '.join(names)}: " if names else ""
    what = error.strerror or str(error) or type(error).__name__
    cure = _CURES.get(error.errno or 0, "see what that says")
    return LazyRegimeError(f"{where}{what}; {cure}, and give the same command again.")


def is_of_the_system(error: BaseException | None) -> bool:
    """Whether the operating system refused something at the root of it: another day, the same command goes well."""
    while error is not None:
        if isinstance(error, OSError):
            return True
        error = error.__cause__
    return False


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device or the operating system had no more memory to give to Python, numpy or torch."""
    of_torch = type(error).__name__ == "OutOfMemoryError"  # by its name: torch takes seconds to import
    return isinstance(error, MemoryError) or of_torch or "allocate memory" in str(error)


def out_of_memory(error: BaseException) -> LazyRegimeError | None:
    """The sentence for an allocation that failed; None for another error."""
    if not is_out_of_memory(error):
        return None
    asked = re.search(r"allocate (\d+) bytes|allocate ([\d.]+ [KMGT]iB)", str(error))
    how_much = "" if asked is None else f" ({asked[2] or f'{int(asked[1]) / 1e9:.3g} GB'} were asked for at once)"
    return LazyRegimeError(
        f"out of memory{how_much}; set a smaller memory_budget, batch, probe (ntk.n_test, ntk.anchors_per_class), "
        "width or number of samples, or take a larger machine, and give the command again."
    )
