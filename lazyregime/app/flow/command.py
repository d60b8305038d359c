"""The command `flow`: two-layer particles under both scalings, from its configuration to its figure and its table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

from lazyregime.app.command import AbstractCommand, AbstractWork, Rows
from lazyregime.app.compose.config import ConfigDict, Source
from lazyregime.app.flow.schema import FlowConfig
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.identity import Naming

if TYPE_CHECKING:
    from lazyregime.app.console import Console
    from lazyregime.tracking.tracking import Tracking

ROWS = (
    ("risk at the end", "risk"),
    ("kernel moved by  |K_T - K_0| / |K_0|", "kernel_change"),
    ("particles moved by (rms)", "displacement"),
    ("off the frozen kernel's flow by", "frozen_gap"),
)


@final
class FlowCommand(AbstractCommand):
    """`python -m lazyregime.flow`."""

    source: ClassVar[Source] = Source("flow", FlowConfig, ("target", "init", "integrator", "scaling"))
    naming: ClassVar[Naming] = Naming(
        always=(("target.name", "{}"), ("activation", "{}"), ("init.name", "{}")),
        ordinary=(
            ("integrator.name", (None, "adaptive"), "{}"),
            ("in_features", (10,), "d{}"),
            ("n_samples", (100,), "n{}"),
            ("target.num_neurons", (None, 1, 3), "m{}"),
        ),
    )
    headlines: ClassVar[tuple[tuple[str, str], ...]] = (("mean-field risk", "mean_field_risk"),)

    def check(self, config: ConfigDict) -> float:
        """The preactivations of the widest cloud, all seeds together."""
        from lazyregime.app.flow.build import check

        return check(config)

    def demand(self, config: ConfigDict, size: float) -> str:  # noqa: D102
        return f"{config['num_seeds']} x {max(config['widths'])} particles, {8 * size / 1e6:,.0f} MB of preactivations"

    def start(self, config: ConfigDict, folder: RunFolder, console: "Console", tracking: "Tracking") -> AbstractWork:  # noqa: D102
        from lazyregime.app.flow.work import Flowing

        return Flowing(config, folder, console)

    def draw(self, folder: RunFolder, result: Mapping[str, Any]) -> Path:  # noqa: D102
        from lazyregime.reports.run_figures.two_layer import draw_flow

        return draw_flow(folder.path, result)

    def summary(self, result: Mapping[str, Any]) -> Rows:  # noqa: D102
        rows: list[tuple[str, str]] = []
        for scaling, words in (("mean_field", "α = 1"), ("ntk", "α = √N")):
            for text, key in ROWS:
                if (value := result.get(f"{scaling}_{key}")) is not None:
                    slope = result.get(f"{scaling}_{key}_slope")
                    told = f"{value:.3g}" if slope is None else f"{value:.3g}  ~ N^{slope:.2f}"
                    rows.append((f"{words}: {text}", told))
        worst = max((v for k, v in result.items() if k.startswith("error_")), default=None)
        if worst is not None:
            rows.append(("largest error of what must hold exactly", f"{worst:.1e}"))
        slopes = "; slopes over all widths" if any(key.endswith("_slope") for key in result) else ""
        return [*rows, (f"(N = {result['width']}, mean over {result['num_seeds']} seeds{slopes})", "")]

    def explained(self, result: Mapping[str, Any]) -> Sequence[tuple[str, str]]:  # noqa: D102
        worst = any(key.startswith("error_") for key in result)
        return _EXPLAINED if worst else _EXPLAINED[:-1]

    def last_word(self, result: Mapping[str, Any]) -> str:
        """Which of the two moved its kernel."""
        moved = {s: result.get(f"{s}_kernel_change") for s in ("mean_field", "ntk")}
        if moved["mean_field"] is None or moved["ntk"] is None:
            return f"Verdict: the kernel moved by {next(v for v in moved.values() if v is not None):.3g} of its norm."
        return (
            f"Verdict: at N = {result['width']} the kernel moved by {moved['mean_field']:.3g} of its norm at α = 1 "
            f"and by {moved['ntk']:.3g} at α = √N."
        )


_EXPLAINED = (
    ("α = 1, α = √N", "The output of the network is alpha / N times the sum over its N units. At alpha = 1 each unit "
     "moves by a fixed distance however many there are (the mean-field scaling), and the kernel with them; at "
     "alpha = sqrt(N) each moves by 1 / sqrt(N) (the NTK scaling), and the kernel stays as N grows."),
    ("~ N^slope", "The slope of the quantity over the widths, both on logarithmic axes: what the theory predicts is in "
     "docs/two_layer.md."),
    ("what must hold exactly", "Identities of the flow that no discretization may break, such as the balance of the "
     "two layers and the decrease of the loss: their error is that of the integrator."),
)  # fmt: skip

FLOW = FlowCommand()
