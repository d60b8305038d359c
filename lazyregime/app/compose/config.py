"""conf/ and the command line become plain, checked dictionaries: one a job, all of them before the first starts."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, cast

from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from lazyregime.app.compose.hints import ConfigError, sentence, unknown_name
from lazyregime.app.compose.resources import conf_dir, register_resolvers

ConfigDict = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """Where the configuration of a command comes from.

    Args:
        command: Its name: conf/<command>.yaml, `python -m lazyregime.<command>`.
        schema: A dataclass with the type of every key at the top; conf/<command>.yaml begins with <command>_schema.
        groups: The groups that must be chosen, each of which names a class.
    """

    command: str
    schema: type[Any]
    groups: tuple[str, ...]

    def register(self) -> None:
        """Make the schema known to Hydra."""
        ConfigStore.instance().store(f"{self.command}_schema", self.schema)
        register_resolvers()

    def compose_job(self, overrides: Sequence[str]) -> ConfigDict:
        """One job's configuration, resolved, with choices as strings.

        Raises:
            ConfigError: A sentence about the first thing that is wrong.
        """
        try:
            return self.plain(self._compose(overrides))
        except (HydraException, OmegaConfBaseException) as error:
            raise self._wrong(error) from error

    def sweep_jobs(self, overrides: Sequence[str]) -> list[list[str]]:
        """The overrides of every job of a sweep, `hydra.sweeper.params` of an experiment included.

        Raises:
            ConfigError: If an override cannot be read.
        """
        try:
            parsed = OverridesParser.create().parse_overrides(list(overrides))
            fixed = [o.input_line for o in parsed if not o.is_sweep_override() and o.input_line]
            config = self._compose(fixed, return_hydra_config=True)
            params = OmegaConf.select(config, "hydra.sweeper.params") or {}
            parsed = OverridesParser.create().parse_overrides([f"{k}={v}" for k, v in params.items()]) + parsed
            jobs = BasicSweeper.split_arguments(parsed, max_batch_size=None)[0]
        except (HydraException, OmegaConfBaseException) as error:
            raise self._wrong(error) from error
        return [[o for o in job if not o.startswith("hydra")] for job in jobs]

    def launcher(self, overrides: Sequence[str]) -> str:
        """The name of the launcher that is chosen.

        Raises:
            ConfigError: If there is none of that name.
        """
        try:
            chosen = [o for o in overrides if o.startswith("hydra")]
            config = self._compose(chosen, return_hydra_config=True)
        except (HydraException, OmegaConfBaseException) as error:
            raise self._wrong(error) from error
        return str(config.hydra.runtime.choices["hydra/launcher"])

    def plain(self, config: DictConfig) -> ConfigDict:
        """A resolved dictionary of plain values.

        Raises:
            ConfigError: If it has a key that the schema has not.
        """
        resolved = OmegaConf.to_container(config, resolve=True, enum_to_str=True, throw_on_missing=True)
        container = {str(k): v for k, v in cast(dict[Any, Any], resolved).items() if k != "hydra"}
        valid = {field.name for field in fields(self.schema)}
        for key in container:
            if key not in valid:
                raise ConfigError(unknown_name(f"There is no key {key!r}", key, valid))
        for group in self.groups:
            if not isinstance(container[group], dict):
                raise ConfigError(f"The configuration has no {group}; give {group}=NAME (--help lists them).")
        return container

    def _compose(self, overrides: Sequence[str], return_hydra_config: bool = False) -> DictConfig:
        self.register()
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):  # restores what a running Hydra job has
            return compose(self.command, overrides=list(overrides), return_hydra_config=return_hydra_config)

    def _wrong(self, error: Exception) -> ConfigError:
        return ConfigError(sentence(error, _default(self), self.command))


def as_yaml(config: ConfigDict) -> str:
    """What config.yaml says."""
    return OmegaConf.to_yaml(OmegaConf.create(config))


@functools.cache
def _default(source: Source) -> ConfigDict:
    return source.plain(source._compose([]))


def overrides_with(overrides: Iterable[str], key: str, value: str) -> list[str]:
    """The overrides with this value of a key in place of any other."""
    return [override for override in overrides if override.split("=")[0] != key] + [f"{key}={value}"]
