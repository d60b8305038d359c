"""Torch's global state, which a notebook may have changed, is torch's default while a run is computed.

What is no part of a run's id may not change its result: the default dtype and device, grad and inference mode,
autocast, deterministic algorithms, products in lower precision. Threads, device and versions are recorded instead.
"""

import contextlib
import sys
from collections.abc import Callable, Generator
from typing import Any


@contextlib.contextmanager
def ambient_state_of_torch() -> Generator[None]:
    """Torch's defaults inside, what was there before outside; nothing where torch has not been imported yet."""
    if "torch" not in sys.modules:
        yield
        return
    import torch

    threads = torch.get_num_threads()
    cudnn = torch.backends.cudnn
    settings: list[tuple[Callable[[Any], object], Any, Any]] = [
        (torch.set_default_dtype, torch.get_default_dtype(), torch.float32),
        (torch.set_float32_matmul_precision, torch.get_float32_matmul_precision(), "highest"),
        (torch.use_deterministic_algorithms, torch.are_deterministic_algorithms_enabled(), False),
    ]
    with contextlib.ExitStack() as stack:
        stack.callback(torch.set_num_threads, threads)
        for setter, before, default in settings:
            if before != default:
                stack.callback(setter, before)
                setter(default)
        stack.enter_context(cudnn.flags(enabled=True, benchmark=False, deterministic=False, allow_tf32=False))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        yield
