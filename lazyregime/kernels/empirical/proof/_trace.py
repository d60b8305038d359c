"""What a model does with tensors, as a list: every operation with the geometry of what goes in and out.

Recorded below autograd, where each operation is one of a few hundred known ones, whatever the model's code looks like.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple, final

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from lazyregime.kernels.empirical.proof._views import OPAQUE, View

# Called on a tensor, these hand its values to Python, or let Python change its gradient, unseen by the dispatcher.
_ESCAPES = ("tolist", "numpy", "__array__", "__dlpack__", "data_ptr", "apply_", "map_", "map2_", "register_hook")
_ESCAPES += ("storage", "untyped_storage", "_typed_storage", "__reduce_ex__", "__repr__", "retain_grad", "set_")
# These ask for the memory layout, or depend on it.
_LAYOUT = ("is_contiguous", "stride", "storage_offset", "view", "as_strided", "data_ptr", "untyped_storage")
_LAYOUT += ("storage", "__array__", "numpy", "__dlpack__", "set_", "is_set_to")


class Entry(NamedTuple):
    """One operation: views stand for its tensors. `draws` is a digest of what a random operation gave."""

    op: Any
    args: tuple[Any, ...]
    kwargs: tuple[tuple[str, Any], ...]
    outputs: Any
    grad: bool
    draws: str = ""


@final
@dataclass
class Trace:
    """The operations of one forward pass.

    Attributes:
        num_rows: the samples in the batch.
        sources: where each storage comes from that no operation made: the inputs, a parameter by name, or what it holds.
        rows: the bytes of a sample in the inputs' storages.
        layout: the first call that shows the model a memory layout.
        kept: alive as long as the trace, so that no address is used twice.
    """

    num_rows: int
    entries: list[Entry] = field(default_factory=list[Entry])
    sources: dict[int, str] = field(default_factory=dict[int, str])
    rows: dict[int, int] = field(default_factory=dict[int, int])
    layout: str = ""
    output: View | None = None
    kept: dict[int, tuple[int, int, StorageWeakRef]] = field(
        default_factory=dict[int, tuple[int, int, StorageWeakRef]]
    )


ESCAPE = "escape "
INPUT, PARAMETER, OTHER = "input ", "parameter ", "other "


@final
class Recorder(TorchDispatchMode):
    """Writes a trace while a model runs, and asks for a copy of what the model is about to overwrite.

    Args:
        trace: Where to write.
        names: By storage: "parameter NAME" or "input NAME".
        before_write: Given a tensor that was there before the forward pass, when an operation is about to change it.
        draws: Whether to keep digests of random numbers.
    """

    def __init__(
        self, trace: Trace, names: dict[int, str], before_write: Callable[[Tensor, str], None], draws: bool = False
    ) -> None:
        super().__init__()
        self.trace, self.names, self.before_write, self.draws = trace, names, before_write, draws

    def __torch_dispatch__(  # noqa: D105
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        with torch._C.DisableTorchFunction():
            noted = self.note(args)
            noted_kwargs = tuple((key, self.note(value)) for key, value in kwargs.items())
            for place in written(func):
                target = args[place] if isinstance(place, int) and place < len(args) else kwargs.get(str(place))
                self._keep(target)
            out = func(*args, **kwargs)
            draws = digest_of(out) if self.draws and is_random(func, args, kwargs) else ""
            self.trace.entries.append(
                Entry(func, noted, noted_kwargs, self.note(out, made=True), torch.is_grad_enabled(), draws)
            )
        return out

    def note(self, value: Any, *, made: bool = False) -> Any:
        """The same with views in the place of tensors."""
        if isinstance(value, Tensor):
            return self.view(value, made)
        if isinstance(value, list | tuple):
            return tuple([self.note(item, made=made) for item in value])
        return value

    def view(self, tensor: Tensor, made: bool = False) -> View:
        """Where a tensor lies. A storage that no operation made is named by its source."""
        try:
            storage = tensor.untyped_storage()
        except (NotImplementedError, RuntimeError):
            return View(OPAQUE, 0, tuple(tensor.shape), (), tensor.dtype)
        address: int = storage._cdata
        known = self.trace.kept.get(address)
        if known is None:
            name = "" if made else self.names.get(address) or OTHER + digest_of(tensor)
            origin = tensor.storage_offset() if name.startswith(INPUT) else 0
            serial = len(self.trace.kept)
            known = self.trace.kept[address] = (serial, origin, StorageWeakRef(storage))
            if name:
                self.trace.sources[serial] = name
            if name.startswith(INPUT):
                self.trace.rows[serial] = tensor.stride(0) * tensor.element_size()
        return View(known[0], tensor.storage_offset() - known[1], tensor.shape, tensor.stride(), tensor.dtype)

    def event(self, name: str, *tensors: Tensor) -> None:
        """Note something that is no operation, as that a layer is entered."""
        with torch._C.DisableTorchFunction():
            self.trace.entries.append(Entry(name, self.note(tensors), (), (), torch.is_grad_enabled()))

    def finish(self, y: Tensor) -> None:
        """Note what is the output."""
        with torch._C.DisableTorchFunction():
            self.trace.output = self.view(y)

    def _keep(self, target: Any) -> None:
        for tensor in target if isinstance(target, list | tuple) else (target,):
            if isinstance(tensor, Tensor):
                view = self.view(tensor)
                if view.storage in self.trace.sources:
                    self.before_write(tensor, self.trace.sources[view.storage])


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

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: D105
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

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: D105
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
