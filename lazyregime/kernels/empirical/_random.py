"""All sources of random numbers that a forward pass can use and that can be looked at: kept, moved on and restored."""

import pickle
import random
from collections import OrderedDict
from typing import Any, NamedTuple, final

import numpy as np
import torch
from torch import nn

# What most attributes are; to ask torch.Generator's metaclass about each of them takes longer than a small network.
_PLAIN = frozenset((type(None), bool, int, float, str, dict, OrderedDict, list, tuple, set, torch.Tensor, nn.Parameter))


class States(NamedTuple):
    """Python's own generator is apart, since checkers of type hints use it too."""

    generators: tuple[bytes, ...]
    python: bytes


@final
class RandomState:
    """The state of PyTorch's, Python's and NumPy's generators, and of those that a model has as attributes."""

    def __init__(self, model: nn.Module) -> None:
        kinds = torch.Generator | np.random.Generator | np.random.RandomState | random.Random
        held = (v for module in model.modules() for v in module.__dict__.values() if type(v) not in _PLAIN)
        self.own = [v for v in held if isinstance(v, kinds)]
        self.before = self._all()

    def _all(self) -> tuple[Any, ...]:
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
        shared = (torch.random.get_rng_state(), cuda, random.getstate(), np.random.get_state(legacy=False))
        return (*shared, *map(_get, self.own))

    def states(self) -> "States":
        """Where each generator is, comparable."""
        cpu, cuda, python, *others = [pickle.dumps(_plain(state)) for state in self._all()]
        return States((cpu, cuda, *others), python)

    def moved(self) -> bool:
        """Whether any is elsewhere than at the beginning."""
        return any(
            pickle.dumps(_plain(a)) != pickle.dumps(_plain(b)) for a, b in zip(self._all(), self.before, strict=True)
        )

    def reseed(self, seed: int) -> None:
        """Other random numbers than before, of the generators that all share."""
        torch.default_generator.manual_seed(seed)
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(seed)
        random.seed(seed)
        np.random.seed(seed)

    def restore(self) -> None:
        """As they were."""
        cpu, cuda, python, numpy, *own = self.before
        torch.random.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        random.setstate(python)
        np.random.set_state(numpy)
        for generator, state in zip(self.own, own, strict=True):
            _set(generator, state)


def _plain(state: Any) -> Any:
    if isinstance(state, torch.Tensor):
        return state.numpy().tobytes()
    return [_plain(item) for item in state] if isinstance(state, list) else state


def _get(generator: Any) -> Any:
    if isinstance(generator, torch.Generator):
        return generator.get_state()
    if isinstance(generator, random.Random):
        return generator.getstate()
    return generator.bit_generator.state if isinstance(generator, np.random.Generator) else generator.get_state(False)


def _set(generator: Any, state: Any) -> None:
    if isinstance(generator, torch.Generator | np.random.RandomState):
        generator.set_state(state)
    elif isinstance(generator, random.Random):
        generator.setstate(state)
    else:
        generator.bit_generator.state = state
