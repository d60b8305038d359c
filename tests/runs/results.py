"""Results to test with."""

from typing import Any

from lazyregime.runs.kinds import FitResult, FlowResult, GradientFlowResult, Trained, TrainResult
from lazyregime.runs.result import Computed, Seeds, Which

TIME = "2026-11-27T12:00:00+00:00"
TRAINED = Trained(regime="lazy", arch="mlp", loss="mse", optimizer="sgd", data="sphere", width=8, laziness=None)


def head(command: str) -> dict[str, Any]:
    """What every result has."""
    return {
        "which": Which(command=command, name="lazy-mlp-w8-s0", id="12345678", group="group"),
        "seeds": Seeds(seed=0, init_seed=1, data_seed=2),
        "computed": Computed(
            seconds=1.5, host="h", device="cpu", num_threads=1, started=TIME, finished=TIME, versions={"torch": "2"}
        ),
    }


def train_result(**measures: Any) -> TrainResult:
    """Of a training."""
    return TrainResult(**head("train"), trained=TRAINED, epochs=3, measures=measures)


def all_kinds() -> list[Any]:
    """One of each."""
    flow = {"target": "teacher", "init": "gaussian", "integrator": "adaptive", "scaling": "both", "activation": "tanh"}
    sizes = {"num_seeds": 2, "in_features": 3, "n_samples": 4, "end_time": 1.5, "width": 8, "widths": (4, 8)}
    return [
        train_result(test_accuracy=0.1 + 0.2, verdict="lazy", none=None),
        GradientFlowResult(
            **head("train"),
            trained=TRAINED,
            steps=3,
            attempts=4,
            flow_status="fitted",
            flow_time=1.0,
            measures={"a": 1},
        ),
        FitResult(**head("fit"), machine="rf", data="sphere", ridge=0.1, measures={"population": True}),
        FlowResult(**head("flow"), **flow, **sizes, trained="both", measures={"ntk_risk": 0.5}, warnings=("slow",)),
    ]
