"""A tangent kernel needs f(x; w) to be a real function of one x: what is refused, in a sentence."""

from typing import Any

import torch
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError

_WRAPPERS = {
    "DataParallel": "model.module",
    "DistributedDataParallel": "model.module",
    "FullyShardedDataParallel": "the model before it was sharded",
    "OptimizedModule": "the model before torch.compile (model._orig_mod)",
}


def check_model(model: nn.Module) -> None:
    """Refuse what is no plain module, and random and batch-dependent layers.

    Raises:
        LazyRegimeError: Naming the layer and the cure.
    """
    if not isinstance(model, nn.Module):
        raise LazyRegimeError(
            f"the model is a {type(model).__name__}; it must be a torch.nn.Module, whose parameters are then known. "
            "Wrap a function in one."
        )
    for name, module in model.named_modules():
        _check_kind(name or "model", module)
        _check_layer(name, module)
    for name, parameter in model.named_parameters():
        _check_parameter(name, parameter)


def _check_kind(name: str, module: nn.Module) -> None:
    kind = type(module).__name__
    if isinstance(module, torch.jit.ScriptModule):
        raise LazyRegimeError(
            f"{name!r} is compiled by torch.jit ({kind}), so what it does cannot be followed; give the module it was "
            "made from."
        )
    if kind in _WRAPPERS:
        raise LazyRegimeError(f"{name!r} is wrapped ({kind}); give {_WRAPPERS[kind]} instead.")


def _check_layer(name: str, module: nn.Module) -> None:
    what = f"layer {name!r} ({type(module).__name__})"
    random = isinstance(module, nn.modules.dropout._DropoutNd | nn.RReLU)
    if module.training and random and getattr(module, "p", 1.0) > 0:
        raise LazyRegimeError(
            f"{what} is random in train mode, so the model has no tangent kernel; call model.eval() first."
        )
    if not isinstance(module, nn.modules.batchnorm._BatchNorm):
        return
    if module.training:
        raise LazyRegimeError(
            f"{what} normalizes by the batch in train mode, so f(x) depends on the other inputs; call model.eval() "
            "first, or use GroupNorm or LayerNorm."
        )
    if not module.track_running_stats:
        raise LazyRegimeError(
            f"{what} has no running statistics and normalizes by the batch even in eval mode; give it "
            "track_running_stats=True, or use GroupNorm or LayerNorm."
        )


def _check_parameter(name: str, parameter: nn.Parameter) -> None:
    if isinstance(parameter, nn.parameter.UninitializedParameter):
        raise LazyRegimeError(f"parameter {name!r} has no shape yet (a lazy module); run the model on one batch first.")
    if parameter.device.type == "meta":
        raise LazyRegimeError(
            f"parameter {name!r} is on the meta device and holds no numbers; materialize the model first, e.g. with "
            "model.to_empty(device='cpu') and its own initialization."
        )
    if parameter.is_complex():
        raise LazyRegimeError(
            f"parameter {name!r} is complex ({parameter.dtype}), and empirical_ntk is defined for real parameters "
            "only; store its real and imaginary parts as two real parameters."
        )
    if parameter.is_floating_point() and parameter.dtype not in _DTYPES:
        raise LazyRegimeError(
            f"parameter {name!r} is {_short(parameter.dtype)}; products of such numbers are not known to PyTorch. "
            "Convert the model, e.g. with model.float()."
        )


_DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def check_inputs(x1: Any, x2: Any, parameters: dict[str, nn.Parameter]) -> None:
    """Refuse inputs that are no batches, that the other's cannot be compared with, or that the model cannot take.

    Raises:
        LazyRegimeError: Saying what was given.
    """
    for name, x in (("x1", x1), ("x2", x2)):
        if x is not None or name == "x1":
            _check_batch(name, x, parameters)
    if x2 is not None and x2.shape[1:] != x1.shape[1:]:
        raise LazyRegimeError(
            f"the samples of x2 have shape {tuple(x2.shape[1:])} but those of x1 {tuple(x1.shape[1:])}; a kernel "
            "compares samples of one shape."
        )
    if x2 is not None and (x2.dtype != x1.dtype or x2.device != x1.device):
        raise LazyRegimeError(
            f"x2 is {_short(x2.dtype)} on {x2.device} but x1 is {_short(x1.dtype)} on {x1.device}; convert one."
        )


