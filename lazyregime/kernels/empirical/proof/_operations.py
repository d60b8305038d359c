"""What an operation of PyTorch says of itself: what it writes to, and whether it draws random numbers."""

import hashlib
from functools import cache
from typing import Any

import torch
from torch import Tensor


@cache
def written(op: Any) -> Any:
    """The arguments that an operation changes, by place or name."""
    arguments = op._schema.arguments
    if op._schema.name.removeprefix("aten::") in ("native_batch_norm", "cudnn_batch_norm", "miopen_batch_norm"):
        return (3, 4)  # the running statistics, which their schemas do not tell
    return tuple(
        a.name if a.kwarg_only else place
        for place, a in enumerate(arguments)
        if a.alias_info is not None and a.alias_info.is_write
    )


@cache
def _seeded(op: Any) -> dict[str, tuple[int, Any]] | None:
    """Of a random operation, where its arguments are and what they are by default."""
    if torch.Tag.nondeterministic_seeded not in op.tags:
        return None
    return {a.name: (place, a.default_value) for place, a in enumerate(op._schema.arguments)}


def is_random(op: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether an operation draws random numbers, and not with a probability of 0 or 1 or outside training."""
    arguments = _seeded(op)
    if arguments is None:
        return False

    def given(name: str, otherwise: Any) -> Any:
        if name not in arguments:
            return otherwise
        place, default = arguments[name]
        return args[place] if place < len(args) else kwargs.get(name, default)

    probability = given("dropout_p", given("p", given("dropout", None)))
    if isinstance(probability, int | float):
        return 0.0 < probability < 1.0 and given("train", given("training", True)) is not False
    return given("training", True) is not False and op is not torch.ops.aten._fused_sdp_choice.default


def digest_of(value: Any) -> str:
    """What a tensor (or several) holds, in 16 letters."""
    digest = hashlib.blake2b(digest_size=8)
    for tensor in value if isinstance(value, list | tuple) else (value,):
        if isinstance(tensor, Tensor):
            digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
            if tensor.numel() and tensor.device.type != "meta":
                plain = tensor.detach().cpu().contiguous().view(-1)
                digest.update(plain.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
