"""The kinds of fault: each is a function of a few lines that does it to a trial; the same command is given afterwards.

A kind says in its docstring what is done, and where it makes sense: to every command, to those that write runs, or to
trainings with checkpoints.
"""

from collections.abc import Callable
from dataclasses import dataclass

from fault_trial import Trial

CHECKPOINTED = ("train", "train sweep", "gradient flow", "gradient flows together")


@dataclass(frozen=True)
class Kind:
    """One kind of fault."""

    name: str
    what: str
    do: Callable[[Trial], object]
    where: Callable[[str, bool], bool]  # of a scenario's name, and whether it only reads


KINDS: dict[str, Kind] = {}


def fault(*, only: tuple[str, ...] | None = None, writes: bool = False) -> Callable[..., Callable[[Trial], object]]:
    """Register a kind of fault, for some scenarios only or for those that write runs."""

    def register(do: Callable[[Trial], object]) -> Callable[[Trial], object]:
        name = do.__name__.replace("_", " ")

        def suits(scenario: str, only_reads: bool) -> bool:
            return scenario in only if only is not None else not (writes and only_reads)

        KINDS[name] = Kind(name, " ".join((do.__doc__ or "").split()), do, suits)
        return do

    return register
