"""kernels.safetensors: what a run keeps of a probe, and metrics that are computed from it long after.

Kernels and eigenvalues are `gram_TAG` (anchors), `held_out_TAG` and `spectrum_TAG`; for each test point
`right_PROTOCOL_TAG` says whether the regression was right (of real targets, `squared_error_PROTOCOL_TAG`); class
numbers are `anchor_labels` and `held_out_labels`, real targets `anchor_targets` and `held_out_targets`.
"""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import spectrum
from lazyregime.measure.found import Found
from lazyregime.measure.measuring import Warn, measured, suffixed
from lazyregime.measure.metric import Moment
from lazyregime.measure.points import Points


def tensors_of(points: Points, found: Mapping[str, Found]) -> dict[str, Tensor]:
    """The tensors by name."""
    kind = "targets" if points.num_classes is None else "labels"
    kept = {
        f"anchor_{kind}": points.anchor_labels.cpu().clone(),  # a file has no tensors that share memory
        f"held_out_{kind}": points.held_out_labels.cpu().clone(),
    }
    for tag, each in found.items():
        gram = each.grams.get("adh")
        if gram is not None:
            kept[f"gram_{tag}"] = gram.double().contiguous()
            with contextlib.suppress(LazyRegimeError):  # the effective rank has told of it
                kept[f"spectrum_{tag}"] = spectrum(gram).double().contiguous()
        if each.held_out is not None:
            kept[f"held_out_{tag}"] = each.held_out.double().contiguous()
        for protocol, points_right in each.per_point.items():
            name = "right" if points_right.dtype == torch.bool else "squared_error"
            kept[f"{name}_{protocol}_{tag}"] = points_right.clone()
    return kept


def recompute(folder: str | Path, warn: Warn | None = None) -> dict[str, Any]:
    """Every metric that the kernels of a complete run tell, under the names of its result.

    Args:
        folder: The run's.
        warn: Told of a metric that has no value there.

    Raises:
        LazyRegimeError: If the file cannot be read.
    """
    path = Path(folder) / "kernels.safetensors"
    if not path.is_file():
        return {}
    try:
        kept = load_file(path)
    except (OSError, SafetensorError) as error:
        raise LazyRegimeError(
            f"{path} cannot be read ({error}); give the run's command again with rerun=true."
        ) from error
    return metrics_of(kept, warn or _ignore)


def metrics_of(kept: Mapping[str, Tensor], warn: Warn) -> dict[str, Any]:
    """The same, of tensors by name."""
    if "gram_init" not in kept or "gram_final" not in kept:
        return {}
    first, last = _moment(kept, "init"), _moment(kept, "final")
    before, after = measured(first, None, "init", warn), measured(last, first, "final", warn)
    return suffixed(before.of_moment, "init") | suffixed(after.of_moment, "final") | after.moved


def _moment(kept: Mapping[str, Tensor], tag: str) -> Moment:
    def labels(which: str) -> Tensor | None:
        return kept.get(f"{which}_labels", kept.get(f"{which}_targets"))

    return Moment(
        gram=kept[f"gram_{tag}"],
        labels=labels("anchor"),
        held_out=kept.get(f"held_out_{tag}"),
        held_out_labels=labels("held_out"),
    )


def _ignore(sentence: str) -> None:
    del sentence
