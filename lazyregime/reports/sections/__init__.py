"""The parts of the report: modules here with an ORDER and `section(runs, figures)`; no other file names them."""

import importlib
import pkgutil
from pathlib import Path

import pandas as pd

from lazyregime.reports.section import Section


def all_sections(runs: pd.DataFrame, figures: Path) -> list[Section]:
    """Every part of the report on these runs; figures are written into the folder `figures`."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return [module.section(runs, figures) for module in sorted(modules, key=lambda module: module.ORDER)]
