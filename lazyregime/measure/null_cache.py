"""Where nulls are kept: one small file for each architecture and set of points, whatever the seeds of the runs.

Its name says what it is of: the weights that the seeds of a null draw and what those networks make of some points, so
that changed code, another width or other data are another null.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from lazyregime.atomic import atomic_write
from lazyregime.data import as_inputs
from lazyregime.measure.points import Points
from lazyregime.runs.checksums import checksum_of_object

FORMAT = 2


@final
@dataclass(frozen=True)
class NullCache:
    """One file in a folder; what is not what was written there is as if it were missing."""

    folder: Path
    digest: str

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / f"{self.digest}.json"

    def read(self, names: Sequence[str]) -> dict[str, Any] | None:
        """The numbers of these names that were kept; None if they were not, or not by this version."""
        if not self.path.is_file():  # from a pipe nothing would ever come
            return None
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            whole = content.pop("sha256") == self._checksum(content)
            numbers = {name: content[name] for name in names}
            whole = whole and all(math.isfinite(number) for number in numbers.values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        return numbers if whole else None

    def write(self, content: dict[str, Any]) -> None:
        """Keep it, where all of it are numbers."""
        if all(value is not None and math.isfinite(value) for value in content.values()):
            atomic_write(self.path, json.dumps({**content, "sha256": self._checksum(content)}) + "\n")

    def _checksum(self, content: Mapping[str, Any]) -> str:
        """Of the numbers and of what they are of, so that a file under another's name is none."""
        return checksum_of_object({**content, "of": self.digest})


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
