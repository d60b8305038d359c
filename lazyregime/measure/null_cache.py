"""Where nulls are kept: one small file for each architecture and set of points, whatever the seeds of the runs.

Its name says what it is of: the weights that the seeds of a null draw and what those networks make of some points, so
that changed code, another width or other data are another null.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from lazyregime.atomic import atomic_write
from lazyregime.data import as_inputs
from lazyregime.measure.points import Points

FORMAT = 1


@final
@dataclass(frozen=True)
class NullCache:
    """One file in a folder; what is not whole there is as if it were missing."""

    folder: Path
    digest: str

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / f"{self.digest}.json"

    def read(self, names: Sequence[str]) -> dict[str, Any] | None:
        """The numbers of these names that were kept; None if they were not, or not by this version."""
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            numbers = {name: content[name] for name in names}
            whole = content["format"] == FORMAT and all(math.isfinite(number) for number in numbers.values())
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return numbers if whole else None

    def write(self, content: dict[str, Any]) -> None:
        """Keep it."""
        atomic_write(self.path, json.dumps({"format": FORMAT, **content}) + "\n")


def inputs_for(network: nn.Module, points: Points) -> Shaped[Tensor, "n *d"]:
    """Anchors and held-out points, where and as the network takes them."""
    weight = next(network.parameters())
    return as_inputs(torch.cat([points.anchors, points.held_out]), weight.device, weight.dtype)


def digest_of(networks: Sequence[nn.Module], points: Points) -> str:
    """Of the networks' structure, weights and outputs, and of the points."""
    digest = hashlib.sha256(f"null {FORMAT}".encode())
    for network in networks:
        digest.update(repr(network).encode())
        with torch.no_grad():
            outputs = network(inputs_for(network, points)[:4])
        for tensor in (*network.parameters(), *network.buffers(), outputs):
            digest.update(_bytes(tensor))
    for tensor in (points.anchors, points.anchor_labels, points.held_out, points.held_out_labels):
        digest.update(_bytes(tensor))
    return digest.hexdigest()[:32]


def _bytes(tensor: Tensor) -> bytes:
    content = tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
    return f"{tensor.dtype} {tuple(tensor.shape)}".encode() + content