def _check_batch(name: str, x: Any, parameters: dict[str, nn.Parameter]) -> None:
    if not isinstance(x, Tensor) or x.ndim == 0 or x.shape[0] == 0:
        what = f"a tensor of shape {tuple(x.shape)}" if isinstance(x, Tensor) else f"a {type(x).__name__}"
        raise LazyRegimeError(
            f"{name} must be a tensor with at least one sample in its first dimension, but is {what}."
        )
    if x.layout != torch.strided or x.device.type == "meta":
        raise LazyRegimeError(
            f"{name} is {'on the meta device' if x.device.type == 'meta' else str(x.layout)}; give a dense tensor of "
            f"numbers, e.g. {name}.to_dense()."
        )
    dtypes = {p.dtype for p in parameters.values() if p.is_floating_point()}
    if x.is_floating_point() and dtypes and x.dtype not in dtypes:
        model_dtype = ", ".join(sorted(_short(dtype) for dtype in dtypes))
        raise LazyRegimeError(
            f"{name} is {_short(x.dtype)} but the model's parameters are {model_dtype}; the kernel is computed in the "
            f"model's precision, so convert one to the other, e.g. {name}.to(torch.{model_dtype.split(',')[0]})."
        )
    devices = {p.device for p in parameters.values()}
    if devices and devices != {x.device}:
        there = ", ".join(sorted(map(str, devices)))
        raise LazyRegimeError(
            f"{name} is on {x.device} but the model's parameters are on {there}; move both to one device."
        )


def check_finite(theta: Tensor, x1: Tensor, x2: Tensor | None) -> None:
    """Refuse a kernel with infinities or without numbers.

    Raises:
        LazyRegimeError: Saying where they came from, as far as it is known.
    """
    low, high = torch.aminmax(theta)
    if torch.isfinite(low) and torch.isfinite(high):
        return
    for name, x in (("x1", x1), ("x2", x2)):
        if x is not None and x.is_floating_point() and not bool(torch.isfinite(x).all()):
            raise LazyRegimeError(
                f"the kernel is not finite, and neither are {int((~torch.isfinite(x)).sum())} numbers in {name}."
            )
    raise LazyRegimeError(
        f"the kernel is not finite in {_short(theta.dtype)}: the network's outputs, their gradients or the products of "
        "these are too large for it, or not defined at these inputs. Convert model and inputs to a wider type, e.g. "
        "float64, or scale them down."
    )


def check_alike(given: Tensor, expected: Tensor, when: str, what: str = "output", *, same: bool = False) -> None:
    """Refuse a model whose output or gradient on a sample changes with the batch around it, or from call to call.

    Raises:
        LazyRegimeError: If the two differ by more than rounding; if the operations are the same, by more than summing
            in another order makes.
    """
    allowed = 100 * torch.finfo(expected.dtype).eps if same else tolerance(expected.dtype)
    given, expected = given.detach().double(), expected.detach().double()
    error, scale = (given - expected).norm().item(), max(given.norm().item(), expected.norm().item())
    if error > allowed * scale:
        raise LazyRegimeError(
            f"the model's {what} on a sample differs by {error / scale:.3g} of its size when the sample is {when}, so "
            "f(x) is no function of x: some layer is random, keeps a state, or mixes the samples of a batch (the first "
            "dimension must be the batch); remove or freeze it."
        )


def tolerance(dtype: torch.dtype) -> float:
    """The relative difference that rounding makes between two ways to compute the same."""
    return {torch.float64: 1e-7, torch.float32: 1e-3}.get(dtype, 0.05)


def check_not_random(drawn: bool, names: list[str]) -> None:
    """Refuse a model that draws random numbers.

    Raises:
        LazyRegimeError: Naming the operations, if they are PyTorch's.
    """
    if drawn:
        how = f" ({', '.join(names)})" if names else " (Python's or NumPy's)"
        raise LazyRegimeError(
            f"the model draws random numbers{how} in its forward pass, so it is random and has no tangent kernel; call "
            "model.eval() first, or remove what draws."
        )
