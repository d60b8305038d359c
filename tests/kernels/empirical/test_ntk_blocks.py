"""Kernels in blocks: on disk, restarted after a kill, and over two processes."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from ntk_reference import relative_error

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import empirical_ntk, empirical_ntk_blocks
from lazyregime.networks import MLP

OUTPUTS = ["trace", "full", "diagonal"]


def make() -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    model = MLP(width=8, in_features=5, n_outputs=3).double()
    return model, torch.randn(11, 5).double(), torch.randn(6, 5).double()


@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("on_disk", [True, False])
def test_blocks_are_the_kernel(tmp_path, outputs, symmetric, on_disk):
    model, x1, x2 = make()
    other = None if symmetric else x2
    path = tmp_path / "kernel.npy" if on_disk else None
    seen = []
    given = empirical_ntk_blocks(
        model,
        x1,
        other,
        path=path,
        block_rows=4,
        outputs=outputs,
        progress=lambda done, total: seen.append((done, total)),
    )
    expected = empirical_ntk(model, x1, other, outputs=outputs)
    assert relative_error(given, expected) < 1e-13
    assert seen == [(1, 3), (2, 3), (3, 3)]
    if path is not None:
        assert np.array_equal(np.load(path), given.numpy())


def test_another_kernel_at_the_same_path_is_refused(tmp_path):
    model, x1, x2 = make()
    path = tmp_path / "kernel.npy"
    empirical_ntk_blocks(model, x1, x2, path=path, block_rows=4)
    for changed in ({"x1": x1 + 1}, {"block_rows": 5}, {"accumulate": torch.float32}):
        arguments = {"x1": x1, "x2": x2, "path": path, "block_rows": 4} | changed
        with pytest.raises(LazyRegimeError, match="holds blocks of another kernel"):
            empirical_ntk_blocks(model, **arguments)
    stranger = tmp_path / "notes.npy"
    stranger.write_bytes(b"mine")
    with pytest.raises(LazyRegimeError, match="exists and is no kernel in progress"):
        empirical_ntk_blocks(model, x1, x2, path=stranger)
    assert stranger.read_bytes() == b"mine"


SCRIPT = """
import os, signal, sys, torch
import torch.distributed as dist
from lazyregime.kernels import empirical_ntk_blocks
from lazyregime.networks import MLP
folder, kill_after, rank, world = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
if world > 1:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=world)
torch.manual_seed(0)
model = MLP(width=8, in_features=5, n_outputs=3).double()
x1 = torch.randn(11, 5).double()
def progress(done, total):
    if done == kill_after:
        os.kill(os.getpid(), signal.SIGKILL)
on_disk = empirical_ntk_blocks(model, x1, path=f"{folder}/kernel.npy", block_rows=2, outputs="full", progress=progress)
if world > 1:
    in_memory = empirical_ntk_blocks(model, x1, block_rows=2, outputs="full")
    assert torch.equal(in_memory, on_disk)
    dist.destroy_process_group()
"""


def start(folder: Path, kill_after: int, rank: int = 0, world: int = 1) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder), str(kill_after), str(rank), str(world)])


def test_after_a_kill_the_same_call_finishes_with_the_missing_blocks_only(tmp_path):
    assert start(tmp_path, 2).wait() == -signal.SIGKILL
    marks = tmp_path / "kernel.npy.blocks"
    done = {mark.name: mark.stat().st_mtime_ns for mark in marks.iterdir() if mark.name.isdigit()}
    assert set(done) == {"0", "1"}
    assert json.loads((marks / "request.json").read_text())["shape"] == [11, 11, 3, 3]
    model, x1, _ = make()
    resumed = empirical_ntk_blocks(model, x1, path=tmp_path / "kernel.npy", block_rows=2, outputs="full")
    undisturbed = empirical_ntk_blocks(model, x1, block_rows=2, outputs="full")
    assert torch.equal(resumed, undisturbed)
    assert all((marks / name).stat().st_mtime_ns == when for name, when in done.items())


def test_two_processes_give_the_kernel_of_one_bit_for_bit(tmp_path):
    processes = [start(tmp_path, 0, rank, 2) for rank in range(2)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    model, x1, _ = make()
    alone = empirical_ntk_blocks(model, x1, block_rows=2, outputs="full")
    assert np.array_equal(np.load(tmp_path / "kernel.npy"), alone.numpy())
