"""A tangent kernel needs f(x; w) to be a real function of one x: what is refused, in a sentence."""

from typing import Any

import torch
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError


def check_model(model: nn.Module) -> None:
    """Refuse random and batch-dependent layers.

    Raises:
        LazyRegimeError: Naming the layer and the cure.
    """
    for name, module in model.named_modules():
        if not module.training:
            continue
        if isinstance(module, nn.modules.dropout._DropoutNd | nn.RReLU) and getattr(module, "p", 1.0) > 0:
            raise LazyRegimeError(
                f"layer {name!r} ({type(module).__name__}) is random in train mode, so the model has no tangent "
                "kernel; call model.eval() first."
            )
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            raise LazyRegimeError(
                f"layer {name!r} ({type(module).__name__}) normalizes by the batch in train mode, so f(x) depends "
                "on the other inputs; call "
                "model.eval() first, or use GroupNorm or LayerNorm."
            )
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and not module.track_running_stats:
            raise LazyRegimeError(
                f"layer {name!r} ({type(module).__name__}) has no running statistics and normalizes by the batch "
                "even in eval mode; give it "
                "track_running_stats=True, or use GroupNorm or LayerNorm."
            )
    for name, parameter in model.named_parameters():
        if parameter.is_complex():
            raise LazyRegimeError(
                f"parameter {name!r} is complex ({parameter.dtype}), and empirical_ntk is defined for real "
                "parameters only; store its real and "
                "imaginary parts as two real parameters."
            )


def check_inputs(x1: Any, x2: Any, parameters: dict[str, nn.Parameter]) -> None:
    """Refuse inputs that are no batches, or of another precision than the model.

    Raises:
        LazyRegimeError: Saying what was given.
    """
    dtypes = {p.dtype for p in parameters.values() if p.is_floating_point()}
    for name, x in (("x1", x1), ("x2", x2)):
        if x is None:
            continue
        if not isinstance(x, Tensor) or x.ndim == 0 or x.shape[0] == 0:
            what = f"a tensor of shape {tuple(x.shape)}" if isinstance(x, Tensor) else f"a {type(x).__name__}"
            raise LazyRegimeError(
                f"{name} must be a tensor with at least one sample in its first dimension, but is {what}."
            )
        if x.is_floating_point() and dtypes and x.dtype not in dtypes:
            model_dtype = ", ".join(sorted(str(dtype).removeprefix("torch.") for dtype in dtypes))
            given = str(x.dtype).removeprefix("torch.")
            raise LazyRegimeError(
                f"{name} is {given} but the model's parameters are {model_dtype}; the kernel is computed in the "
                "model's precision, so convert "
                f"one to the other, e.g. {name}.to(torch.{model_dtype.split(',')[0]})."
            )


def check_independent(together: Tensor, alone: Tensor) -> None:
    """Refuse a model whose output on a sample changes with the batch around it, or from call to call.

    Raises:
        LazyRegimeError: If the two outputs differ by more than rounding.
    """
    tolerance = 0.05 if together.dtype.itemsize < 4 else (1e-3 if together.dtype == torch.float32 else 1e-7)
    difference = (together - alone).abs().max().item()
    if difference > tolerance * max(together.abs().max().item(), 1.0):
        raise LazyRegimeError(
            f"the model's output on a sample differs by {difference:.3g} when the sample is evaluated alone or "
            "again, so f(x) is no function of "
            "x: some layer is random or mixes the samples of a batch (the first dimension must be the batch); "
            "remove or freeze it."
        )
