"""What each kind of run says beside what every run says: a training, a gradient flow, a fit, a two-layer flow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lazyregime.errors import LazyRegimeError
from lazyregime.runs.result import Result, from_flat


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What was trained: `alpha` is that of the regime, `laziness` in mean-field units, None where it is not known."""

    regime: str
    arch: str
    loss: str
    optimizer: str
    data: str
    width: int | None = None
    alpha: float | None = None
    laziness: float | None = None
    parameterization: str | None = None
    lr: float | None = None
    n_train: int | None = None
    num_params: int | None = None


@dataclass(frozen=True, kw_only=True)
class TrainResult(Result):
    """A network trained step by step."""

    trained: Trained
    epochs: int | None = None
    steps: int | None = None
    selected_on: str | None = None  # the data by which the weights were chosen that were measured
    selected_epoch: int | None = None
    diverged_at: int | None = None  # the step before which the loss was above trainer.diverged_above times the first
    seconds_training: float | None = None
    seconds_probe: float | None = None


@dataclass(frozen=True, kw_only=True)
class GradientFlowResult(Result):
    """A network, or a frozen kernel, under gradient flow."""

    trained: Trained
    flow_status: str
    flow_time: float
    steps: int
    attempts: int
    flows_together: int | None = None
    seconds_training: float | None = None


@dataclass(frozen=True, kw_only=True)
class FitResult(Result):
    """A machine in closed form."""

    machine: str
    data: str
    coding: str | None = None
    intercept: bool | None = None
    width: int | None = None
    n_train: int | None = None
    ridge: float | None = None
    chosen_by: str | None = None
    form: str | None = None
    method: str | None = None
    seconds_fit: float | None = None


@dataclass(frozen=True, kw_only=True)
class FlowResult(Result):
    """The particles of two-layer networks, and their limits."""

    target: str
    init: str
    integrator: str
    scaling: str
    widths: tuple[int, ...]
    width: int
    activation: str
    trained: str
    num_seeds: int
    in_features: int
    n_samples: int
    end_time: float


def result_of(content: Mapping[str, Any]) -> Result:
    """The result that a file holds.

    Raises:
        LazyRegimeError: If it holds none, saying what is wrong.
    """
    if content.get("status") != "complete":
        raise LazyRegimeError(f"its status is {content.get('status')!r}, not 'complete'")
    kinds: dict[Any, type[Result]] = {"fit": FitResult, "flow": FlowResult, "train": TrainResult}
    command = content.get("command", "train")  # the first results did not say it
    if not isinstance(command, str) or command not in kinds:
        raise LazyRegimeError(f"its command is {command!r}, not one of {', '.join(kinds)}")
    kind = GradientFlowResult if command == "train" and "flow_status" in content else kinds[command]
    return from_flat(kind, {**content, "command": command})
