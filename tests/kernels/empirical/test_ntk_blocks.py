"""Kernels in blocks: on disk, restarted after a kill, and over two processes."""

import importlib
import json
import resource
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
from lazyregime.kernels.empirical import _blocks, _identity
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
    for changed, says in (
        ({"x1": x1 + 1}, "inputs, values on"),
        ({"x2": x2 + 1}, "inputs\\)"),
        ({"block_rows": 5}, "options"),
        ({"accumulate": torch.float32}, "options"),
    ):
        arguments = {"x1": x1, "x2": x2, "path": path, "block_rows": 4} | changed
        with pytest.raises(LazyRegimeError, match=f"holds blocks of another kernel \\(other {says}"):
            empirical_ntk_blocks(model, **arguments)
    stranger = tmp_path / "notes.npy"
    stranger.write_bytes(b"mine")
    with pytest.raises(LazyRegimeError, match="exists and is no kernel in progress"):
        empirical_ntk_blocks(model, x1, x2, path=stranger)
    assert stranger.read_bytes() == b"mine"
    with pytest.raises(LazyRegimeError, match="is a folder"):
        empirical_ntk_blocks(model, x1, x2, path=tmp_path)


def act(activation: torch.nn.Module) -> torch.nn.Module:
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(5, 6), activation, torch.nn.Linear(6, 3)).double()


class Scaled(torch.nn.Module):
    def __init__(self, function, scale: float = 1.0) -> None:
        super().__init__()
        self.function, self.scale = function, scale

    def forward(self, x):
        return self.scale * self.function(x)


