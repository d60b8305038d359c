"""The fraction of ReLUs that are on where they were on at w0, and off where they were off, over all units and points.

All together and of each layer: the "activation stability" of [COB19]. Of each max-pool beside them, as `pool1` and so
on, the fraction whose largest pixel is where it was at w0; the fraction of all is of ReLUs alone.
"""

from collections.abc import Iterator, Sequence

import torch

from lazyregime.measure.gates import Gate, unchanged_fraction
from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> dict[str, float] | None:  # noqa: D103
    if now.gates is None or first is None or first.gates is None:
        return None
    after, before = now.gates(), first.gates()
    relus = [(a, b) for a, b in zip(after, before, strict=True) if not _is_pool(a)]
    pools = [(a, b) for a, b in zip(after, before, strict=True) if _is_pool(a)]
    all_relus = unchanged_fraction([a for a, _ in relus], [b for _, b in relus])
    return {"": all_relus, **dict(_each("layer", relus)), **dict(_each("pool", pools))}


def _is_pool(gate: Gate) -> bool:
    return gate.dtype != torch.bool


def _each(kind: str, pairs: Sequence[tuple[Gate, Gate]]) -> Iterator[tuple[str, float]]:
    for i, (a, b) in enumerate(pairs):
        yield f"{kind}{i + 1}", unchanged_fraction([a], [b])


METRIC = Metric("relu_unchanged", "ReLUs unchanged since initialization", ".4f", "movement", compute, order=40)
