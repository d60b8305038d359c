"""Networks against their linearizations: the figures of [GMMM19], [GMMM20] and [ADH+19]."""

# pandas tells its types only in part.
# pyright: reportCallIssue=false, reportArgumentType=false

from pathlib import Path

import pandas as pd

from lazyregime.reports.figures import adh19, gmmm19, gmmm20_noise, gmmm20_spiked
from lazyregime.reports.reading.folder import read_kernels
from lazyregime.reports.section import Drawing, Section, save_figures
from lazyregime.reports.tables.linearized import linearized_runs

ORDER = 40
GROUPS = ("gmmm19", "gmmm20_spiked", "gmmm20_noise", "adh19")


def section(runs: pd.DataFrame, figures: Path) -> Section:
    """A figure a group of runs that is there, and its numbers."""
    tables = {group: linearized_runs(runs, group) for group in GROUPS}
    drawings = {
        "gmmm19": Drawing(gmmm19.draw, tables["gmmm19"], gmmm19.CAPTION),
        "gmmm20_spiked": Drawing(gmmm20_spiked.draw, tables["gmmm20_spiked"], gmmm20_spiked.CAPTION),
        "gmmm20_noise": Drawing(
            lambda rows: gmmm20_noise.draw(rows, _spectra(rows)), tables["gmmm20_noise"], gmmm20_noise.CAPTION
        ),
        "adh19": Drawing(adh19.draw, tables["adh19"], adh19.CAPTION),
    }
    pictures, troubles = save_figures(figures, drawings)
    data = {name: table for name, table in tables.items() if len(table)}
    return Section(pictures=pictures, data=data, troubles=troubles)


def _spectra(table: pd.DataFrame) -> dict[float, list[float]]:
    """The covariance of the inputs by tau, from any run that has it."""
    found: dict[float, list[float]] = {}
    for run in table[table.model != "net"].to_dict("records"):
        if run["tau"] not in found:
            values = read_kernels(Path(str(run["path"])) / "kernels.safetensors", ("input_spectrum",)).get(
                "input_spectrum"
            )
            if values is not None:
                found[float(run["tau"])] = [float(v) for v in values]
    return found
