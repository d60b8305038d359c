"""The network of a training run, at initialization or at a checkpoint: `lazyregime.load_network(run)`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lazyregime.app.compose.build import build_network
from lazyregime.app.compose.fingerprint import fingerprint_of_tensors
from lazyregime.app.compose.own import GIVEN, SOURCES
from lazyregime.app.compose.trust import check_stored, stored_config
from lazyregime.errors import LazyRegimeError
from lazyregime.home import at_home
from lazyregime.runs.checkpoints import Checkpoints
from lazyregime.runs.checksums import checksum_of_object

MOMENTS = ("init", "last", "best")
_PREFIX = "network."  # of the network's weights in a checkpoint


def load_network(
    run: Path | str, at: str = "last", *, network: Callable[[], nn.Module] | None = None, trust: Any = None
) -> nn.Module:
    """The network of a run with the weights that it had, in evaluation mode.

    The weights are `<run>/checkpoints/last.ckpt`, kept by every run, and are read without executing anything. (Of a
    linearized run the network is that at initialization, whatever `at`: its tangent model is what was trained.)

    Args:
        run: The run folder.
        at: init, or the checkpoint last or best.
        network: Makes the network, for a run whose network was given in Python, `run(network=...)`.
        trust: Modules whose classes may be built from what the folder says, beside this package's: "mine".

    Raises:
        LazyRegimeError: If there is no such run or checkpoint, or the folder asks for a class that is not trusted.
    """
    run = at_home(run)
    config = training_config(run, at)
    made = network() if network is not None else _built(config, run, trust)
    if at != "init":
        try:
            made.load_state_dict(_weights(run, at))
        except RuntimeError as error:
            raise LazyRegimeError(f"{_checkpoint(run, at)} is not of the network that {run} has: {error}") from error
    return made.eval()


def training_config(run: Path, at: str) -> dict[str, Any]:
    """The configuration of a training run.

    Raises:
        LazyRegimeError: If it is none.
    """
    if at not in MOMENTS:
        raise LazyRegimeError(f"at={at!r} is not known; choose one of {', '.join(MOMENTS)}.")
    if not (run / "config.yaml").is_file():
        raise LazyRegimeError(f"{run} is no run folder (it has no config.yaml); give the folder of a training run.")
    config = stored_config(run / "config.yaml")
    if not isinstance(config.get("arch"), Mapping) or not isinstance(config.get("trainer"), Mapping):
        raise LazyRegimeError(f"{run} is not a training run; give one that python -m lazyregime.train made.")
    return config


def digest_of_network(run: Path, at: str) -> str:
    """What the network of a run depends on, in 16 hexadecimal digits: its weights, or what it was drawn from.

    The weights and not the file, which holds the seconds of its training too: training again gives the same network.

    Raises:
        LazyRegimeError: If there is no such run or checkpoint.
    """
    config = training_config(run, at)
    if at != "init":
        return fingerprint_of_tensors(_weights(run, at))
    drawn = {key: config.get(key) for key in ("arch", "init_seed", SOURCES)}
    return checksum_of_object(drawn | {"precision": config["trainer"].get("precision")})[:16]


def _built(config: dict[str, Any], run: Path, trust: object) -> nn.Module:
    if str(config["arch"].get("_target_")).startswith(GIVEN):
        raise LazyRegimeError(
            f"The network of {run} was given in Python, run(network=...); give it: load_network(run, network=...)."
        )
    check_stored(config, ["arch"], trust, run)
    try:
        return build_network(config)
    except (KeyError, TypeError) as error:
        raise LazyRegimeError(f"{run}/config.yaml does not say what its network was drawn from ({error}).") from error


def _checkpoint(run: Path, at: str) -> Path:
    path = run / "checkpoints" / f"{at}.ckpt"
    if not path.is_file():
        raise LazyRegimeError(f"{path} does not exist; give another `at`, or train the run anew.")
    if not Checkpoints(path.parent).is_good(path):
        raise LazyRegimeError(f"{path} is damaged (it is not what was written); give the run's own command again.")
    return path


def _weights(run: Path, at: str) -> dict[str, Any]:
    path = _checkpoint(run, at)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever it meets in a file that is none of its own
        raise LazyRegimeError(f"{path} cannot be read as a checkpoint: {str(error).splitlines()[0]}") from error
    state = content.get("state_dict", content) if isinstance(content, Mapping) else {}
    found = {k.removeprefix(_PREFIX): v for k, v in state.items() if k.startswith(_PREFIX)}
    if not found:
        raise LazyRegimeError(f"{path} holds the state of a gradient flow and no network; give at=init.")
    if not all(isinstance(v, Tensor) and v.layout == torch.strided for v in found.values()):
        raise LazyRegimeError(f"{path} holds something else than tensors in the place of weights; train the run anew.")
    return found
