"""Hydra's composition of conf/, without Hydra's global state: it works inside somebody else's Hydra, and twice."""

import functools
import warnings
from collections.abc import Sequence

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.types import RunMode
from omegaconf import DictConfig

from lazyregime.app.compose.resources import conf_dir

# conf/hydra/launcher/joblib.yaml has the name of the plugin's schema and is meant to; Hydra says so eight times a sweep
warnings.filterwarnings("ignore", "\\s*'hydra/launcher/joblib' is validated against ConfigStore schema")


@functools.cache
def loader() -> ConfigLoaderImpl:
    """Of the files in conf/, and of the places in `hydra.searchpath`."""
    return ConfigLoaderImpl(config_search_path=create_config_search_path(str(conf_dir())))


def compose(command: str, overrides: Sequence[str]) -> DictConfig:
    """The configuration of conf/COMMAND.yaml under some overrides, its `hydra` node included."""
    return loader().load_configuration(
        command, list(overrides), run_mode=RunMode.RUN, from_shell=False, validate_sweep_overrides=True
    )
