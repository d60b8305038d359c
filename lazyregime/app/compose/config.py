"""conf/ and the command line become plain, checked dictionaries: one a job, all of them before the first starts."""

import contextlib
import copy
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, cast

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.utils import setup_globals
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from lazyregime.app.compose.hints import ConfigError, sentence, unknown_name
from lazyregime.app.compose.loader import compose, loader
from lazyregime.app.compose.own import describe_own, with_own_arguments
from lazyregime.app.compose.resources import register_resolvers

ConfigDict = dict[str, Any]


@dataclass(frozen=True)
class Sweep:
    """What -m asks for: the overrides of each job, and who starts them."""

    jobs: list[list[str]]
    launcher: str
    sweeper: str

    @property
    def is_here(self) -> bool:
        """Whether this process computes the jobs itself, one after the other."""
        return self.launcher == self.sweeper == "basic"


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
        setup_globals()  # ${now:..} and the like
        register_resolvers()

    def compose_job(self, overrides: Sequence[str]) -> ConfigDict:
        """One job's configuration, resolved, with choices as strings.

        Raises:
            ConfigError: A sentence about the first thing that is wrong.
        """
        try:
            return self.plain(self._composed(overrides))
        except ConfigError:
            raise
        except (HydraException, OmegaConfBaseException, ValueError) as error:  # Hydra says the last of @x=1
            raise self._wrong(error, overrides) from error

    def sweep(self, overrides: Sequence[str]) -> Sweep:
        """The jobs of a sweep, `hydra.sweeper.params` of an experiment included.

        Raises:
            ConfigError: If an override cannot be read.
        """
        try:
            overrides = with_own_arguments(overrides)
            parser = OverridesParser.create(config_loader=loader())
            parsed = parser.parse_overrides(overrides)
            self.register()
            config = compose(self.command, [o.input_line for o in parsed if o.input_line and not o.is_sweep_override()])
            params = OmegaConf.select(config, "hydra.sweeper.params") or {}
            parsed = parser.parse_overrides([f"{k}={v}" for k, v in params.items()]) + parsed
            _check_values(parsed)
            jobs = BasicSweeper.split_arguments(parsed, max_batch_size=None)[0]
        except (HydraException, OmegaConfBaseException) as error:
            raise self._wrong(error, overrides) from error
        except ConfigError:
            raise
        except ValueError as error:
            raise self._wrong(error, overrides) from error
        choices = config.hydra.runtime.choices
        of_jobs = [[o for o in job if not o.startswith("hydra") or o.startswith("hydra.searchpath")] for job in jobs]
        return Sweep(of_jobs, str(choices["hydra/launcher"]), str(choices["hydra/sweeper"]))

    def compose_jobs(self, jobs: Sequence[Sequence[str]]) -> "Iterable[ConfigDict]":
        """The configurations of many jobs; those that differ in values only are composed once.

        Raises:
            ConfigError: A sentence about the first thing that is wrong, when its turn comes.
        """
        composed: dict[tuple[str, ...], _Template] = {}
        parse = functools.cache(OverridesParser.create(config_loader=loader()).parse_override)
        for job in jobs:
            try:
                parsed = [parse(override) for override in with_own_arguments(job)]
                values = {o.key_or_group: o.value() for o in parsed if self._is_value(o)}
                key = tuple(str(o.input_line) for o in parsed if not self._is_value(o))
                if key not in composed:
                    composed[key] = _Template(self._composed(list(key)))
                with composed[key].having(values) as config:
                    yield self.plain(config)
            except (HydraException, OmegaConfBaseException, ValueError):
                yield self.compose_job(job)  # it says what is wrong

    def plain(self, config: DictConfig) -> ConfigDict:
        """A resolved dictionary of plain values.

        Raises:
            ConfigError: If it has a key that the schema has not.
        """
        config = _without_hydra(config)
        valid = {field.name for field in fields(self.schema)}
        if gone := sorted(valid - {str(key) for key in config}):  # before it is resolved: others may refer to it
            raise ConfigError(_taken_away(gone[0]))
        resolved = OmegaConf.to_container(config, resolve=True, enum_to_str=True, throw_on_missing=True)
        container = {str(k): v for k, v in cast(dict[Any, Any], resolved).items()}
        for key in container:
            if key not in valid:
                raise ConfigError(unknown_name(f"There is no key {key!r}", key, valid))
        for group in self.groups:
            if not isinstance(container[group], dict):
                raise ConfigError(f"The configuration has no {group}; give {group}=NAME (--help lists them).")
        describe_own(container, self.groups)
        return container

    def _composed(self, overrides: Sequence[str]) -> DictConfig:
        self.register()
        return compose(self.command, with_own_arguments(overrides))

    def _is_value(self, override: Override) -> bool:
        """Whether an override gives a key that is there another value, and chooses nothing."""
        if override.is_add() or override.is_delete() or override.is_force_add() or override.package is not None:
            return False
        return override.key_or_group in _keys(self)

    def _wrong(self, error: Exception, overrides: Iterable[str]) -> ConfigError:
        return ConfigError(sentence(error, self._chosen(overrides), self.command))

    def _chosen(self, overrides: Iterable[str]) -> ConfigDict:
        """A configuration that composes, as near to what was asked for as can be: with the groups that were chosen."""
        groups = set(loader().list_groups(""))
        chosen = [override for override in overrides if override.partition("=")[0] in groups]
        try:
            return self.plain(self._composed(chosen))
        except (HydraException, OmegaConfBaseException, ValueError):
            return _default(self)


