"""What a model does with tensors, as a list: every operation with the geometry of what goes in and out.

Recorded below autograd, where each operation is one of a few hundred known ones, whatever the model's code looks like.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, final

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from lazyregime.kernels.empirical.proof._operations import digest_of, is_random, written
from lazyregime.kernels.empirical.proof._views import OPAQUE, View


class Entry(NamedTuple):
    """One operation: views stand for its tensors.

    Attributes:
        op: the operation, or the name of an event.
        args: its arguments in order; `kwargs`: those by name.
        operands: all tensors among these.
        outputs: all tensors that come out.
        grad: whether gradients were on.
        draws: a digest of what a random operation gave.
    """

    op: Any
    args: Any
    kwargs: Any
    operands: Any
    outputs: Any
    grad: bool
    draws: str = ""


@final
@dataclass
class Trace:
    """The operations of one forward pass.

    Attributes:
        num_rows: the samples in the batch.
        sources: where a storage comes from that no operation made: the inputs, a name, or what it holds.
        rows: the bytes of a sample in the inputs' storages.
        layout: the first call that shows the model a memory layout.
        created: which operation (events do not count) made the node of autograd with a sequence number.
        kept: alive as long as the trace, so that no address is used twice.
    """

    num_rows: int
    entries: list[Entry] = field(default_factory=list[Entry])
    sources: dict[int, str] = field(default_factory=dict[int, str])
    rows: dict[int, int] = field(default_factory=dict[int, int])
    layout: str = ""
    created: dict[int, int] = field(default_factory=dict[int, int])
    output: View | None = None
    kept: dict[int, tuple[int, int, StorageWeakRef]] = field(default_factory=dict[int, tuple[int, int, StorageWeakRef]])

    @property
    def num_operations(self) -> int:
        """Without the events."""
        return sum(not isinstance(entry.op, str) for entry in self.entries)


_PLAIN = frozenset((type(None), bool, int, float, str, torch.dtype, torch.device, torch.layout, torch.memory_format))
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
        self.asleep = False
        self.num_operations = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # being shielded from torch.compile takes longer than all that is done here

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self.asleep:
            return func(*args, **(kwargs or {}))
        with torch._C.DisableTorchFunction():
            operands: list[Any] = []
            noted = self._note(args, operands, False)
            named = (
                tuple([(key, self._note(value, operands, False)) for key, value in kwargs.items()]) if kwargs else ()
            )
            for place in written(func):
                target = args[place] if isinstance(place, int) and place < len(args) else (kwargs or {}).get(str(place))
                self._keep(target)
            made: int = torch._C._autograd._get_sequence_nr() - 1  # pyright: ignore[reportAttributeAccessIssue]
            out = func(*args, **(kwargs or {}))
            outputs: list[Any] = []
            self._note(out, outputs, True)
            self.trace.created.setdefault(made, self.num_operations)
            self.num_operations += 1
            draws = digest_of(out) if self.draws and is_random(func, args, kwargs or {}) else ""
            self.trace.entries.append(
                Entry(func, noted, named, tuple(operands), tuple(outputs), torch.is_grad_enabled(), draws)
            )
        return out

    def _note(self, value: Any, found: Any, made: Any) -> Any:
        """The same with views in the place of tensors, which are added to those found."""
        if type(value) in _PLAIN:  # which most arguments are
            return value
        if isinstance(value, Tensor):
            view = self.view(value, made)
            found.append(view)
            return view
        if isinstance(value, (list, tuple)):  # a union is made anew each time
            return tuple([self._note(item, found, made) for item in value])
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
            origin = int(tensor.storage_offset()) if name.startswith(INPUT) else 0
            serial = len(self.trace.kept)
            known = self.trace.kept[address] = (serial, origin, StorageWeakRef(storage))
            if name:
                self.trace.sources[serial] = name
            if name.startswith(INPUT):
                self.trace.rows[serial] = tensor.stride(0) * tensor.element_size()
        return View(known[0], int(tensor.storage_offset()) - known[1], tensor.shape, tensor.stride(), tensor.dtype)

    def event(self, name: str, *tensors: Tensor) -> None:
        """Note something that is no operation, as that a layer is entered."""
        with torch._C.DisableTorchFunction():
            operands = tuple([self.view(tensor) for tensor in tensors])
            self.trace.entries.append(Entry(name, (), (), operands, (), torch.is_grad_enabled()))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Operations that are not the model's, and are not noted."""
        self.asleep = True
        try:
            with torch._C.DisableTorchFunction():
                yield
        finally:
            self.asleep = False

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