OTHERS = {
    "another layer": (torch.nn.ReLU(), torch.nn.Tanh(), "parameters, buffers, layers or settings, values"),
    "another setting": (torch.nn.LeakyReLU(0.1), torch.nn.LeakyReLU(0.2), "settings, values"),
    "another attribute": (Scaled(torch.tanh), Scaled(torch.tanh, 2.0), "settings, values"),
    "another function": (
        Scaled(lambda z: z.relu()),
        Scaled(lambda z: z.tanh()),
        "other values on the first two samples",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_same_weights_in_another_network_are_another_kernel(name, tmp_path):
    first, second, says = OTHERS[name]
    path, x = tmp_path / "kernel.npy", torch.randn(7, 5).double()
    empirical_ntk_blocks(act(first), x, path=path, block_rows=4)
    empirical_ntk_blocks(act(first), x, path=path, block_rows=4)
    with pytest.raises(LazyRegimeError, match=says):
        empirical_ntk_blocks(act(second), x, path=path, block_rows=4)


CODE = """
import torch
class Bent(torch.nn.Module):
    def forward(self, x):
        return torch.where(x.sum() > {threshold}, 2 * x, x)
"""


def test_other_code_is_another_kernel_even_where_two_samples_do_not_show_it(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    path, x = tmp_path / "kernel.npy", torch.randn(7, 5).double()
    for threshold, name in ((1000, "bent_before"), (2000, "bent_after")):
        (tmp_path / f"{name}.py").write_text(CODE.format(threshold=threshold))
    before, after = (importlib.import_module(name).Bent for name in ("bent_before", "bent_after"))
    after.__module__ = before.__module__
    monkeypatch.setattr(_identity.inspect, "getsource", lambda kind: CODE.format(threshold=1000 + (kind is after)))
    empirical_ntk_blocks(act(before()), x, path=path)
    with pytest.raises(LazyRegimeError, match=r"\(other source of the network's classes\)"):
        empirical_ntk_blocks(act(after()), x, path=path)


def flip(path: Path) -> None:
    """One bit of the last row."""
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def halve(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))


def spoil_header(path: Path) -> None:
    path.write_bytes(b"nonsense" + path.read_bytes()[8:])


def drop_mark(path: Path) -> None:
    (path.with_name(path.name + ".blocks") / "1").unlink()


def spoil_mark(path: Path) -> None:
    (path.with_name(path.name + ".blocks") / "1").write_bytes(b"\xff\xfe")


DAMAGES = {flip: 1, cut: 1, halve: 2, spoil_header: 0, drop_mark: 1, spoil_mark: 1, Path.unlink: 3}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_what_is_damaged_and_only_that_is_computed_again(damage, tmp_path, monkeypatch):
    model, x1, x2 = make()
    path = tmp_path / "kernel.npy"
    first = empirical_ntk_blocks(model, x1, x2, path=path, block_rows=4).clone()
    damage(path)
    computed = []

    def counted(*given, **options):
        computed.append(given)
        return empirical_ntk(*given, **options)

    monkeypatch.setattr(_blocks, "empirical_ntk", counted)
    again = empirical_ntk_blocks(model, x1, x2, path=path, block_rows=4)
    assert torch.equal(again, first)
    assert len(computed) == 1 + DAMAGES[damage]  # one is that of two samples


def test_damage_to_a_block_below_the_diagonal_is_found(tmp_path):
    model, x1, _ = make()
    path = tmp_path / "kernel.npy"
    first = empirical_ntk_blocks(model, x1, path=path, block_rows=4, outputs="full").clone()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - 8 * 9 * 11)  # the last row, first column
        file.write(b"12345678")
    assert torch.equal(empirical_ntk_blocks(model, x1, path=path, block_rows=4, outputs="full"), first)


def test_a_damaged_request_is_told_of(tmp_path):
    model, x1, x2 = make()
    path = tmp_path / "kernel.npy"
    empirical_ntk_blocks(model, x1, x2, path=path)
    request = tmp_path / "kernel.npy.blocks" / "request.json"
    for content, says in (("{", "is damaged; delete it"), ("[]", "blocks of another kernel"), ("{}", "another kernel")):
        request.write_text(content)
        with pytest.raises(LazyRegimeError, match=says):
            empirical_ntk_blocks(model, x1, x2, path=path)


def test_killed_before_the_file_was_made_the_same_call_goes_on(tmp_path):
    model, x1, x2 = make()
    path = tmp_path / "kernel.npy"
    first = empirical_ntk_blocks(model, x1, x2, path=path).clone()
    path.unlink()
    (tmp_path / "kernel.npy.blocks" / "0").unlink()
    assert torch.equal(empirical_ntk_blocks(model, x1, x2, path=path), first)


def test_what_is_written_to_the_returned_tensor_does_not_reach_the_file(tmp_path):
    model, x1, x2 = make()
    path = tmp_path / "kernel.npy"
    given = empirical_ntk_blocks(model, x1, x2, path=path)
    content = path.read_bytes()
    given.zero_()
    assert path.read_bytes() == content


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files")
def test_no_room_is_a_sentence_and_leaves_nothing_half(tmp_path):
    model, x1, x2 = make()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 12, before[1]))
    try:
        with pytest.raises(LazyRegimeError, match=r"cannot be stored in .*kernel.npy: File too large"):
            empirical_ntk_blocks(model, x1.repeat(20, 1), x2, path=tmp_path / "kernel.npy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [p.name for p in tmp_path.iterdir()] == ["kernel.npy.blocks"]
    empirical_ntk_blocks(model, x1.repeat(20, 1), x2, path=tmp_path / "kernel.npy")


def test_a_place_where_nothing_can_be_written_is_a_sentence(tmp_path):
    model, x1, x2 = make()
    (tmp_path / "file").write_text("")
    with pytest.raises(LazyRegimeError, match=r"cannot be stored in .*: Not a directory"):
        empirical_ntk_blocks(model, x1, x2, path=tmp_path / "file" / "kernel.npy")


def test_bfloat16_is_stored_in_a_wider_type_or_refused(tmp_path):
    model, x1, x2 = make()
    model, x1, x2 = model.bfloat16(), x1.bfloat16(), x2.bfloat16()
    with pytest.raises(LazyRegimeError, match=r"NumPy files have no bfloat16.*accumulate=torch.float32"):
        empirical_ntk_blocks(model, x1, x2, path=tmp_path / "kernel.npy")
    given = empirical_ntk_blocks(model, x1, x2, path=tmp_path / "kernel.npy", accumulate=torch.float32)
    assert given.dtype == torch.float32


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
    assert json.loads((marks / "request.json").read_text())["options"]["outputs"] == "full"
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
