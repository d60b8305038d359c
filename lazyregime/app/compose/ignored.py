"""What was typed and would have no effect is refused: nobody should believe that a value counted."""

from collections.abc import Callable, Mapping, Sequence

from lazyregime.app.compose.config import ConfigDict
from lazyregime.app.compose.hints import ConfigError

# (where it has no effect, the keys, why, what to do)
_Rule = tuple[Callable[[ConfigDict], bool], tuple[str, ...], str, str]


def _of(group: str, key: str, *values: object) -> Callable[[ConfigDict], bool]:
    return lambda config: isinstance(node := config.get(group), Mapping) and node.get(key) in values


def _fits_no_units(config: ConfigDict) -> bool:
    machine = config.get("machine")
    return isinstance(machine, Mapping) and "num_features" not in machine


_RULES: tuple[_Rule, ...] = (
    (
        _of("optimizer", "name", "gradient_flow"),
        (
            "trainer.max_epochs", "trainer.batch_size", "trainer.schedule", "trainer.monitor", "trainer.patience",
            "trainer.select", "trainer.limit_batches", "trainer.profile",
        ),
        "optimizer=gradient_flow takes all points at once, in steps of its own choice, until it is done",
        "leave it out, and see optimizer.max_steps, optimizer.max_time, optimizer.min_loss and optimizer.margin",
    ),
    (
        _fits_no_units, ("width",), "this machine has no units to count",
        "leave it out, or choose a machine of features, such as machine=rf",
    ),
    (_of("ntk", "enabled", False), ("ntk.",), "ntk=none probes nothing", "leave it out, or leave out ntk=none"),
)  # fmt: skip


def check_used(overrides: Sequence[str], config: ConfigDict) -> None:
    """Refuse the first override that would have no effect.

    Args:
        overrides: As typed, key=value.
        config: What they make.

    Raises:
        ConfigError: Naming it; null says that it is left out, and is let pass.
    """
    for applies, keys, why, advice in _RULES:
        if not applies(config):
            continue
        for override in overrides:
            key, _, value = override.lstrip("+").partition("=")
            if key.startswith(keys) and value not in ("null", "false"):
                raise ConfigError(f"{override} would have no effect: {why}; {advice}.")
