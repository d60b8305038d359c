"""python -m lazyregime.flow: two-layer dynamics as particles, and their mean-field and kernel limits; -m sweeps."""

from collections.abc import Sequence

from lazyregime.interrupt import importing

with importing(__name__):
    from lazyregime.app.door import open_door
    from lazyregime.app.flow.command import FLOW


def main(argv: Sequence[str] | None = None) -> None:
    """The command line; exits with 0, 1 if a run failed, 2 if the command cannot be."""
    open_door(FLOW, argv)


if __name__ == "__main__":
    main()
