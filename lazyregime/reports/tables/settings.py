"""Runs may be averaged only if they differ in nothing but their seeds: what counts as a difference, and its name."""

# pandas tells its types only in part.
# pyright: reportCallIssue=false

import re
from collections.abc import Mapping
from pathlib import PurePath

import pandas as pd

from lazyregime.reports.reading.cleaning import brief
from lazyregime.runs.identity import NOT_IDENTITY

Settings = tuple[tuple[str, str], ...]
Record = Mapping[str, object]
ABSENT, CHOSEN = "none", "chosen"

POSTER_NETWORKS = ("MLP", "CNN")
NETWORKS = {
    **{"mlp": "MLP", "cnn": "CNN", "two_layer": "two layers", "resnet18": "ResNet-18", "vgg11": "VGG-11"},
    **{"balanced": "two layers, balanced", "committee": "committee", "vit": "ViT", "transformer": "transformer"},
}
COUNTED = ("data", "loss", "optimizer", "n_train", "num_anchors", "num_test_probe", "parameterization", "selected_on")

# Keys of the configuration that the tables have a column for, or that only say how finely a run was looked at; those
# that are no part of a run's identity go with them.
IN_A_COLUMN = {
    *("experiment", "debug", "width", "alpha", "laziness", "lr", "parameterization", "loss.name", "optimizer.name"),
    *("data.name", "regime.name", "regime.parameterization", "arch.name", "arch.depth", "arch.activation"),
    *("arch.last_activation", "arch.parameterization", "data.n_train", "ntk.n_test", "ntk.anchors_per_class"),
    *("ntk.protocol", "ntk.at.epochs", "ntk.at.steps", "ntk.at.per_decade", "ntk.at.loss_fractions"),
    *("ntk.at_epochs", "ntk.at_loss_fractions"),  # of runs before 28 November 2026
    # of the network behind a machine its name stands; its weights (sources.network) differ from seed to seed
    *("machine.name", "machine.num_features", "machine.at", "machine.run", "sources.network"),
    *("target.name", "init.name", "activation", "num_seeds", "scaling.mean_field", "scaling.ntk"),
    *("num_times", "num_snapshots", "first_time", "identities", "reference_width", "r_max", "num_cells"),
}
IN_A_COLUMN_ANYWHERE = {"_convert_", "width", "data_dir", "offline", "memory_budget"}
UNDER = ("tracking.", "hydra.", "paths.")
# What gradient flow has no use for stands in its configuration all the same.
NOT_OF_A_FLOW = {
    f"trainer.{key}"
    for key in ("batch_size", "schedule", "monitor", "patience", "select", "limit_batches", "diverged_above")
}

# What a reader must see even where the regimes differ by nature (learning rate and parameterization are theirs).
ALWAYS_TOLD = (
    *("data", "n_train", "loss", "optimizer", "epochs", "trainer.batch_size", "trainer.schedule"),
    *("trainer.limit_batches", "num_anchors", "num_test_probe", "data.n_test", "selected_on"),
)
TOLD = (*ALWAYS_TOLD[:4], "optimizer.lr", *ALWAYS_TOLD[4:], "trainer.select")
TOLD_OF_A_FIT = ("data", "data.n_test", "data.n_validation", "choose", "ridges", "coding", "intercept", "population")
TOLD_OF_A_FLOW = ("integrator.name", "trained", "in_features", "n_samples", "end_time", "widths")
EVERYWHERE = {*TOLD, *TOLD_OF_A_FIT, *TOLD_OF_A_FLOW}  # settings that runs of every choice have

WORDS = {
    "n_train": "training images",
    "num_anchors": "anchors",
    "num_test_probe": "test images of the kernel",
    "selected_on": "weights selected on",
    "trainer.batch_size": "batch size",
    "trainer.schedule": "schedule",
    "trainer.select": "weights",
    "data.n_test": "test images",
    "optimizer.lr": "learning rate",
    "data.n_validation": "held-out images",
    "choose": "ridge chosen by",
    "integrator.name": "integrator",
    "in_features": "d",
    "n_samples": "n",
    "end_time": "end time",
    "trained": "layers trained",
}


