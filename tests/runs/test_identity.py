"""The id changes with all that can change a result, and with nothing else."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from lazyregime.app.api import COMMANDS
from lazyregime.app.compose.resources import conf_dir
from lazyregime.errors import LazyRegimeError
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.identity import NOT_IDENTITY, identity, readable_name


def config(**changes: Any) -> dict[str, Any]:
    """A resolved configuration like those of the train command; dotted keys are written `arch__depth`."""
    base: dict[str, Any] = {
        "arch": {"name": "mlp", "width": 1024, "depth": 3, "activation": "relu"},
        "data": {"name": "mnist", "n_train": None, "data_dir": "data", "offline": False},
        "regime": {"name": "lazy", "linearized": True},
        "optimizer": {
            "name": "adam",
            "lr": 0.001,
            "betas": [0.9, 0.999],
            "save_every": 30.0,
            "together": "auto",
        },
        "ntk": {"protocol": "adh", "memory_budget": None, "block_rows": 2500, "at": ["init", "end"]},
        "trainer": {
            "max_epochs": 3,
            "accelerator": "cpu",
            "devices": 1,
            "num_nodes": 1,
            "strategy": "auto",
            "profile": False,
        },
        "progress": "auto",
        "num_threads": 2,
        "tracking": {"name": "wandb", "wandb": {"mode": "auto"}},
        "width": 1024,
        "seed": 0,
        "init_seed": 0,
        "data_seed": 0,
        "batch_seed": 0,
        "alpha": None,
        "group": "poster",
        "name": None,
        "tags": [],
        "data_dir": "data",
        "runs_dir": "runs",
        "rerun": False,
    }
    base = copy.deepcopy(base)
    for key, value in changes.items():
        *groups, last = key.split("__")
        node = base
        for group in groups:
            node = node[group]
        node[last] = value
    return base


def leaves(node: dict[str, Any], path: str = "") -> list[str]:
    found = []
    for key, value in node.items():
        here = f"{path}.{key}" if path else key
        found += leaves(value, here) if isinstance(value, dict) else [here]
    return found


@pytest.mark.parametrize("key", leaves(config()))
def test_every_setting_but_the_named_ones_is_part_of_the_identity(key):
    exempt = any(key == path or key.startswith(f"{path}.") for path in NOT_IDENTITY)
    changed = config(**{key.replace(".", "__"): "something else"})
    assert (identity(changed) == identity(config())) == exempt


def test_every_exempt_key_exists():
    """In what the commands really compose: their defaults, and the keys of every file of every group."""
    keys = {"tracking"}
    for command in COMMANDS.values():
        keys |= set(leaves(command.source.compose_job([])))
    for path in conf_dir().glob("*/*.yaml"):
        text = path.read_text()
        group = "" if "@package _global_" in text else path.parent.name
        keys |= set(leaves(yaml.safe_load(text), group))
    assert keys >= NOT_IDENTITY


def test_one_number_has_one_identity_however_it_is_written():
    assert identity(config(optimizer__lr=1e-3)) == identity(config(optimizer__lr=0.001))
    assert identity(config(alpha=1)) == identity(config(alpha=1.0))
    assert identity(config(alpha=1e22)) == identity(config(alpha=10**22))
    assert identity(config(alpha=0.1 + 0.2)) != identity(config(alpha=0.3))
    assert identity(config(alpha=1)) != identity(config(alpha=True))
    assert identity(config(alpha=1)) != identity(config(alpha="1"))
    assert identity(config(alpha=float("inf"))) != identity(config(alpha=float("nan")))


def test_order_of_keys_does_not_matter_and_order_in_lists_does():
    backwards = dict(reversed(config().items()))
    backwards["arch"] = dict(reversed(backwards["arch"].items()))
    assert identity(backwards) == identity(config())
    assert identity(config(optimizer__betas=(0.9, 0.999))) == identity(config())
    assert identity(config(optimizer__betas=[0.999, 0.9])) != identity(config())


def test_an_option_added_later_and_off_leaves_the_id_as_it_is():
    assert identity({**config(), "an_option": None}) == identity(config())


def test_the_id_is_eight_hex_digits_and_stays_the_same_between_versions():
    assert identity({"width": 8, "seed": 0}) == "5cb34f97"  # a change here orphans every stored run: say so
    assert identity({"width": 8, "seed": 0}, "fit") != identity({"width": 8, "seed": 0})


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "lazy-mlp-w1024-s0"),
        ({"regime__name": "scaled", "width": 256, "alpha": 100.0}, "scaled-mlp-w256-alpha100-s0"),
        ({"alpha": 1e-4}, "lazy-mlp-w1024-alpha0.0001-s0"),
        ({"init_seed": 3}, "lazy-mlp-w1024-s0-i3"),
        ({"seed": 5, "init_seed": 5, "data_seed": 1, "batch_seed": 0}, "lazy-mlp-w1024-s5-d1-b0"),
        ({"arch__depth": 5, "arch__activation": "erf"}, "lazy-mlp-w1024-depth5-erf-s0"),
        ({"data__name": "fashion_mnist", "data__n_train": 1000}, "lazy-mlp-w1024-fashion_mnist-n1000-s0"),
        ({"arch__name": "my net/2"}, "lazy-my_net_2-w1024-s0"),
        ({"name": "my best run"}, "my best run"),
    ],
)
def test_the_name_says_what_is_out_of_the_ordinary(changes, name):
    assert readable_name(config(**changes)) == name


def test_the_name_of_a_network_of_ones_own_says_its_arguments():
    """Which no list of what is ordinary can know: two runs that differ in one are told apart by name."""
    own = config(arch__name="mine.Net", arch__kernel=3, arch__gain=0.5, arch__sizes=[1, 2])
    assert readable_name(own) == "lazy-mine.Net-w1024-s0"  # not without its source: it may be one of ours
    own |= {"sources": {"arch": "0123"}}
    own["arch"] |= {"_target_": "mine.Net"}
    assert readable_name(own) == "lazy-mine.Net-w1024-kernel3-gain0.5-s0"
    own["arch"] |= {"text": "x" * 70, "last": True}
    assert readable_name(own) == "lazy-mine.Net-w1024-kernel3-gain0.5-s0"


@pytest.mark.parametrize("name", ["", "a/b", "../up", ".hidden", "-flag", "x" * 200, "line\nbreak"])
def test_a_name_that_is_no_folder_is_refused(name):
    with pytest.raises(LazyRegimeError, match="cannot be the name of a folder"):
        readable_name(config(name=name))
    with pytest.raises(LazyRegimeError, match="group="):
        RunFolder.of(config(group=f"../{name}"))


def test_the_folder_of_a_configuration():
    folder = RunFolder.of(config(runs_dir="somewhere"))
    assert folder.path == Path("somewhere/poster") / f"lazy-mlp-w1024-s0-{identity(config())}"
    assert (folder.name, folder.group, folder.id) == ("lazy-mlp-w1024-s0", "poster", identity(config()))
    assert RunFolder.of(config(runs_dir="elsewhere", group="a/b")).id == folder.id
