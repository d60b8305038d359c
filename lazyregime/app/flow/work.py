"""One run of `python -m lazyregime.flow`: every width under each scaling, the limits, and what must hold exactly."""

from typing import Any, final

import torch
from safetensors.torch import save
from torch import Tensor

from lazyregime.app.command import AbstractWork
from lazyregime.app.compose.config import ConfigDict
from lazyregime.app.compose.devices import device_of
from lazyregime.app.console import Console
from lazyregime.app.facts import seeds, which
from lazyregime.app.flow import build
from lazyregime.app.flow.limits import distances, limits
from lazyregime.atomic import atomic_write
from lazyregime.reports.claims import log_slope
from lazyregime.runs.clock import Clock
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.kinds import FlowResult
from lazyregime.runs.tables import write_rows
from lazyregime.two_layer import Followed, follow, identities
from lazyregime.two_layer.activations import KINKED

RECORDED = ("risk", "kernel_change", "displacement", "fluctuation", "frozen_risk", "frozen_gap")


@final
class Flowing(AbstractWork):
    """The flow of all widths; an interrupted one begins again, for it takes minutes."""

    def __init__(self, config: ConfigDict, folder: RunFolder, console: Console) -> None:
        self.config, self.folder, self.console = config, folder, console
        self.clock = Clock(("torchdiffeq", "POT"))
        self.device = device_of(config)
        self.problem, self.times = build.build_problem(config, self.device), build.build_times(config)
        self.seeds = [config["init_seed"] + i for i in range(config["num_seeds"])]
        self.widths: list[int] = config["widths"]
        self.start = build.build_particles(config, self.widths[-1], self.seeds).to(self.device)
        self.scalings = [name for name in ("mean_field", "ntk") if config["scaling"][name]]
        self.arrays: dict[str, Tensor] = {"times": torch.tensor(self.times, dtype=torch.float64)}
        if self.problem.directions is not None:
            self.arrays["directions"] = self.problem.directions

    def opening(self) -> str:  # noqa: D102
        c = self.config
        words = {"mean_field": "α = 1", "ntk": "α = √N"}
        return (
            f"f = (α/N) Σ a σ(⟨w, x⟩), σ = {c['activation']}, {' and '.join(words[s] for s in self.scalings)}; "
            f"N = {self.widths[0]} to {self.widths[-1]}, {len(self.seeds)} seeds together, d = {c['in_features']}, "
            f"n = {c['n_samples']}"
        )

    def run(self) -> FlowResult:
        """Follow every width, then the limits; write the arrays."""
        scalars: dict[str, Any] = {}
        for scaling in self.scalings:
            followed = {width: self._follow(scaling, width) for width in self.widths}
            scalars |= self._record(scaling, followed)
        with self.console.progress("The limits"):
            self.arrays |= limits(self.config, self.problem, self.times)
        scalars |= self._identities()
        atomic_write(self.folder.kernels, save({k: v.cpu().contiguous() for k, v in self.arrays.items()}))
        write_rows(self.folder.metrics, self._rows())
        return self._result(scalars)

    def _follow(self, scaling: str, width: int) -> Followed:
        count = self.config["num_snapshots"] if width == self.widths[-1] else 0
        chosen = [round(i * (len(self.times) - 1) / max(count - 1, 1)) for i in range(count)]
        name = {"mean_field": "Mean-field", "ntk": "NTK"}[scaling]
        done = 0
        with self.console.progress(f"{name}, N = {width}", total=len(self.times)) as update:

            def tick(t: float) -> None:
                nonlocal done
                done += 1
                update(done, f"t = {t:.3g}")

            return follow(
                self.problem, self.start[:, :width].clone(), self.times, alpha=alpha_of(scaling, width),
                integrator=build.build_integrator(self.config), centred=self.config["init"]["centred"],
                snapshots=chosen, tick=tick,
            )  # fmt: skip

    def _record(self, scaling: str, followed: dict[int, Followed]) -> dict[str, Any]:
        """The arrays of one scaling, and its scalars at the widest cloud and over the widths."""
        widest, last = followed[self.widths[-1]], {}
        for width, seen in followed.items():
            self.arrays |= {f"{scaling}/{width}/{name}": getattr(seen, name) for name in RECORDED}
            self.arrays[f"{scaling}/{width}/num_evaluations"] = torch.tensor(seen.num_evaluations)
        self.arrays |= {f"{scaling}/{name}": getattr(widest, name) for name in ("eigenvalues", "modes")}
        if len(widest.snapshots):
            self.arrays[f"{scaling}/snapshots"] = widest.snapshots[:, 0]
            self.arrays[f"{scaling}/norms"] = widest.snapshots[..., 1:].norm(dim=-1)
        apart = distances({width: seen.end for width, seen in followed.items()})
        self.arrays |= {f"{scaling}/{name}": values for name, values in apart.items()}
        for name in ("risk", "kernel_change", "displacement", "frozen_gap"):
            last[f"{scaling}_{name}"] = float(getattr(widest, name)[-1].mean())
        if len(followed) == 1:
            return last
        for name in ("kernel_change", "displacement", "fluctuation", "frozen_gap"):
            sizes = [float(getattr(seen, name)[-1].mean()) for seen in followed.values()]
            last[f"{scaling}_{name}_slope"] = log_slope(self.widths, sizes)
        return last

    def _identities(self) -> dict[str, float]:
        wanted = self.config["identities"]
        if not (self.config["activation"] not in KINKED if wanted is None else wanted):
            return {}
        width = min(self.widths, key=lambda w: abs(w - 128))
        errors: dict[str, Tensor] = {}
        with self.console.progress("What must hold exactly"):
            for scaling in self.scalings:
                times = [0.0, self.times[-1] / 10]
                found = identities(
                    self.problem, self.start[:, :width], alpha=alpha_of(scaling, width), times=times
                )  # fmt: skip
                errors |= {f"identities/{scaling}/{name}": values for name, values in found.items()}
        self.arrays |= errors
        names = {key.rpartition("/")[2] for key in errors}
        return {f"error_{n}": max(float(v.max()) for k, v in errors.items() if k.endswith(n)) for n in sorted(names)}

    def _rows(self) -> list[dict[str, float]]:
        """One row a recorded time: means over the seeds."""
        columns = {
            f"{scaling}_{width}_{name}": self.arrays[f"{scaling}/{width}/{name}"].mean(1).tolist()
            for scaling in self.scalings
            for width in self.widths
            for name in ("risk", "kernel_change", "displacement")
        }
        return [{"time": t} | {k: v[i] for k, v in columns.items()} for i, t in enumerate(self.times)]

    def _result(self, scalars: dict[str, Any]) -> FlowResult:
        c = self.config
        return FlowResult(
            which=which(c, self.folder, "flow"),
            seeds=seeds(c),
            **{key: c[key]["name"] for key in ("target", "init", "integrator")},
            **{key: c[key] for key in ("activation", "trained", "num_seeds", "in_features", "n_samples", "end_time")},
            widths=tuple(self.widths),
            width=self.widths[-1],
            scaling="both" if len(self.scalings) == 2 else self.scalings[0],
            measures=scalars,
            computed=self.clock.computed(self.device, "float64"),
        )


def alpha_of(scaling: str, width: int) -> float:
    """The output scale: 1, or sqrt(N)."""
    return 1.0 if scaling == "mean_field" else width**0.5
