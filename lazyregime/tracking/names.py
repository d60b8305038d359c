"""What a quantity is called where runs are watched: train_loss is train/loss, so that what belongs together stands so.

metrics.csv and result.json keep their names; wandb and TensorBoard group by what stands before the slash.
"""

from collections.abc import Mapping
from typing import Any

SPACES = ("train", "test", "validation", "kernel", "feature", "frozen_gates", "mean_field", "ntk")
OF_THE_KERNEL = ("effective_rank", "condition_number", "jitter")  # without saying so
APART = "/"  # within a name; wandb's filters know no key with a dot


def tracked_name(name: str) -> str:
    """`train/loss` for `train_loss`; a name of no known space stays as it is."""
    for space in SPACES:
        if name.startswith(f"{space}_"):
            return f"{space}{APART}{name.removeprefix(f'{space}_')}"
    return f"kernel{APART}{name}" if name.startswith(OF_THE_KERNEL) else name


def tracked_names(row: Mapping[str, Any]) -> dict[str, Any]:
    """The same values under those names."""
    return {tracked_name(name): value for name, value in row.items()}


def flat(config: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """{"optimizer": {"lr": 1}} as {"optimizer/lr": 1}; what is null is left out."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{above}{key}{APART}")
        elif value is not None:
            found[f"{above}{key}"] = list(value) if isinstance(value, tuple) else value
    return found
