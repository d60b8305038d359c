"""The kernel matrices of a run before and after training: in one order, in one unit, on one scale of colours."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lazyregime.reports.reading.files import read_kernels

ENDS = {"init": "before", "final": "after"}
WIDEST = 600  # pixels of a picture


@dataclass(frozen=True)
class Grams:
    """Both matrices by class, in units of their mean diagonal; `low` and `high` bound the scale."""

    before: np.ndarray
    after: np.ndarray
    labels: np.ndarray
    low: float
    high: float


def ordered_grams(kernels: Mapping[str, np.ndarray]) -> Grams:
    """Of kernels.safetensors, with `gram_init` and `gram_final` in it."""
    labels = kernels.get("anchor_labels", np.zeros(len(kernels["gram_init"])))
    order = np.argsort(labels, kind="stable")
    grams = [kernels[name][np.ix_(order, order)] for name in ("gram_init", "gram_final")]
    before, after = [gram * (len(gram) / np.trace(gram)) for gram in grams]
    apart = ~np.eye(len(order), dtype=bool)
    low, high = np.percentile(np.concatenate([gram[apart] for gram in (before, after)]), [0.5, 99.5])
    return Grams(before, after, labels[order], float(low), float(high))


def gram_pictures(folder: Path) -> dict[str, np.ndarray]:
    """`kernel/gram_init` and `kernel/gram_final`, (n, n, 3) of uint8; none where a run has no such kernels."""
    from matplotlib import colormaps

    kernels = read_kernels(folder / "kernels.safetensors", ("gram_init", "gram_final", "anchor_labels"))
    if not {"gram_init", "gram_final"} <= set(kernels) or len(kernels["gram_init"]) < 2:
        return {}
    grams = ordered_grams(kernels)
    stride = -(-len(grams.before) // WIDEST)
    return {
        f"kernel/gram_{end}": colormaps["magma"](
            (gram[::stride, ::stride] - grams.low) / (grams.high - grams.low or 1.0), bytes=True
        )[..., :3]
        for end, gram in (("init", grams.before), ("final", grams.after))
    }


def spectra_table(folder: Path) -> tuple[list[str], list[list[float | int | None]]]:
    """Columns and rows: the rank of an eigenvalue, and its share of the trace at both ends."""
    kernels = read_kernels(folder / "kernels.safetensors", [f"spectrum_{end}" for end in ENDS])
    spectra = {end: kernels.get(f"spectrum_{end}") for end in ENDS}
    there = {end: values / values.sum() for end, values in spectra.items() if values is not None and len(values)}
    many = max(map(len, there.values()), default=0)
    rows: list[list[float | int | None]] = [
        [rank + 1, *(float(values[rank]) if rank < len(values) else None for values in there.values())]
        for rank in range(many)
    ]
    return ["rank", *(f"{end}" for end in there)], rows
