"""What was trained: choices and sizes, the parameterization and the laziness as the network itself has them."""

import math
from collections.abc import Mapping
from typing import Any

from torch import nn

from lazyregime.app.compose.config import ConfigDict
from lazyregime.networks import parameterization_of
from lazyregime.regimes import AbstractRegime, laziness
from lazyregime.runs.kinds import Trained


def trained(config: ConfigDict, *, module: AbstractRegime, n_train: int) -> Trained:
    """Of a run of `train`, by whatever optimizer."""
    network = module.network
    return Trained(
        **{group: config[group]["name"] for group in ("regime", "arch", "loss", "optimizer", "data")},
        width=config["width"] if config["width"] is not None else _width(network),
        alpha=module.alpha,
        laziness=laziness(module.alpha, network),
        parameterization=parameterization_of(network),
        lr=config["lr"],
        n_train=n_train,
        num_params=sum(p.numel() for p in network.parameters()),
    )


def of_classes(measures: Mapping[str, Any]) -> dict[str, Any]:
    """The measures, None for accuracies on real targets (NaN when counted), which are not lost but do not exist."""
    return {
        name: None if name.endswith("accuracy") and isinstance(value, float) and math.isnan(value) else value
        for name, value in measures.items()
    }


def _width(network: nn.Module) -> int | None:
    """That of a network of one's own, if it says it."""
    width = getattr(network, "width", None)
    return width if isinstance(width, int) else None
