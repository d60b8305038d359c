"""The command `train`: a network in a regime, from its configuration to its result, its figure and its table."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

from lazyregime.app.command import AbstractCommand, AbstractWork, Rows
from lazyregime.app.compose.config import ConfigDict, Source
from lazyregime.app.compose.own import is_own
from lazyregime.app.compose.schema import TrainConfig
from lazyregime.errors import LazyRegimeError, in_words, is_of_the_machine
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.identity import TRAINING, Naming

if TYPE_CHECKING:
    from lazyregime.app.compose.job import Job
    from lazyregime.app.console import Console
    from lazyregime.tracking.tracking import Tracking


@final
class TrainCommand(AbstractCommand):
    """`python -m lazyregime.train`."""

    source: ClassVar[Source] = Source("train", TrainConfig, ("arch", "data", "loss", "optimizer", "regime"))
    naming: ClassVar[Naming] = TRAINING
    headlines: ClassVar[tuple[tuple[str, str], ...]] = (("test accuracy", "test_accuracy"), ("test loss", "test_loss"))

    def check(self, config: ConfigDict) -> float:
        """The number of parameters."""
        from lazyregime.app.compose.build import check

        return check(config)

    def demand(self, config: ConfigDict, size: float) -> str:  # noqa: D102
        return f"{size:,.0f} parameters, {_memory(config, size)}"

    def bytes_held(self, config: ConfigDict, size: float) -> float:  # noqa: D102
        return _training_bytes(config, size)

    def start(self, config: ConfigDict, folder: RunFolder, console: "Console", tracking: "Tracking") -> AbstractWork:  # noqa: D102
        if config["optimizer"]["name"] == "gradient_flow":
            from lazyregime.app.train.gradient_flow import FlowTraining

            return FlowTraining(config, folder, console)
        from lazyregime.app.train.training import Training  # torch and Lightning take seconds to import

        return Training(config, folder, console, tracking)

    def compute_together(self, jobs: Sequence["Job"], console: "Console") -> None:  # noqa: D102
        from lazyregime.app.train.together import compute_together, groups

        for group in groups(jobs):
            try:
                compute_together(group, self.draw, console)
            except Exception as error:  # each of them is tried alone after this, and says so in its own folder
                if not (isinstance(error, LazyRegimeError) or is_of_the_machine(error)):
                    raise
                console.error(in_words(error))

    def is_to_go_on(self, result: Mapping[str, Any]) -> bool:
        """Where there was no memory for the last kernel."""
        from lazyregime.app.train.unmeasured import was_short_of_memory

        return was_short_of_memory(result)

    def draw(self, folder: RunFolder, result: Mapping[str, Any]) -> Path:  # noqa: D102
        if result["optimizer"] == "gradient_flow":
            from lazyregime.reports.run_figures.gradient_flow import draw_flow

            return draw_flow(folder.path, result)
        from lazyregime.reports.run_figures.training import draw_run

        return draw_run(folder.path, result)

    def summary(self, result: Mapping[str, Any]) -> Rows:  # noqa: D102
        from lazyregime.measure import metric_rows

        flow = result["optimizer"] == "gradient_flow"
        return [
            *_regression_rows(result),
            *(_flow_rows(result) if flow else [_network_row(result)]),
            *metric_rows(result),
            (_note(result), ""),
        ]

    def explained(self, result: Mapping[str, Any]) -> Sequence[tuple[str, str]]:  # noqa: D102
        from lazyregime.measure.explain import explained

        return explained(result)

    def last_word(self, result: Mapping[str, Any]) -> str:
        """The verdict, with what was seen."""
        if "verdict" not in result:
            if result.get("num_anchors"):
                return "No verdict: the kernel after training could not be measured; the warning above says why."
            return "No verdict: the kernel was not probed (ntk=none)."
        from lazyregime.measure import judge
        from lazyregime.measure.evidence import evidence_of

        return judge(evidence_of(result)).sentence


TRAIN = TrainCommand()


def _regression_rows(result: Mapping[str, Any]) -> Rows:
    """Of the headline's protocol: the accuracy of classes, the squared error of real targets."""
    for name in (f"kernel_accuracy_{result.get('protocol')}", "kernel_risk_adh"):
        ends = [
            (words, result.get(f"{name}_{tag}"))
            for words, tag in (("at initialization", "init"), ("after training", "final"))
        ]
        if any(value is not None for _, value in ends):
            what = ", squared error" if "risk" in name else ""
            return [(f"kernel regression {words}{what}", _number(value, ".4f")) for words, value in ends]
    return []


def _network_row(result: Mapping[str, Any]) -> tuple[str, str]:
    accuracy = result.get("test_accuracy")
    missing = accuracy is None or math.isnan(accuracy)  # NaN when just measured, null in result.json
    which = "loss" if missing else "accuracy"
    return f"network, {which} on the test set", f"{result[f'test_{which}']:.4f}"


def _flow_rows(result: Mapping[str, Any]) -> Rows:
    keys = (
        ("network, accuracy on the test set", "test_accuracy", ".4f"),
        ("training loss at the end", "train_loss", ".3g"),
        ("test loss at the end", "test_loss", ".3g"),
        ("flow time reached", "flow_time", ".4g"),
        ("time until the loss was half", "half_loss_time", ".3g"),
    )
    return [(words, format(result[key], form)) for words, key, form in keys if result.get(key) is not None]


def _note(result: Mapping[str, Any]) -> str:
    """What the numbers above are of."""
    told: list[str] = []
    if result.get("num_anchors"):
        told = [f"{result['num_anchors']} anchors"]
        told += [f"{result['num_test_probe']} test points"] if result.get("num_test_probe") else []
        told += [f"protocol {result['protocol']}"] if result.get("protocol") else []
    if "flow_status" in result:
        told.append(f"{result['flow_status']} after {result['steps']} steps of {result['attempts']} tried")
    return f"({', '.join(told)})" if told else "(no kernel was measured)"


def _number(value: float | None, form: str) -> str:
    return "none" if value is None else format(value, form)


def _training_bytes(config: ConfigDict, num_params: float) -> float:
    copies = 5 if config["regime"]["centred"] else 4  # weights, gradients, two moments of Adam; w0
    return num_params * _number_bytes(config) * copies


def _number_bytes(config: ConfigDict) -> int:
    return 8 if config["trainer"]["precision"] == "float64" else 4


def _memory(config: ConfigDict, num_params: float) -> str:
    text = f"about {_bytes(_training_bytes(config, num_params))} to train"
    if not config["ntk"]["enabled"]:
        return text + ", no kernel probe"
    anchors = config["data"].get("n_kernel") or config["ntk"]["anchors_per_class"] * _num_classes(config)
    test = config["ntk"]["n_test"] or _test_size(config["data"])
    kernel = f"{test:,} x {2 * anchors} test kernel ({_bytes(test * 2 * anchors * _number_bytes(config))})"
    return f"{text}; kernels {anchors} x {anchors}, twice, and a {kernel}"


def _num_classes(config: ConfigDict) -> int:
    """Of which there are anchors; of real targets, in all."""
    outputs: int = config["data"].get("n_outputs") or 1
    return max(2, outputs) if config["loss"]["name"] != "mse" else outputs


def _test_size(data: ConfigDict) -> int:
    if is_own(data):
        from lazyregime.app.compose.own_data import own_data

        return len(own_data(data).test_labels)
    return data.get("n_test") or 10_000  # of the image sets


def _bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
