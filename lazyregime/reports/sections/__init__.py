"""The parts of the report: modules here with an ORDER and `section(runs, figures)`; no other file names them."""

import importlib
import pkgutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pandas as pd

from lazyregime.reports._culprits import without_culprits
from lazyregime.reports.section import Section


def all_sections(runs: pd.DataFrame, figures: Path) -> list[Section]:
    """Every part of the report on these runs; figures are written into the folder `figures`."""
    modules = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return [_made(module, runs, figures) for module in sorted(modules, key=lambda module: module.ORDER)]


def _made(module: ModuleType, runs: pd.DataFrame, figures: Path) -> Section:
    """A damaged run, or a part that fails, stops no other."""
    found, troubles = without_culprits(lambda chosen: module.section(chosen, figures), runs)
    told = [f"{module.__name__.rpartition('.')[2]}: {trouble}" for trouble in troubles]
    found = found or Section()
    return replace(found, troubles=[*found.troubles, *told])
