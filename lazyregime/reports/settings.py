"""Runs may be averaged only if they differ in nothing but their seeds: what counts as a difference, and its name."""

# pandas tells its types only in part.
# pyright: reportCallIssue=false

from collections.abc import Mapping

import pandas as pd

from lazyregime.reports._cleaning import brief

Settings = tuple[tuple[str, str], ...]
Record = Mapping[str, object]
ABSENT = "none"

POSTER_NETWORKS = ("MLP", "CNN")
SEEDS = ("seed", "init_seed", "data_seed", "batch_seed")
COUNTED = ("data", "loss", "optimizer", "n_train", "num_anchors", "num_test_probe", "parameterization", "selected_on")

# Keys of the configuration that do not change a result, or that the tables already have a column for.
NOT_SETTINGS = {
    *(
        "name",
        "group",
        "tags",
        "data_dir",
        "runs_dir",
        "rerun",
        "progress",
        "num_threads",
        "resume",
        "debug_name",
        "experiment",
        "debug",
        "width",
        "alpha",
        "laziness",
        "lr",
    ),
    *("parameterization", "loss.name", "optimizer.name", "data.name", "regime.name", "regime.parameterization"),
    *("arch.name", "arch.depth", "arch.activation", "arch.last_activation", "arch.parameterization"),
    *("data.n_train", "ntk.n_test", "ntk.anchors_per_class", "ntk.protocol", "ntk.at_epochs", "ntk.at_loss_fractions"),
    *("trainer.accelerator", "trainer.devices", "trainer.profile"),
}
NOT_SETTINGS_ANYWHERE = {*SEEDS, "_target_", "_convert_", "width", "data_dir", "offline", "memory_budget"}
NOT_SETTINGS_UNDER = ("tracking.", "hydra.", "paths.")

# What a reader must see even where the regimes differ by nature (learning rate and parameterization are theirs).
ALWAYS_TOLD = (
    *("data", "n_train", "loss", "optimizer", "epochs", "trainer.batch_size", "trainer.schedule"),
    *("trainer.limit_batches", "num_anchors", "num_test_probe", "data.n_test", "selected_on"),
)
TOLD = (*ALWAYS_TOLD[:4], "optimizer.lr", *ALWAYS_TOLD[4:], "trainer.select")

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
}


def settings_of(run: Record) -> Settings:
    """Everything that decides a run's numbers, but for seeds, width, alpha, regime and architecture."""
    found = {key: _text(run[key]) for key in COUNTED if key in run}
    configured = {key.removeprefix("config."): value for key, value in run.items() if key.startswith("config.")}
    found |= {key: _text(value) for key, value in configured.items() if _is_setting(key)}
    most = found.pop("trainer.max_epochs", ABSENT)
    found["epochs"] = most if most != ABSENT else _text(run.get("epochs"))
    return tuple(sorted((key, value) for key, value in found.items() if value != ABSENT))


def setting_words(key: str, value: str) -> str:
    """A setting as a reader says it: `learning rate 0.01`."""
    words = WORDS.get(key, key.removeprefix("trainer.").removeprefix("optimizer."))
    return f"{brief(words.replace('_', ' '))} {brief(value)}"


def one_per_seed(runs: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Of comparable runs with the same seeds keep the one finished last; also how many were left out."""
    seeds = [name for name in (*SEEDS, *(f"config.{seed}" for seed in SEEDS)) if name in runs]
    known = runs[runs[seeds].notna().any(axis=1)].sort_values("finished", kind="stable", na_position="first")
    repeated = known.index[known.duplicated(seeds, keep="last")]
    return runs.drop(repeated), len(repeated)


def network_of(run: Record) -> str:
    """The architecture in words, without its width: MLP, CNN (the poster's), CNN with last ReLU and so on."""
    arch = brief(str(run.get("arch", "network")))
    depth, activation = run.get("config.arch.depth"), run.get("config.arch.activation")
    words = [arch.replace("_", " ") if arch == "two_layer" else arch.upper()]
    if isinstance(depth, int | float) and depth == depth and depth != 3:
        words.append(f"depth {depth:g}")
    if isinstance(activation, str) and activation != "relu":
        words.append(brief(activation))
    if arch == "cnn" and run.get("config.arch.last_activation") is not False:
        words.append("with last ReLU" if activation in ("relu", None) else f"with last {activation}")
    return " ".join(words)


def network_order(network: str) -> tuple[int, str]:
    """The poster's networks first."""
    return (POSTER_NETWORKS.index(network) if network in POSTER_NETWORKS else len(POSTER_NETWORKS), network)


def data_name(data: object) -> str:
    """MNIST, Fashion-MNIST, or the name as it is."""
    return {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}.get(str(data), brief(str(data)))


def _is_setting(key: str) -> bool:
    leaf = key.rpartition(".")[2]
    return not (key in NOT_SETTINGS or leaf in NOT_SETTINGS_ANYWHERE or key.startswith(NOT_SETTINGS_UNDER))


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ABSENT
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e12 else repr(float(value))
