"""A network of one's own, tried on a few samples before anything is written: outputs of the right shape, apart."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from lazyregime.app.compose.hints import ConfigError

SAMPLES = 3
TOLERANCE = 1e-3  # of the largest output: float32 in another order of sums
TOKENS = 64  # of which samples are drawn, where nothing says how many there are


def check_network(network: nn.Module, x: Tensor, n_outputs: int, name: str) -> None:
    """Refuse what cannot be trained on these data.

    Args:
        network: In whatever mode; it is left as it was.
        x: Some inputs.
        n_outputs: How many the data want.
        name: What it is called, for messages.

    Raises:
        ConfigError: If the network fails on the inputs, gives another shape, or mixes its samples.
    """
    was_training = network.training
    state = {key: value.clone() for key, value in network.state_dict().items()}
    network.eval()
    try:
        with torch.no_grad():
            together, apart = network(x), torch.cat([network(x[i : i + 1]) for i in range(len(x))])
    except Exception as error:  # whatever a network of the user's does
        raise ConfigError(
            f"{name} cannot take inputs of shape {tuple(x.shape)} ({str(x.dtype).removeprefix('torch.')}): "
            f"{type(error).__name__}: {_first_line(error)}; change the network, its arguments, or the data."
        ) from error
    finally:
        network.load_state_dict(state)
        network.train(was_training)
    _check_outputs(together, apart, x, n_outputs, name)


def check_shapes(network: nn.Module, x: Tensor, n_outputs: int, name: str, data: str) -> None:
    """Refuse data that a network on the meta device, one of ours, cannot take: nothing is computed, shapes alone.

    Raises:
        ConfigError: If the network fails on such inputs, or gives another number of outputs.
    """
    shape = tuple(x.shape[1:])
    try:
        outputs = network((x.float() if x.is_floating_point() else x).to("meta"))
    except (RuntimeError, ValueError, IndexError) as error:  # as torch has it for a wrong shape, and our own words
        raise ConfigError(
            f"{name} cannot take the samples of {data}, which have shape {shape} ({_first_line(error)}); choose "
            "another arch, or other data."
        ) from error
    if tuple(outputs.shape) != (len(x), n_outputs):
        raise ConfigError(f"{name} gives {tuple(outputs.shape)[1:]} for a sample of {data}, which wants {n_outputs}.")


def sample_inputs(data: dict[str, Any], like: Tensor | None = None) -> Tensor:
    """A few inputs of the shape that the data have: the first of `like`, or drawn at random."""
    if like is not None:
        return like[:SAMPLES]
    generator = torch.Generator().manual_seed(0)
    if data.get("sequence_length"):
        return torch.randint(data.get("num_tokens") or TOKENS, (SAMPLES, data["sequence_length"]), generator=generator)
    features: int | None = data["in_features"]
    shape: tuple[int, ...] = (data.get("in_channels") or 0, data.get("image_size") or 0, data.get("image_size") or 0)
    if features is not None and math.prod(shape) != features:
        shape = (features,)
    return torch.randn(SAMPLES, *shape, generator=generator)


def _check_outputs(together: Any, apart: Any, x: Tensor, n_outputs: int, name: str) -> None:
    if not isinstance(together, Tensor) or not together.is_floating_point():
        raise ConfigError(f"{name} returns a {type(together).__name__}; it must return a tensor of real numbers.")
    if together.shape != (len(x), n_outputs):
        raise ConfigError(
            f"{name} returns {tuple(together.shape)} for inputs {tuple(x.shape)}; the data want {(len(x), n_outputs)}: "
            "a row a sample, and n_outputs numbers in it."
        )
    if not bool(together.isfinite().all()):
        raise ConfigError(f"{name} returns numbers that are not finite at its initialization; see to its weights.")
    size = float(together.abs().max())
    if float((together - apart).abs().max()) > TOLERANCE * size:
        raise ConfigError(
            f"{name} mixes its samples, or is random, in evaluation mode too: a sample's output depends on what else "
            "is in the batch, and its kernel has no meaning then. Use normalizations within a sample."
        )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]
