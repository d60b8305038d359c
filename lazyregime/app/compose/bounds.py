"""What the numbers of a training and of its probe may be, and which of them contradict each other."""

from collections.abc import Iterable, Mapping
from typing import Any

from lazyregime.app.compose.config import ConfigDict
from lazyregime.app.compose.hints import ConfigError, unknown_name
from lazyregime.app.compose.own import is_own
from lazyregime.app.compose.own_data import own_data
from lazyregime.data import ClassificationData
from lazyregime.measure.improvement import MONITORS

_LEAST_OF_TRAINER = {"max_epochs": 1, "batch_size": 1, "limit_batches": 1, "patience": 1, "devices": 1, "num_nodes": 1}
_LEAST_OF_PROBE = {"block_rows": 1, "anchors_per_class": 1, "n_test": 1, "n_held_out": 2, "memory_budget": 1}


def check_bounds(config: ConfigDict) -> None:
    """Refuse numbers that cannot be.

    Raises:
        ConfigError: A sentence about the first.
    """
    _check_least("trainer", config["trainer"], _LEAST_OF_TRAINER)
    _check_least("ntk", config["ntk"], _LEAST_OF_PROBE)
    _check_divergence(config["trainer"]["diverged_above"])
    _check_probe(config["ntk"])
    if config["optimizer"]["name"] == "gradient_flow":
        _check_flow(config)
    else:
        _check_epochs(config["ntk"]["at"]["epochs"], config["trainer"]["max_epochs"])
    _check_monitor(config)


def check_anchors(ntk: Mapping[str, Any], data: ClassificationData) -> None:
    """Refuse a kernel of one point, of which no direction is known.

    Raises:
        ConfigError: If the labels are real targets, of which `anchors_per_class` are the anchors in all, and it is 1.
    """
    if ntk["enabled"] and data.is_regression and ntk["anchors_per_class"] == 1:
        raise ConfigError(
            "ntk.anchors_per_class=1 of real targets is one anchor in all, and a kernel of one point has no direction; "
            "give at least 2."
        )


def _check_least(section: str, values: Mapping[str, Any], least: Mapping[str, int]) -> None:
    for name, bound in least.items():
        if values[name] is not None and values[name] < bound:
            raise ConfigError(f"{section}.{name}={values[name]} is not possible; it must be at least {bound}.")


def _check_probe(ntk: Mapping[str, Any]) -> None:
    if ntk["null"] is not None and ntk["null"] not in (0, *range(2, 100)):
        raise ConfigError(
            f"ntk.null={ntk['null']} is not possible; it must be 0 (no null) or at least 2, or null for 2."
        )
    if not 0 <= ntk["ridge"] < float("inf"):
        raise ConfigError(f"ntk.ridge={ntk['ridge']} is not possible; it must be at least 0, and finite.")
    at = ntk["at"]
    if wrong := [step for step in at["steps"] if step < 1]:
        raise ConfigError(
            f"ntk.at.steps has {_listed(wrong)}; give steps from 1 (at initialization the probe looks anyway)."
        )
    if at["per_decade"] is not None and at["per_decade"] < 1:
        raise ConfigError(f"ntk.at.per_decade={at['per_decade']} is not possible; it must be at least 1, or null.")
    if wrong := [fraction for fraction in at["loss_fractions"] if not 0 < fraction < 1]:
        raise ConfigError(
            f"ntk.at.loss_fractions has {_listed(wrong)}; they are fractions of the initial loss, between 0 and 1."
        )


def _check_epochs(epochs: Iterable[int], max_epochs: int) -> None:
    if wrong := [epoch for epoch in epochs if not 1 <= epoch <= max_epochs]:
        raise ConfigError(
            f"ntk.at.epochs has {_listed(wrong)}; give epochs from 1 to trainer.max_epochs={max_epochs} (at "
            "initialization the probe looks anyway)."
        )


def _check_flow(config: ConfigDict) -> None:
    if config["ntk"]["at"]["epochs"]:
        raise ConfigError(
            "ntk.at.epochs does not go with optimizer=gradient_flow, which has no epochs; leave it out, or set "
            "ntk.at.per_decade, steps or loss_fractions."
        )
    if config["optimizer"]["dual"] and not config["regime"]["linearized"]:
        raise ConfigError(
            "optimizer.dual=true flows with the frozen kernel, which is regime=lazy; set that, or optimizer.dual=false."
        )


def _check_divergence(above: float | None) -> None:
    if above is not None and not 1 < above < float("inf"):
        raise ConfigError(
            f"trainer.diverged_above={above:g} is not possible; it must be more than 1, and finite, or null for none."
        )


def _check_monitor(config: ConfigDict) -> None:
    trainer = config["trainer"]
    if trainer["monitor"] is None:
        for name, is_set in (("patience", trainer["patience"]), ("select", trainer["select"] == "best")):
            if is_set:
                raise ConfigError(
                    f"trainer.{name} needs trainer.monitor, which says what is better; set it, for example "
                    "trainer.monitor=validation_accuracy data.n_validation=5000."
                )
        if trainer["schedule"] == "plateau":
            raise ConfigError("trainer.schedule=plateau needs trainer.monitor, which says what an improvement is.")
    elif trainer["monitor"] not in MONITORS:
        raise ConfigError(
            unknown_name(f"trainer.monitor={trainer['monitor']} is not known", trainer["monitor"], MONITORS)
        )
    elif trainer["monitor"].startswith("validation") and not _has_validation(config):
        raise ConfigError(
            f"trainer.monitor={trainer['monitor']} needs validation data; set data.n_validation=5000, for example."
        )


def _has_validation(config: ConfigDict) -> bool:
    data = config["data"]
    return bool(len(own_data(data).validation_labels) if is_own(data) else data.get("n_validation"))


def _listed(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))
