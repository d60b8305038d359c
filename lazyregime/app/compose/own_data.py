"""data=own: a function of one's own is called once, its data checked, and the architectures are told their shapes."""

import functools
import hashlib
import json
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf, open_dict

from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.compose.own import is_own
from lazyregime.app.compose.source_digest import module_file

FINGERPRINT = "fingerprint"  # of the data themselves, so that other data are another run


def describe_data(config: DictConfig) -> None:
    """Fill in the shapes and the fingerprint of data of one's own, which have to be loaded for that.

    Raises:
        LazyRegimeError: If the function cannot be called, or returns no data.
    """
    node = OmegaConf.select(config, "data")
    if node is None or OmegaConf.is_missing(node, "_target_") or not node.get("_target_"):
        return
    plain: Any = OmegaConf.to_container(node, resolve=True)
    if not is_own(plain):
        return
    from lazyregime.data import shapes_of

    data = own_data(plain)
    with open_dict(config):
        for key, value in {**shapes_of(data), FINGERPRINT: fingerprint_of(data)}.items():
            OmegaConf.update(config, f"data.{key}", value, force_add=True)


def own_data(node: dict[str, Any]) -> Any:
    """The data that the function of a node returns, kept for the next who asks.

    Raises:
        LazyRegimeError: If the function cannot be called, or returns no data.
    """
    from lazyregime.app.compose.build import DESCRIPTIONS

    left_out = ("name", "_target_", FINGERPRINT, *DESCRIPTIONS)
    arguments = {key: value for key, value in node.items() if key not in left_out}
    file = module_file(str(node["_target_"]))
    changed = file.stat().st_mtime_ns if file is not None else 0
    return _loaded(str(node["_target_"]), json.dumps(arguments, sort_keys=True, default=str), changed)


@functools.lru_cache(maxsize=2)
def _loaded(target: str, arguments: str, _changed: int) -> Any:
    from lazyregime.app.compose.build import build
    from lazyregime.data import from_user

    node = {"name": target, "_target_": target, **json.loads(arguments)}
    try:
        value = build(node, "data")
    except ConfigError:
        raise
    except Exception as error:  # whatever a function of the user's does
        raise ConfigError(f"data._target_={target} failed: {type(error).__name__}: {error}.") from error
    return from_user(value, name=target, origin=f"what {target} returned")


def fingerprint_of(data: Any) -> str:
    """SHA-256 of all tensors of a data set, in 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for split in ("train", "validation", "test"):
        for part in (f"{split}_inputs", f"{split}_labels"):
            tensor = getattr(data, part).detach().cpu().contiguous()
            digest.update(f"{part} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