def settings_of(run: Record) -> Settings:
    """Everything that decides a run's numbers, but for seeds and for what the tables have a column for."""
    found = {key: _text(run[key]) for key in COUNTED if key in run}
    configured = {key.removeprefix("config."): value for key, value in run.items() if key.startswith("config.")}
    found |= {_qualified(key, configured): _text(v) for key, v in configured.items() if _is_setting(key, v)}
    if run.get("optimizer") == "gradient_flow":
        found = {key: value for key, value in found.items() if key not in NOT_OF_A_FLOW}
    most = found.pop("trainer.max_epochs", ABSENT)
    measured = _text(run.get("epochs"))
    found["epochs"] = most if most != ABSENT and measured != ABSENT else measured
    found["network"] = network_behind(configured.get("machine.run"))
    found |= {f"{key.removesuffix('.name')}[{v}]": CHOSEN for key, v in configured.items() if key.endswith(".name")}
    return tuple(sorted((key, value) for key, value in found.items() if value != ABSENT))


def _qualified(key: str, configured: Record) -> str:
    """`init[mmn18].a_std`: what belongs to a choice says nothing of runs that have made another."""
    group, dot, leaf = key.partition(".")
    choice = configured.get(f"{group}.name")
    return f"{group}[{choice}].{leaf}" if dot and choice and key not in EVERYWHERE else key


def concerns(key: str, table: Mapping[str, str]) -> bool:
    """Whether a setting means anything for a run: what belongs to one choice does so where that choice was made."""
    choice, bracket, _ = key.partition("].")
    if key.startswith("sources."):  # the code behind a network or data of the user's own: ours has none
        return table.get(key, ABSENT) != ABSENT
    return key in table or not bracket or f"{choice}]" in table


def is_choice(key: str) -> bool:
    """Whether this only says which choice was made; the tables say so in their columns."""
    return key.endswith("]")


def network_behind(folder: object) -> str:
    """Of the run whose kernel a machine is made of, its name without seeds and id: they differ from seed to seed."""
    if not isinstance(folder, str):
        return ABSENT
    return re.sub(r"-s\d+(-[idb]\d+)*-\w+$", "", PurePath(folder).name)


def setting_words(key: str, value: str) -> str:
    """A setting as a reader says it: `learning rate 0.01`."""
    key = re.sub(r"\[.*?\]", "", key)
    words = WORDS.get(key, key.removeprefix("trainer.").removeprefix("optimizer."))
    return f"{brief(words.replace('_', ' '))} {brief(value)}"


def one_per_seed(runs: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Of comparable runs with the same seeds keep the one finished last; also how many were left out."""
    seeds = [name for name in runs if _is_seed(str(name).rpartition(".")[2])]
    known = runs[runs[seeds].notna().any(axis=1)].sort_values("finished", kind="stable", na_position="first")
    repeated = known.index[known.duplicated(seeds, keep="last")]
    return runs.drop(repeated), len(repeated)


def network_of(run: Record) -> str:
    """The architecture in words, without its width: MLP, CNN (the poster's), CNN with last ReLU and so on."""
    arch = str(run.get("arch", "network"))
    depth, activation = run.get("config.arch.depth"), run.get("config.arch.activation")
    words = [NETWORKS.get(arch, brief(arch))]
    if isinstance(depth, int | float) and depth == depth and depth != (3 if arch in ("mlp", "cnn") else None):
        words.append(f"depth {depth:g}")
    if isinstance(activation, str) and activation != "relu":
        words.append(brief(activation))
    if arch == "cnn" and run.get("config.arch.last_activation") is not False:
        words.append("with last ReLU" if activation in ("relu", None) else f"with last {activation}")
    return " ".join(words)


def with_width(network: str, width: object) -> str:
    """`MLP 1024`; a network of the user's own may have no width, and goes by its name."""
    return f"{network} {width:g}" if isinstance(width, int | float) and width == width else network


def network_order(network: str) -> tuple[int, str]:
    """The poster's networks first."""
    return (POSTER_NETWORKS.index(network) if network in POSTER_NETWORKS else len(POSTER_NETWORKS), network)


def data_name(data: object) -> str:
    """MNIST, Fashion-MNIST, or the name as it is."""
    return {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}.get(str(data), brief(str(data)))


def _is_setting(key: str, value: object) -> bool:
    leaf = key.rpartition(".")[2]
    if _is_seed(leaf):
        return False
    if leaf == "_target_":  # a class of the user's own is known by its name alone
        return isinstance(value, str) and not value.startswith("lazyregime.")
    return not (key in IN_A_COLUMN or key in NOT_IDENTITY or leaf in IN_A_COLUMN_ANYWHERE or key.startswith(UNDER))


def _is_seed(leaf: str) -> bool:
    return leaf == "seed" or leaf.endswith("_seed")


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ABSENT
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e12 else repr(float(value))
