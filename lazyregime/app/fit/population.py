"""One run of `fit` with population=true: N units and infinitely many samples on the sphere, by linear algebra alone."""

from typing import final

import torch

from lazyregime.app.command import AbstractWork
from lazyregime.app.compose.config import ConfigDict
from lazyregime.app.console import Console
from lazyregime.app.facts import seeds, which
from lazyregime.app.fit.fitting import asked, known_target, target_powers
from lazyregime.errors import LazyRegimeError
from lazyregime.machines._units import unit_weights
from lazyregime.machines.population import least_squares_risk, nt_moments, rf_moments
from lazyregime.machines.spectrum import Spectrum
from lazyregime.runs.clock import Clock
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.kinds import FitResult
from lazyregime.runs.tables import write_rows

MOST_FEATURES = 8000  # a matrix of half a GiB and a minute to solve


@final
class PopulationFitting(AbstractWork):
    """Least squares on the whole sphere."""

    def __init__(self, config: ConfigDict, folder: RunFolder, console: Console) -> None:
        self.config, self.folder = config, folder
        self.clock = Clock()

    def opening(self) -> str:  # noqa: D102
        machine = self.config["machine"]
        return f"{machine['num_features']} units of {machine['name']} on infinitely many samples"

    def run(self) -> FitResult:
        """The risk at every ridge; the ridge is added to the kernel of the features, divided by N as for samples."""
        machine, target = self.config["machine"], known_target(self.config)
        powers = target.powers
        d = self.config["data"]["dimension"]
        spectrum = Spectrum.of(machine["activation"], d, shift=machine["shift"])
        like = torch.zeros(1, d, dtype=torch.float64)
        w = torch.cat(list(unit_weights(machine["num_features"], like, "sphere", machine["seed"])))
        moments_of = rf_moments if machine["name"] == "rf" else nt_moments
        u, v = moments_of(w, target.direction, spectrum, powers)
        norm = float(u.diagonal().mean())
        rows: list[dict[str, float]] = []
        for ridge in self.config["ridges"]:
            risk = least_squares_risk((u, v), powers, ridge * norm)
            rows.append({"ridge": ridge, "test_risk": risk / sum(powers)})
        write_rows(self.folder.metrics, rows)
        measured = {"population": True, "test_risk": rows[0]["test_risk"], **target_powers(self.config)}
        return FitResult(
            which=which(self.config, self.folder, "fit"),
            seeds=seeds(self.config),
            machine=machine["name"],
            data=self.config["data"]["name"],
            coding=self.config["coding"],
            intercept=self.config["intercept"],
            width=machine["num_features"],
            ridge=rows[0]["ridge"],
            chosen_by="given",
            measures=asked(self.config) | measured,
            computed=self.clock.computed(precision="float64"),
        )


def check_population(config: ConfigDict) -> None:
    """Refuses what has no closed form.

    Raises:
        LazyRegimeError: Saying what has.
    """
    machine, data = config["machine"], config["data"]
    if config["device"] == "cuda":
        raise LazyRegimeError("population=true is a small sum in closed form, made on the CPU; leave out device=cuda.")
    if data["name"] != "sphere" or machine["name"] not in ("rf", "nt") or machine["weights"] != "sphere":
        raise LazyRegimeError(
            "population=true is known for data=sphere with machine=rf or nt and machine.weights=sphere only; got "
            f"data={data['name']}, machine={machine['name']}."
        )
    if data["target"] == "hermite":
        raise LazyRegimeError("population=true needs data.target=gegenbauer or neuron, whose harmonics are known.")
    size = machine["num_features"] * (data["dimension"] if machine["name"] == "nt" else 1)
    if size > MOST_FEATURES:
        raise LazyRegimeError(f"population=true solves for {size:,} features; at most {MOST_FEATURES:,} are allowed.")