class _Template:
    """A composed configuration that takes the values of one job after the other; copying it would take longer."""

    def __init__(self, config: DictConfig) -> None:
        self._config = _without_hydra(config)
        self._own = cast(dict[str, Any], OmegaConf.to_container(self._config, resolve=False))

    @contextlib.contextmanager
    def having(self, values: Mapping[str, Any]) -> Iterator[DictConfig]:
        """Of the keys at the top; afterwards it has its own again.

        Raises:
            ConfigError: If a key has been taken away.
        """
        if gone := sorted(values.keys() - self._own.keys()):
            raise ConfigError(_taken_away(gone[0]))
        try:
            for key, value in values.items():
                OmegaConf.update(self._config, key, value)
            yield self._config
        finally:
            for key in values:
                OmegaConf.update(self._config, key, self._own[key])


def _taken_away(key: str) -> str:
    return f"A run cannot be without {key}; leave ~{key} out, or give another value with {key}=VALUE."


def _without_hydra(config: DictConfig) -> DictConfig:
    """Hydra's own part, which is partly missing, is there where a launcher has composed."""
    if "hydra" not in config:
        return config
    config = copy.copy(config)
    with open_dict(config):
        config.pop("hydra")
    return config


def as_yaml(config: ConfigDict) -> str:
    """What config.yaml says."""
    return OmegaConf.to_yaml(OmegaConf.create(config))


def overrides_with(overrides: Iterable[str], key: str, value: str) -> list[str]:
    """The overrides with this value of a key in place of any other."""
    return [override for override in overrides if override.split("=")[0] != key] + [f"{key}={value}"]


def _check_values(overrides: Iterable[Override]) -> None:
    for override in overrides:
        if override.is_sweep_override():
            try:
                next(iter(override.sweep_string_iterator()))
            except StopIteration:
                raise ConfigError(f"{override.input_line} is a sweep over no values; give at least one.") from None


@functools.cache
def _default(source: Source) -> ConfigDict:
    return source.plain(source._composed([]))


@functools.cache
def _keys(source: Source) -> frozenset[str]:
    """The keys at the top that hold one value, whatever is chosen; `experiment` and `debug` are choices of files."""
    groups = loader().list_groups("")
    return frozenset(
        key for key, value in _default(source).items() if not isinstance(value, dict) and key not in groups
    )
