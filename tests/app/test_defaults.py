"""The default of a key stands in one place, conf/; schemas say types, and signatures agree with it."""

import dataclasses
import inspect
from collections import defaultdict

import pytest
import yaml
from omegaconf import MISSING

from lazyregime.app.api import COMMANDS
from lazyregime.app.compose.build import target_of
from lazyregime.app.compose.resources import conf_dir


def schemas():
    found = {}
    for command in COMMANDS.values():
        waiting = [command.source.schema]
        while waiting:
            schema = waiting.pop()
            found[schema.__name__] = schema
            factories = [f.default_factory for f in dataclasses.fields(schema)]
            waiting += [factory for factory in factories if dataclasses.is_dataclass(factory)]
    return list(found.values())


@pytest.mark.parametrize("schema", schemas(), ids=lambda s: s.__name__)
def test_a_schema_has_types_and_no_defaults(schema):
    for field in dataclasses.fields(schema):
        if field.default_factory is not dataclasses.MISSING:
            assert dataclasses.is_dataclass(field.default_factory), field.name
        else:
            assert field.default in (MISSING, None), field.name


def nodes():
    """The part of a group in each of its files that names a class."""
    for path in sorted(conf_dir().glob("*/*.yaml")):
        text = path.read_text(encoding="utf-8")
        content = yaml.safe_load(text) or {}
        node = content.get(path.parent.name) if "@package _global_" in text else content
        if isinstance(node, dict) and node.get("_target_") not in (None, "???"):  # one's own has none until given
            yield path, node


def test_a_signature_that_has_a_default_agrees_with_conf():
    """With one of the files, where several are settings of one class; None in a signature is no opinion."""
    said = defaultdict(dict)
    for path, node in nodes():
        for key, value in node.items():
            if not (isinstance(value, str) and "${" in value):
                said[node["_target_"], key][path.stem] = value
    compared, differ = 0, []
    for (target, key), values in said.items():
        parameter = inspect.signature(target_of(target)).parameters.get(key)
        if parameter is None or parameter.default in (inspect.Parameter.empty, None):
            continue
        compared += 1
        default = list(parameter.default) if isinstance(parameter.default, tuple) else parameter.default
        if default not in values.values():
            differ.append(f"{target}({key}={default!r}), but {values}")
    assert compared > 100 and not differ, differ


@pytest.mark.parametrize("command", COMMANDS)
def test_every_file_of_every_group_says_all_that_the_schema_wants(command):
    source = COMMANDS[command].source
    config = source.compose_job([])
    typed = [f.name for f in dataclasses.fields(source.schema) if f.default_factory is not dataclasses.MISSING]
    for group in typed:
        keys = set(config[group])
        for path in (conf_dir() / group).glob("*.yaml"):
            assert set(source.compose_job([f"{group}={path.stem}"])[group]) == keys
