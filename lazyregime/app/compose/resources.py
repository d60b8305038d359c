"""What conf/ may say beside values: tables by width and by parameterization, and the options on a help page.

`${by_width:{1024: 8, 4096: 32}}` in a launcher's configuration, `${by_parameterization:{ntk: 1.0, ...}}` in a regime's,
`${groups:train}` on a page.
"""

import enum
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

import lazyregime
from lazyregime.app.compose.options import groups


def by_width(table: Mapping[int, Any], *, _root_: DictConfig) -> Any:
    """The value at the smallest listed width that is not below the job's, or at the largest width of all."""
    entries = sorted((int(width), value) for width, value in table.items())
    width = OmegaConf.select(_root_, "width")
    for listed, value in entries:
        if width is not None and width <= listed:
            return value
    return entries[-1][1]


def by_parameterization(table: Mapping[str, Any], *, _root_: DictConfig) -> Any:
    """The value of the parameterization that is asked for."""
    word = OmegaConf.select(_root_, "parameterization")
    return table[word.value if isinstance(word, enum.Enum) else word]


def conf_dir() -> Path:
    """Where conf/ is: inside the installed package, or beside it in a checkout."""
    package = Path(lazyregime.__file__).resolve().parent
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def register_resolvers() -> None:
    """Make them known to OmegaConf."""
    OmegaConf.register_new_resolver("groups", partial(groups, conf=conf_dir()), replace=True)
    OmegaConf.register_new_resolver("by_parameterization", by_parameterization, replace=True)
    OmegaConf.register_new_resolver("by_width", by_width, replace=True)
