"""A device that is not there: tensors on pretend:0 keep their numbers on the CPU, and do not mix with those of the CPU.

What would fail on a GPU fails here: a tensor that was made on the CPU, or left there, and meets one of the device. What
cannot be seen is how fast anything is. Use it as a context: `with PretendDevice() as there: x.to(there.device)`.
"""

import contextlib
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend


class _Module:
    """What torch asks of a device: that it is there, and that a seed is nothing to it."""

    def is_available(self):
        return True

    def is_initialized(self):
        return True

    def device_count(self):
        return 1

    def current_device(self):
        return 0

    def _is_in_bad_fork(self):
        return False

    def manual_seed_all(self, seed):
        del seed


_setup_privateuseone_for_python_backend("pretend", backend_module=_Module())
DEVICE = torch.device("pretend", 0)


class OnDevice(Tensor):
    """A tensor of the device, whose numbers are those of `inner`."""

    @staticmethod
    def __new__(cls, inner):
        return Tensor._make_wrapper_subclass(
            cls, inner.shape, strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype,
            device=DEVICE, requires_grad=False,
        )  # fmt: skip

    def __init__(self, inner):
        self.inner = inner

    def tolist(self):
        return self.inner.tolist()

    def __repr__(self):
        return f"OnDevice({self.inner!r})"

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return run(function, args, kwargs or {})


class PretendDevice(TorchDispatchMode):
    """Makes tensors that are asked for on the device, and moves others there and back."""

    device = DEVICE

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return run(function, args, kwargs or {})


def run(function, args, kwargs):
    """One operation on the numbers themselves, whose results are where a device would leave them."""
    tensors = [t for t in pytree.tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
    there = [t for t in tensors if isinstance(t, OnDevice)]
    moves = "device" in kwargs and kwargs["device"] is not None
    onto = torch.device(kwargs["device"]).type == DEVICE.type if moves else bool(there)
    name = function._schema.name
    copies = name in ("aten::_to_copy", "aten::copy_", "aten::_local_scalar_dense")
    if there and not copies:
        strangers = [t for t in tensors if not isinstance(t, OnDevice) and (t.ndim or name == "aten::cat")]
        indexing = name in ("aten::index.Tensor", "aten::index_put_", "aten::index")  # takes indices from the CPU
        if strangers and not indexing:
            raise RuntimeError(f"{name}: expected all tensors to be on the same device, pretend:0 and cpu")
    if moves:
        kwargs = kwargs | {"device": torch.device("cpu")}
    done = function(*pytree.tree_map(_inner, args), **pytree.tree_map(_inner, kwargs))
    if name == "aten::_local_scalar_dense":
        return done
    if name == "aten::copy_" or function._schema.is_mutable:
        return _same(done, args, kwargs)
    return pytree.tree_map(lambda t: OnDevice(t) if isinstance(t, Tensor) else t, done) if onto else done


def _inner(x):
    return x.inner if isinstance(x, OnDevice) else x


def _same(done, args, kwargs):
    """What an operation in place returns is the very tensor that it changed."""
    known = {id(t.inner): t for t in pytree.tree_leaves((args, kwargs)) if isinstance(t, OnDevice)}
    return pytree.tree_map(lambda t: known.get(id(t), t), done)


def _empty(size, stride=None, dtype=None, layout=None, device=None, pin_memory=None, memory_format=None):
    del layout, device, pin_memory, memory_format
    options = {"dtype": dtype, "device": "cpu"}
    return OnDevice(torch.empty(size, **options) if stride is None else torch.empty_strided(size, stride, **options))


def _copy_from(source, onto, non_blocking=False):
    del non_blocking
    _inner(onto).copy_(_inner(source))
    return onto


# what torch calls below the mode, for `x.new_tensor(..)` and `torch.tensor(.., device=..)`
_LIBRARY = torch.library.Library("aten", "IMPL")
_LIBRARY.impl("empty_strided", _empty, "PrivateUse1")
_LIBRARY.impl("empty.memory_format", lambda size, **options: _empty(size, **options), "PrivateUse1")
_LIBRARY.impl("_copy_from", _copy_from, "PrivateUse1")


class RealGPU(contextlib.nullcontext[Any]):
    """The same for a GPU that is there, in tests marked cuda."""

    device = torch.device("cuda")

    def __enter__(self):
        return self


# the second is for `pytest -m cuda`
DEVICES = [pytest.param(PretendDevice, id="pretend"), pytest.param(RealGPU, id="cuda", marks=pytest.mark.cuda)]


def agree(found, expected, device):
    """The very numbers of the CPU where they were computed on it; on a GPU up to rounding."""
    if device.type == DEVICE.type:
        return torch.equal(found.cpu(), expected)
    return torch.allclose(found.cpu(), expected, rtol=1e-7, atol=1e-9)
