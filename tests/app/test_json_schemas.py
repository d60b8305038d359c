"""schemas/ is what the dataclasses say, every file of conf/ obeys it, and a wrong key, word or number does not."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from omegaconf import OmegaConf

from lazyregime.app.compose.json_schema import COMMANDS, json_schemas

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = json_schemas()


def schema_of(path):
    group = path.parent.name
    text = path.read_text()
    if "# @package _global_" in text or path.parent == ROOT / "conf":
        return path.stem if path.stem in COMMANDS else "global"
    return group


FILES = [path for path in sorted((ROOT / "conf").rglob("*.yaml")) if "hydra" not in path.parts]


def test_the_stored_ones_are_those_of_today():
    """Else: python -m lazyregime.app.compose.json_schema schemas."""
    assert {path.stem: json.loads(path.read_text()) for path in (ROOT / "schemas").glob("*.json")} == SCHEMAS


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_file_of_conf_obeys(path):
    name = schema_of(path)
    if name not in SCHEMAS:
        assert name in ("optimizer", "regime"), f"there is no schema for {path}"  # some of their files are global
        name = "global"
        found = {path.parent.name: OmegaConf.to_container(OmegaConf.load(path), resolve=False)}
        Draft202012Validator(SCHEMAS[name]).validate(found)
        return
    Draft202012Validator.check_schema(SCHEMAS[name])
    Draft202012Validator(SCHEMAS[name]).validate(OmegaConf.to_container(OmegaConf.load(path), resolve=False))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("trainer", {"max_epoch": 3}),
        ("trainer", {"schedule": "linar"}),
        ("trainer", {"max_epochs": "five"}),
        ("ntk", {"at": {"epochs": 3}}),
        ("train", {"width": 1.5}),
        ("global", {"trainer": {"batch_sizes": 3}}),
        ("arch", {"depth": "deep"}),
        ("fit", {"solver": "fast"}),
    ],
)
def test_what_is_wrong_does_not(name, wrong):
    assert not Draft202012Validator(SCHEMAS[name]).is_valid(wrong)
