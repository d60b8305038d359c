"""Full float32 products unless something faster is asked for: TF32 keeps 10 bits of a factor, bfloat16 7."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._factors import Form

Precision = Literal["full", "tf32", "bf16"]


@contextmanager
def matmul_precision(precision: Precision) -> Iterator[None]:
    """Set PyTorch's own switches for the time of a computation, whatever they were."""
    before = torch.get_float32_matmul_precision()
    convolutions = torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
        torch.backends.cudnn.allow_tf32 = convolutions


def rounded(form: Form, precision: Precision) -> Form:
    """The factors in bfloat16 if that was asked for; ids stay what they are."""
    if precision != "bf16":
        return form
    return form.with_tensors([_to_bf16(tensor) for tensor in form.tensors()])


def _to_bf16(tensor: Tensor) -> Tensor:
    return tensor.bfloat16() if tensor.is_floating_point() else tensor


def check_precision(precision: object, dtype: torch.dtype) -> None:
    """Refuse what is no precision, and a reduced one for a float64 model.

    Raises:
        LazyRegimeError: Saying what is allowed.
    """
    if precision not in ("full", "tf32", "bf16"):
        raise LazyRegimeError(f"precision is {precision!r}; it must be 'full', 'tf32' or 'bf16'.")
    if precision != "full" and dtype != torch.float32:
        raise LazyRegimeError(
            f"precision={precision!r} is for float32 models, but this one is {str(dtype).removeprefix('torch.')}; "
            "convert it with model.float() "
            "or use precision='full'."
        )
