"""What every test shares: no tracking service, the project's data folder, one thread."""

import os
import random
import signal
import sys
from pathlib import Path

import beartype._check.code.codemain as type_checks
import pytest

# The type checks of these tests look at an element of a list at random. They draw from a generator of their own, since
# kernels watch Python's, and a network that seems to draw from it is evaluated 64 times.
assert hasattr(type_checks, "getrandbits")
type_checks.getrandbits = random.Random(0).getrandbits

# What a shell starts in the background ignores Ctrl-C, and so would the processes that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
ROOT = Path(__file__).resolve().parent.parent
os.environ["WANDB_MODE"] = "offline"
os.environ["WANDB_SILENT"] = "true"
os.environ.setdefault("LAZYREGIME_DATA", str(ROOT / "data"))
os.environ.setdefault("OMP_NUM_THREADS", "1")  # small problems, and tests may run beside each other


@pytest.fixture
def runs_dir(tmp_path, monkeypatch):
    """Where the runs of one test go."""
    path = tmp_path / "runs"
    monkeypatch.setenv("LAZYREGIME_RUNS", str(path))
    return path


@pytest.fixture(autouse=True)
def _hang_up_as_at_a_start():
    """A door that was called ignores SIGHUP to its process's end, which this process is not."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _no_module_of_another_test(tmp_path_factory):
    """A module that a test wrote (a user's network, say) is not the next test's module of the same name."""
    yield
    written = str(tmp_path_factory.getbasetemp())
    for name, module in sys.modules.copy().items():  # other threads may be importing
        if str(getattr(module, "__file__", None)).startswith(written):
            del sys.modules[name]
