"""Beside the trace: overwritten tensors are kept, and calls that the dispatcher does not see are noted."""

from typing import Any, final

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from lazyregime.kernels.empirical.proof._operations import written
from lazyregime.kernels.empirical.proof._trace import ESCAPE, Recorder

# Called on a tensor, these hand its values to Python, or let Python change its gradient, unseen by the dispatcher.
_ESCAPES = (
    *("tolist", "numpy", "__array__", "__dlpack__", "data_ptr", "apply_", "map_", "map2_", "register_hook", "set_"),
    *("storage", "untyped_storage", "_typed_storage", "__reduce_ex__", "__repr__", "retain_grad"),
)
# These ask for the memory layout, or depend on it.
_LAYOUT = (
    *("is_contiguous", "stride", "storage_offset", "view", "view_as", "as_strided", "data_ptr", "untyped_storage"),
    *("storage", "__array__", "numpy", "__dlpack__", "set_", "is_set_to"),
)


@final
class Guard(TorchDispatchMode):
    """Asks for a copy of what a model is about to overwrite, and nothing else.

    Args:
        names: Of the storages that were there before, as for `Recorder`.
        before_write: As for `Recorder`.
    """

    def __init__(self, names: Any, before_write: Any) -> None:
        super().__init__()
        self.names, self.before_write = names, before_write

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        with torch._C.DisableTorchFunction():
            for place in written(func):
                target = args[place] if isinstance(place, int) and place < len(args) else kwargs.get(str(place))
                for tensor in target if isinstance(target, list | tuple) else (target,):
                    if isinstance(tensor, Tensor) and tensor.untyped_storage()._cdata in self.names:
                        self.before_write(tensor, self.names[tensor.untyped_storage()._cdata])
            return func(*args, **kwargs)


@final
class Listener(TorchFunctionMode):
    """Notes calls on tensors that the dispatcher does not see, and keeps recurrent layers off fused code.

    oneDNN's LSTM has neither a batching rule nor, for frozen weights, a backward pass (torch 2.13).
    """

    def __init__(self, recorder: Recorder | None = None) -> None:
        super().__init__()
        self.recorder = recorder

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in _WATCHED and self.recorder is not None:
            trace = self.recorder.trace
            if name in _LAYOUT and not trace.layout:
                trace.layout = name
            if name in _ESCAPES:
                self.recorder.event(ESCAPE + name, *(a for a in args if isinstance(a, Tensor)))
        elif name in _RECURRENT:
            return by_plain_operations(func, args, kwargs or {})
        return func(*args, **(kwargs or {}))


_WATCHED = frozenset(_ESCAPES + _LAYOUT)
_RECURRENT = frozenset(("lstm", "gru", "rnn_tanh", "rnn_relu"))


def by_plain_operations(func: Any, args: Any, kwargs: Any) -> Any:
    """The call without the fused code of oneDNN and cuDNN."""
    before = torch._C._get_mkldnn_enabled(), torch._C._get_cudnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    torch._C._set_cudnn_enabled(False)
    try:
        return func(*args, **kwargs)
    finally:
        torch._C._set_mkldnn_enabled(before[0])
        torch._C._set_cudnn_enabled(before[1])
