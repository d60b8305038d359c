"""What a report says, before it is a page, a file of Markdown, or LaTeX."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lazyregime.reports.pages.table import Table

INTRODUCTION = (
    "A neural network can learn in two ways. It is lazy if its weights hardly move and it acts as a kernel machine "
    "whose kernel, the neural tangent kernel (NTK), stays as it was at initialization. It learns features if the "
    "kernel turns towards the task. The runs below train networks in either way and measure the kernel before and "
    "after, so that one sees which of the two happened, and what it was worth in accuracy.",
    "± is the standard error over seeds: runs that differ in nothing but their random numbers are one row. Kernel "
    "accuracy is what regression with the network's kernel alone reaches. Kernel change is how far the kernel moved, "
    "in units of its own norm; the angle by which it turned stands beside that between two networks that were merely "
    "drawn anew and have learned nothing. Width is the size of the network, and α the scale of its "
    "output: the larger α, the lazier. Regular is ordinary training; lazy trains the linearization, whose kernel is "
    "frozen; feature and scaled train the network with α = 1/√width and with an α of one's choice.",
)


@dataclass(frozen=True)
class Picture:
    """A figure on disk with the sentence under it."""

    path: Path
    caption: str


@dataclass(frozen=True)
class Document:
    """The whole report, in the order in which it is read."""

    title: str
    lead: str
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
    commands: Sequence[str] = field(default=())  # what is missing here, and makes it
    introduction: Sequence[str] = INTRODUCTION
