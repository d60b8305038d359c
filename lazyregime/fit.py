"""python -m lazyregime.fit: fit kernel machines in closed form over a path of ridges; -m sweeps."""

from collections.abc import Sequence

from lazyregime.interrupt import importing

with importing(__name__):
    from lazyregime.app.door import open_door
    from lazyregime.app.fit.command import FIT


def main(argv: Sequence[str] | None = None) -> None:
    """The command line; exits with 0, 1 if a run failed, 2 if the command cannot be."""
    open_door(FIT, argv)


if __name__ == "__main__":
    main()
