"""What a kernel is evaluated at: a tensor of finite samples, of the shape that it can be compared with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from lazyregime.errors import LazyRegimeError


def check_samples(x: Any, name: str = "x") -> Tensor:
    """The samples, without history.

    Raises:
        LazyRegimeError: If they are no tensor of real finite numbers with at least one sample.
    """
    if not isinstance(x, Tensor):
        cure = f"; give torch.as_tensor({name})" if type(x).__module__ in ("numpy", "builtins") else ""
        raise LazyRegimeError(f"{name} is a {type(x).__module__}.{type(x).__name__}, but samples are a tensor{cure}.")
    if x.ndim == 0 or x.numel() == 0:
        raise LazyRegimeError(f"{name} has shape {tuple(x.shape)}; give at least one sample, in the first dimension.")
    if x.is_meta:
        raise LazyRegimeError(f"{name} is on the device meta, so it has a shape but no numbers; give samples.")
    if x.is_complex():
        raise LazyRegimeError(f"{name} is complex ({x.dtype}); only real samples are allowed.")
    x = x.detach().clone() if x.is_inference() else x.detach()
    num_bad = 0 if not x.is_floating_point() else int((~torch.isfinite(x)).sum())
    if num_bad:
        raise LazyRegimeError(
            f"{name} has {num_bad} entries of {x.numel()} that are NaN or infinite; drop those samples or fill them in."
        )
    return x


def check_stored(kernel: Any, name: str, ranks: tuple[int, ...]) -> None:
    """Refuses what is no stored kernel; its entries are looked at later.

    Raises:
        LazyRegimeError: Saying what was given.
    """
    if not isinstance(kernel, Tensor):
        raise LazyRegimeError(
            f"The {name} is a {type(kernel).__module__}.{type(kernel).__name__}; give a tensor, torch.as_tensor of it."
        )
    if kernel.ndim not in ranks:
        raise LazyRegimeError(f"The {name} has shape {tuple(kernel.shape)}; give (n, n) or (n, n, k, k).")


@contextmanager
def comparing(x: Tensor, anchors: Tensor) -> Iterator[None]:
    """Says of samples of another shape than those of the fit that this is what is wrong with them."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        if isinstance(error, LazyRegimeError) or x.shape[1:] == anchors.shape[1:]:
            raise
        raise LazyRegimeError(
            f"The samples have shape {tuple(x.shape)}, but the fit was on samples of shape {tuple(anchors.shape)}, and "
            f"the kernel cannot compare them: {str(error).splitlines()[0]}"
        ) from error
