"""A long kernel is left between two blocks, and goes on with those that are missing."""

import pytest
import torch

from lazyregime.app.train.soundness import looked_at_the_end
from lazyregime.errors import LazyRegimeError, is_of_the_machine
from lazyregime.kernels import empirical_ntk
from lazyregime.measure.blocks import kernel_in_blocks
from lazyregime.networks import MLP
from lazyregime.notice import NOTICE, Leaving


@pytest.fixture
def problem():
    torch.manual_seed(0)
    return MLP(width=8, in_features=5, n_outputs=3).double(), torch.randn(23, 5).double(), torch.randn(7, 5).double()


def test_a_notice_leaves_the_finished_blocks_and_the_next_call_computes_only_the_others(problem, tmp_path):
    calls: list[int] = []

    def told_after_two(done, total):
        calls.append(done)
        if done == 2:
            NOTICE.signum = 15

    with pytest.raises(Leaving), NOTICE.listening():
        kernel_in_blocks(*problem, told_after_two, folder=tmp_path, block_rows=5, memory_budget=None)
    NOTICE.signum = 0
    assert calls == [1, 2]
    (marks,) = tmp_path.glob("*.blocks")
    finished = {path.name: path.stat().st_mtime_ns for path in marks.glob("[0-9]*")}
    assert set(finished) == {"0", "1"}
    kernel = kernel_in_blocks(*problem, lambda *_: None, folder=tmp_path, block_rows=5, memory_budget=None)
    torch.testing.assert_close(kernel, empirical_ntk(*problem))
    assert {path.name: path.stat().st_mtime_ns for path in marks.glob("[01]")} == finished


def test_the_blocks_of_other_weights_are_left_alone(problem, tmp_path):
    network, x1, x2 = problem
    first = kernel_in_blocks(
        network, x1, x2, lambda *_: None, folder=tmp_path, block_rows=5, memory_budget=None
    ).clone()
    with torch.no_grad():
        next(network.parameters()).mul_(2)
    second = kernel_in_blocks(network, x1, x2, lambda *_: None, folder=tmp_path, block_rows=5, memory_budget=None)
    torch.testing.assert_close(second, empirical_ntk(network, x1, x2))
    assert not torch.allclose(first, second)


@pytest.mark.parametrize("request_json", [None, "", "[" * 9999, "{}"])
def test_blocks_that_a_killed_process_left_without_their_request_are_computed_anew(problem, tmp_path, request_json):
    """A kill between two removals, or a damaged request: in a run's own folder that asks nobody to delete anything."""
    whole = kernel_in_blocks(*problem, lambda *_: None, folder=tmp_path, block_rows=5, memory_budget=None).clone()
    (request,) = tmp_path.glob("*.blocks/request.json")
    request.unlink() if request_json is None else request.write_text(request_json)
    again = kernel_in_blocks(*problem, lambda *_: None, folder=tmp_path, block_rows=5, memory_budget=None)
    assert torch.equal(again, whole)


def test_a_disk_that_refuses_a_block_is_no_kernel_that_cannot_be_computed(problem, tmp_path):
    """Else the run would be complete without its kernel, and the same command would not measure it."""
    (tmp_path / "blocks").write_text("in the way")
    with pytest.raises(LazyRegimeError) as error:
        kernel_in_blocks(*problem, lambda *_: None, folder=tmp_path / "blocks", block_rows=5, memory_budget=None)
    assert is_of_the_machine(error.value)
    warnings: list[str] = []
    with pytest.raises(LazyRegimeError):
        looked_at_the_end(lambda: raise_(error.value), warnings)
    assert not warnings and not looked_at_the_end(lambda: raise_(LazyRegimeError("no kernel")), warnings)
    assert "no kernel" in warnings[0]


def raise_(error):
    raise error
