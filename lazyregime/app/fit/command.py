"""The command `fit`: a kernel machine in closed form, from its configuration to its result and its figure."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

from lazyregime.app.command import AbstractCommand, AbstractWork, Rows
from lazyregime.app.compose.config import ConfigDict, Source
from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.compose.own import SOURCES
from lazyregime.app.fit.schema import FitConfig
from lazyregime.home import at_home
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.identity import Naming
from lazyregime.runs.status import Status

if TYPE_CHECKING:
    from lazyregime.app.console import Console
    from lazyregime.tracking.tracking import Tracking

FITTING = Naming(
    always=(("machine.name", "{}"), ("machine.num_features", "w{}")),
    ordinary=(
        ("data.name", (None, "mnist"), "{}"),
        ("data.dimension", (None,), "d{}"),
        ("data.tau", (None, 0), "tau{}"),
        ("data.kappa", (None, 0), "kappa{}"),
        ("population", (None, False), "population"),
        ("data.n_train", (None,), "n{}"),
        ("machine.activation", (None, "relu"), "{}"),
        ("machine.shift", (None, 0), "shift{}"),
        ("machine.depth", (None, 3), "depth{}"),
        ("machine.at", (None,), "{}"),
    ),
)
CODINGS = ("one_hot", "0.9/-0.1")
_WORDS = {
    "validation": "on held-out samples",
    "leave_one_out": "by leave-one-out",
    "test": "on the test set",
    "given": "as given",
}


@final
class FitCommand(AbstractCommand):
    """`python -m lazyregime.fit`."""

    source: ClassVar[Source] = Source("fit", FitConfig, ("data", "machine"))
    naming: ClassVar[Naming] = FITTING
    headlines: ClassVar[tuple[tuple[str, str], ...]] = (("test risk", "test_risk"),)

    def complete(self, config: ConfigDict) -> ConfigDict:
        """Also the digest of the network that a kernel is of, so that another checkpoint is another fit."""
        from lazyregime.app.trained import digest_of_network
        from lazyregime.runs.folder import RunFolder

        config, machine = super().complete(config), config["machine"]
        if not machine.get("run"):
            return config
        run, at = at_home(machine["run"]), machine["at"]
        digest = digest_of_network(run, at)
        status = RunFolder.at(run).status()
        if at != "init" and status != Status.complete and not machine["unfinished"]:
            raise ConfigError(
                f"{run} is {status}, and its network not the one that it will end with; finish it by its own command, "
                "or take it as it is with machine.unfinished=true."
            )
        return {**config, SOURCES: {**config.get(SOURCES, {}), "network": digest}}

    def check(self, config: ConfigDict) -> float:
        """The number of training samples; the machine is built, as it is small before it is fitted."""
        from lazyregime.app.compose.build import build, check_data
        from lazyregime.app.fit.fitting import machine_of
        from lazyregime.app.fit.population import check_population
        from lazyregime.app.fit.possible import ALL, check_possible

        ridges = config["ridges"]
        if not ridges or any(not 0 <= r < float("inf") for r in ridges):
            raise ConfigError(f"ridges={ridges} is not possible; give one or more finite numbers >= 0.")
        if config["coding"] not in CODINGS:
            raise ConfigError(
                f"coding={config['coding']} is not known here; choose {' or '.join(CODINGS)} (intercept=true centres)."
            )
        for key in ("max_basis", "memory_budget"):
            if config[key] is not None and config[key] < 1:
                raise ConfigError(f"{key}={config[key]} is not possible; it must be at least 1.")
        if config["tolerance"] is not None and not 0 < config["tolerance"] < 1:
            raise ConfigError(f"tolerance={config['tolerance']} is not possible; it must lie between 0 and 1.")
        if config["population"]:
            check_population(config)
        check_data(config)
        data, machine = config["data"], config["machine"]["name"]
        if data.get("one_hot") is False and machine != "empirical_ntk":
            raise ConfigError(
                f"data={data['name']} are sequences of tokens, of which machine={machine} has no kernel; set "
                "data.one_hot=true, or use machine=empirical_ntk of a trained network."
            )
        kernel = build(config["machine"], "machine")
        machine_of(config, kernel)
        check_possible(config, kernel)
        return float(config["data"].get("n_train") or ALL)

    def demand(self, config: ConfigDict, size: float) -> str:  # noqa: D102
        return f"{size:,.0f} samples; their kernel would take {8e-9 * size**2:.2g} GB"

    def start(self, config: ConfigDict, folder: RunFolder, console: "Console", tracking: "Tracking") -> AbstractWork:  # noqa: D102
        from lazyregime.app.fit.fitting import Fitting
        from lazyregime.app.fit.population import PopulationFitting

        return (PopulationFitting if config["population"] else Fitting)(config, folder, console)

    def draw(self, folder: RunFolder, result: Mapping[str, Any]) -> Path:  # noqa: D102
        from lazyregime.reports.run_figures.fit import draw_fit

        return draw_fit(folder.path, result)

    def summary(self, result: Mapping[str, Any]) -> Rows:  # noqa: D102
        rows = [("risk on the test set, over that of zero", f"{result['test_risk']:.4f}")]
        if "test_accuracy" in result:
            rows.append(("accuracy on the test set", f"{result['test_accuracy']:.4f}"))
        if "train_risk" in result:
            rows.append(("risk on the training set", f"{result['train_risk']:.4g}"))
        rows.append(("ridge", f"{result['ridge']:.3g}"))
        if result.get("jitter"):
            rows.append(("added to it, since the kernel is singular there", f"{result['jitter']:.3g}"))
        return rows

    def explained(self, result: Mapping[str, Any]) -> Sequence[tuple[str, str]]:  # noqa: D102
        return [(what, told) for key, what, told in _EXPLAINED if result.get(key)]

    def last_word(self, result: Mapping[str, Any]) -> str:  # noqa: D102
        how = _WORDS[result["chosen_by"]]
        if result.get("population"):
            return f"Ridge {result['ridge']:.3g}, {how}; fitted on infinitely many samples, exactly."
        return (
            f"Ridge {result['ridge']:.3g}, chosen {how}; solved in the {result['form']} by {result['method']}, "
            f"residual {result['residual']:.1e}."
        )


_EXPLAINED = (
    ("test_risk", "risk", "The mean squared error over that of the predictor zero: 1 is what knowing nothing reaches, "
     "0 is perfect. With population=true it is the expectation over all inputs, not a mean over test points."),
    ("test_accuracy", "accuracy", "The part of the test points whose largest output is that of their class."),
    ("ridge", "ridge", "What is added to the diagonal of the kernel, or to the features' covariance: a larger one fits "
     "the samples less closely. chosen_by in result.json says on what it was chosen: held-out samples, leave-one-out "
     "on the training samples, the test set (which flatters the result), or not at all."),
    ("jitter", "added to it", "With ridge 0 a kernel of repeated samples cannot be inverted; so much was added."),
    ("residual", "residual", "|(K + ridge I) c - y| / |y| of the solution that was found: how exactly it was solved."),
)  # fmt: skip

FIT = FitCommand()
