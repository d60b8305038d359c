"""The accuracy of the trained weights behind the gates of w0: alpha (f with its gates frozen - f0) [COB19]."""

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from lazyregime.measure.gates import gates_of, has_gates, with_frozen_gates
from lazyregime.regimes import AbstractRegime
from lazyregime.regimes.losses import Labels, num_correct

CHUNK = 500  # points whose gates are held at once


@torch.no_grad()
def frozen_gates_accuracy(
    module: AbstractRegime, initial: nn.Module, x: Shaped[Tensor, "n *d"], labels: Labels
) -> float | None:
    """Of a trained module and its network at w0; None without gates, for a tangent model, and for real targets.

    Args:
        module: After its training.
        initial: Its network at w0, on the same device.
        x: The points.
        labels: Of those.
    """
    if module.linearized or not has_gates(module.network) or labels.is_floating_point():
        return None
    correct = 0.0
    for points, right in zip(x.split(CHUNK), labels.split(CHUNK), strict=True):
        f0: list[Tensor] = []
        gates = gates_of(initial, lambda points=points, f0=f0: f0.append(initial(points)))
        frozen = with_frozen_gates(module.network, gates, points)
        correct += float(num_correct(frozen - f0[0] if module.centred else frozen, right))
    return correct / len(labels)
