"""Sizes are whole numbers of at least one."""

from lazyregime.errors import LazyRegimeError


def check_sizes(**sizes: int) -> None:
    """Refuse a size that is not a positive whole number, by its name.

    Raises:
        LazyRegimeError: For the first such size.
    """
    for name, size in sizes.items():
        if size < 1:
            raise LazyRegimeError(f"{name}={size} is not possible; it must be a whole number of at least 1.")
