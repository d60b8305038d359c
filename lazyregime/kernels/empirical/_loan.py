"""A user's model is borrowed: whatever happens, parameters, buffers, modes, hooks and random state are as before."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, cast, final

import torch
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._random import RandomState
from lazyregime.kernels.empirical.proof import INPUT, PARAMETER, Guard, Listener, Recorder, Trace


@final
class Loan:
    """A model for the time of a `with` block, in which it may be run as often as needed.

    Args:
        model: The model.
        everything: Whether frozen parameters count too; they require a gradient meanwhile.
        only: The names of those that count, frozen or not; the others are frozen meanwhile.

    Attributes:
        parameters: The floating-point parameters by name, each once.
        counted: The names of those that count.
        random: Random numbers as they were.
        moved: Whether a forward pass has changed the model or drawn random numbers.
    """

    def __init__(self, model: nn.Module, everything: bool = False, only: Collection[str] | None = None) -> None:
        self.model = model
        self._state = [_Kept(module.__dict__) for module in model.modules()]
        self.parameters = {name: p for name, p in model.named_parameters() if p.is_floating_point()}
        self.counted = {name for name, p in self.parameters.items() if everything or p.requires_grad}
        if only is not None:
            self.counted = set(only)
        self._flags = [(p, p.requires_grad, p.grad, p._backward_hooks) for p in model.parameters()]
        self._names = _names(model)
        self._overwritten: dict[int, tuple[Any, Any]] = {}
        self._stack = ExitStack()
        self.moved = False
        self.random = RandomState(model)

    def __enter__(self) -> "Loan":
        self._dtype = torch.get_default_dtype()
        self._stack.enter_context(torch.inference_mode(False))
        self._stack.enter_context(torch.set_grad_enabled(torch.is_grad_enabled()))
        for device in {p.device.type for p in self.parameters.values()} | {"cpu"}:
            if torch.is_autocast_enabled(device):
                self._stack.enter_context(torch.autocast(device, enabled=False))
        for name, p in self.parameters.items():
            p._backward_hooks = None  # they are for training: a hook on a weight is no part of f
            p.requires_grad_(name in self.counted)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.restore()
            for p, counts, grad, hooks in self._flags:
                p.requires_grad_(counts)
                p.grad = grad
                p._backward_hooks = hooks
        finally:
            self._stack.close()
            self.random.restore()
            torch.set_default_dtype(self._dtype)

    def changed(self) -> bool:
        """Whether the model has changed itself in the forward passes since `restore`."""
        return bool(self._overwritten) or any(kept.changed() for kept in self._state)

    def restore(self) -> None:
        """What the model changed of itself in forward passes, as it was: attributes, hooks, and what tensors hold."""
        for kept in self._state:
            self.moved |= kept.restore()
        self.moved |= bool(self._overwritten)
        for storage, values in self._overwritten.values():
            storage.copy_(values)
        self._overwritten.clear()
        torch.set_default_dtype(self._dtype)

    @contextmanager
    def watched(self, trace: Trace, x: Tensor, *, draws: bool = False) -> Iterator[Recorder]:
        """Run the model inside to have what it does with a batch written into a trace."""
        names = self._names | {x.untyped_storage()._cdata: INPUT}
        with Recorder(trace, names, self._before_write, draws) as recorder, Listener(recorder):
            yield recorder

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Run the model inside without a trace."""
        with Guard(self._names, self._before_write), Listener():
            yield

    @contextmanager
    def with_parameters(self, tensors: Mapping[str, Tensor]) -> Iterator[None]:
        """The model with other tensors in the place of some parameters, wherever it keeps them."""
        others = {id(self.parameters[name]): tensor for name, tensor in tensors.items()}
        for name, tensor in tensors.items():
            _name(self._names, tensor, PARAMETER + name)
        try:
            for kept in self._state:
                kept.replace(others)
            yield
        finally:
            for kept in self._state:
                kept.put_back(others)

    def _before_write(self, tensor: Tensor, source: str) -> None:
        """Keep what a storage held that a forward pass is about to change; inputs are copies of the user's already."""
        storage = tensor.untyped_storage()
        if source != INPUT and storage._cdata not in self._overwritten:
            self._overwritten[storage._cdata] = (storage, storage.clone())
            self._names.setdefault(storage._cdata, source)


@contextmanager
def borrowed(model: nn.Module) -> Iterator[None]:
    """Run a model inside, and find it afterwards as it was: parameters, buffers, modes, hooks, random state."""
    with Loan(model) as loan, loan.guarded():
        yield


@final
class _Kept:
    """An object's attributes as they are now, and what its lists and dictionaries hold."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        containers = [attributes, *(value for value in attributes.values() if isinstance(value, dict | list | set))]
        self.was = [
            (container, container.copy(), _fingerprint(container)) if container else (container, (), ())
            for container in containers  # of which most hold nothing
        ]

    def changed(self) -> bool:
        """Whether anything was added, removed or exchanged since."""
        return bool(self._moved())

    def restore(self) -> bool:
        """Whatever was added, removed or exchanged since; tells whether anything was."""
        moved = self._moved()
        for container, before in moved:
            container.clear()
            cast(Any, container.extend if isinstance(container, list) else container.update)(before)
        return bool(moved)

    def replace(self, others: dict[int, Tensor]) -> None:
        """Other tensors in the place of some, by their ids, in containers one level deep."""
        self._put(others, lambda value: others.get(id(value), value))

    def put_back(self, others: dict[int, Tensor]) -> None:
        """What `replace` has replaced; other changes since then stay to be seen."""
        self._put(others, lambda value: value)

    def _put(self, others: dict[int, Tensor], chosen: Callable[[Any], Any]) -> None:
        for container, before, fingerprint in self.was:
            if others.keys().isdisjoint(fingerprint):
                continue
            if isinstance(container, list):
                container[:] = [chosen(value) for value in before]
            elif isinstance(container, dict):
                before: Any = before
                container.update({key: chosen(value) for key, value in before.items() if id(value) in others})

    def _moved(self) -> list[tuple[Any, Any]]:
        """The containers that hold something else than before, with what they held."""
        return [
            (container, before)
            for container, before, fingerprint in self.was
            if (before or container) and _fingerprint(container) != fingerprint
        ]


def _fingerprint(container: Any) -> tuple[Any, ...]:
    if isinstance(container, dict):
        return (*container, *map(id, cast("dict[Any, Any]", container).values()))
    return tuple(map(id, container))


def _names(model: nn.Module) -> dict[int, str]:
    """Names of the storages that a model has at hand, so that constants need not be compared by what they hold."""
    names: dict[int, str] = {}
    for prefix, module in model.named_modules():
        for key, value in module.__dict__.items():
            if isinstance(value, Tensor):
                _name(names, value, f"attribute {prefix}.{key}")
    for name, buffer in model.named_buffers():
        _name(names, buffer, f"buffer {name}")
    for name, parameter in model.named_parameters():
        _name(names, parameter, PARAMETER + name)
    return names


def _name(names: dict[int, str], tensor: Tensor, name: str) -> None:
    try:
        names[tensor.untyped_storage()._cdata] = name
    except (NotImplementedError, RuntimeError):
        return  # a sparse tensor has no storage of its own


def failed(error: Exception, x: Tensor) -> LazyRegimeError:
    """What is said when the user's own forward pass raises."""
    text = str(error).strip().splitlines()
    return LazyRegimeError(
        f"the model failed on a batch of {x.shape[0]} of the given samples, of shape {tuple(x.shape)}: "
        f"{type(error).__name__}: {text[0] if text else ''}"
    )
