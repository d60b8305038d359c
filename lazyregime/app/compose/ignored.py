"""What was typed and has no effect is told: nobody should believe that a value counted."""

from collections.abc import Callable, Mapping, Sequence

from lazyregime.app.compose.config import ConfigDict

# (where it has no effect, the keys, why, what to do)
_Rule = tuple[Callable[[ConfigDict], bool], tuple[str, ...], str, str]


def _of(group: str, key: str, *values: object) -> Callable[[ConfigDict], bool]:
    return lambda config: isinstance(node := config.get(group), Mapping) and node.get(key) in values


def _fits_no_units(config: ConfigDict) -> bool:
    machine = config.get("machine")
    return isinstance(machine, Mapping) and "num_features" not in machine


def _is_binary_fit(config: ConfigDict) -> bool:
    data = config.get("data")
    return "coding" in config and isinstance(data, Mapping) and data.get("n_outputs") == 1


_RULES: tuple[_Rule, ...] = (
    (
        _of("optimizer", "name", "gradient_flow"),
        (
            "trainer.max_epochs", "trainer.batch_size", "trainer.schedule", "trainer.monitor", "trainer.patience",
            "trainer.select", "trainer.limit_batches", "trainer.profile", "trainer.diverged_above",
        ),
        "optimizer=gradient_flow takes all points at once, in steps of its own choice, until it is done",
        "see optimizer.max_steps, optimizer.max_time, optimizer.min_loss and optimizer.margin",
    ),
    (
        _fits_no_units, ("width",), "this machine has no units to count",
        "machines of features have, such as machine=rf",
    ),
    (
        _is_binary_fit, ("coding",), "one output is learned as it is: a real target, or -1 and +1 of two classes",
        "leave it out",
    ),
    (_of("ntk", "enabled", False), ("ntk.",), "ntk=none probes nothing", "leave out one of them"),
)  # fmt: skip


def without_effect(overrides: Sequence[str], config: ConfigDict) -> tuple[str, ...]:
    """A sentence about the overrides that have no effect, for each reason there is.

    Args:
        overrides: As typed, key=value; null says that a key is left out, and false that it is off.
        config: What they make.
    """
    return tuple(
        f"{' and '.join(typed)} {'has' if len(typed) == 1 else 'have'} no effect: {why}; {advice}."
        for applies, keys, why, advice in _RULES
        if applies(config) and (typed := [each for each in overrides if _is_one_of(each, keys)])
    )


def _is_one_of(override: str, keys: tuple[str, ...]) -> bool:
    key, _, value = override.lstrip("+").partition("=")
    return key.startswith(keys) and value not in ("null", "false")
