"""Networks and data handed over in Python, `run(..., network=, data=)`: known by fingerprints, kept in this process."""

import contextlib
import copy
import hashlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn

from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.compose.source_digest import source_digest

_HERE = __name__
_networks: dict[str, Callable[[], nn.Module]] = {}
_data: dict[str, Any] = {}


@contextlib.contextmanager
def given(network: Any = None, data: Any = None) -> Iterator[list[str]]:
    """The overrides that stand for these objects, for the length of a with block.

    Args:
        network: A factory (a class or function without arguments, called after init_seed was set), or a module, which
            is one draw: it has one initialization, whatever the seeds.
        data: Whatever `lazyregime.data.from_user` takes.

    Raises:
        LazyRegimeError: If they are something else.
    """
    overrides: list[str] = []
    if network is not None:
        name, fingerprint, factory = _network(network)
        _networks[fingerprint] = factory
        overrides += _stands_for("arch", "network_of", name, fingerprint)
    if data is not None:
        from lazyregime.app.compose.own_data import fingerprint_of
        from lazyregime.data import from_user

        found = from_user(data, name="given", origin="data=")
        _data[fingerprint_of(found)] = found
        overrides += _stands_for("data", "data_of", "given", fingerprint_of(found))
    yield overrides


def network_of(given: str) -> nn.Module:
    """The network with this fingerprint, drawn anew, or a copy of the one there is.

    Raises:
        ConfigError: In another process, which does not have it.
    """
    if given not in _networks:
        raise ConfigError(
            "This run's network was given in Python, run(..., network=...), and is not there in this process; give "
            "that call again, or write the class into a file and name it: arch=own arch._target_=FILE.CLASS."
        )
    return _networks[given]()


def data_of(given: str) -> Any:
    """The data with this fingerprint.

    Raises:
        ConfigError: In another process, which does not have them.
    """
    if given not in _data:
        raise ConfigError(
            "This run's data were given in Python, run(..., data=...), and are not there in this process; give that "
            "call again, or write a function into a file and name it: data=own data._target_=FILE.FUNCTION."
        )
    return _data[given]


def _stands_for(group: str, function: str, name: str, fingerprint: str) -> list[str]:
    return [
        f"{group}=own",
        f"{group}._target_={_HERE}.{function}",
        f"{group}.given={fingerprint}",
        f"{group}.name={name}",
    ]


def _network(network: Any) -> tuple[str, str, Callable[[], nn.Module]]:
    """The name, the fingerprint, and how it is made."""
    if isinstance(network, nn.Module):
        frozen = copy.deepcopy(network)
        return type(network).__name__, _of_module(network), lambda: copy.deepcopy(frozen)
    if not callable(network):
        raise ConfigError(
            f"network={network!r} is a {type(network).__name__}; give a torch module, or a class or function without "
            "arguments that makes one (functools.partial gives it arguments)."
        )
    made = _made(network)
    return type(made).__name__, _of_factory(network, made), lambda: _made(network)


def _made(factory: Callable[[], object]) -> nn.Module:
    try:
        made = factory()
    except Exception as error:  # whatever a factory of the user's does
        raise ConfigError(f"network= failed when it was called: {type(error).__name__}: {error}.") from error
    if not isinstance(made, nn.Module):
        raise ConfigError(f"network= made a {type(made).__name__}; it must make a torch module.")
    return made


def _of_factory(factory: Any, made: nn.Module) -> str:
    """By its source and its arguments; a cell of a notebook has no file: then by what it makes under one seed."""
    function = getattr(factory, "func", factory)  # of a partial
    arguments = repr((getattr(factory, "args", ()), sorted(getattr(factory, "keywords", {}).items())))
    try:
        name = f"{function.__module__}.{function.__qualname__}"
        source = source_digest(name, "network") + inspect.getsource(function)
    except (ConfigError, OSError, TypeError, AttributeError):
        source = ""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        drawn = _made(factory)
    return _digest(source.encode(), arguments.encode() if source else b"", _of_module(drawn).encode())


def _of_module(module: nn.Module) -> str:
    """By its structure and its weights."""
    parts = [repr(module).encode()]
    for name, tensor in module.state_dict().items():
        parts += [name.encode(), _bytes(cast(Tensor, tensor))]
    return _digest(*parts)


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(str(len(part)).encode() + b":" + part)
    return digest.hexdigest()[:16]
