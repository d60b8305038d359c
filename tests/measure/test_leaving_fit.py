"""A training that leaves at any batch goes on as if nothing had happened: weights, rows, order, random numbers."""

import os
import signal

import pytest
import torch
import torch.distributed as dist
from problem import fit, recorder, small_data, small_regime

from lazyregime.lightning import pl
from lazyregime.measure.checkpoints import LastCheckpoint
from lazyregime.notice import NOTICE, Leaving, Notice
from lazyregime.runs.checkpoints import Checkpoints


class OneOfTwo(pl.Trainer):
    """A process of a run of two: the second."""

    world_size, global_rank = 2, 1

    def __init__(self):
        super().__init__(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)


class Tell(pl.Callback):
    """Gives notice during one step, and draws a random number at each, as a noisy network would."""

    def __init__(self, step=None):
        self.step, self.drawn = step, []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.drawn.append(float(torch.rand(())))
        if trainer.global_step == self.step:
            NOTICE.signum = 15


def undisturbed(schedule, path):
    data, tell, module = small_data(), Tell(), small_regime(schedule=schedule)
    rows = recorder(data)
    torch.manual_seed(3)
    fit(module, data, [rows, tell, LastCheckpoint(Checkpoints(path))], epochs=3)
    return module, rows, tell


def told(schedule, path, step):
    """Left after `step` of 18 steps, and resumed in what might be another process."""
    data, first, second, module = small_data(), Tell(step), Tell(), small_regime(schedule=schedule)
    torch.manual_seed(3)
    with pytest.raises(Leaving), NOTICE.listening():
        fit(module, data, [recorder(data), first, LastCheckpoint(Checkpoints(path))], epochs=3)
    NOTICE.signum = 0
    module, rows = small_regime(schedule=schedule), recorder(data)
    torch.manual_seed(99)
    with NOTICE.listening():
        fit(module, data, [rows, second, LastCheckpoint(Checkpoints(path))], epochs=3, resume=Checkpoints(path).last)
    second.drawn = first.drawn + second.drawn
    return module, rows, second


@pytest.mark.parametrize("step", [1, 5, 6, 7, 12, 16])  # first, last and middle batches of an epoch of 6
@pytest.mark.parametrize("schedule", ["constant", "linear"])  # the second makes Lightning set up its loader early
def test_it_goes_on_in_the_middle_of_an_epoch(schedule, step, tmp_path):
    expected, expected_rows, expected_tell = undisturbed(schedule, tmp_path / "a")
    module, rows, tell = told(schedule, tmp_path / "b", step)
    assert tell.drawn == expected_tell.drawn
    for a, b in zip(module.parameters(), expected.parameters(), strict=True):
        assert torch.equal(a, b)
    without = [{k: v for k, v in row.items() if k != "seconds"} for row in rows.rows]
    assert without == [{k: v for k, v in row.items() if k != "seconds"} for row in expected_rows.rows]


def test_a_notice_that_comes_while_the_processes_agree_is_not_lost(tmp_path, monkeypatch):
    """SLURM tells all of them within the same instant, and most of that instant they spend in this very reduction."""
    notice = Notice()
    last = LastCheckpoint(Checkpoints(tmp_path), notice)
    trainer, module = OneOfTwo(), small_regime()
    monkeypatch.setattr(dist, "all_reduce", lambda told, op: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Leaving), notice.listening(), notice.deferred():
        assert not last._told(trainer, module)  # the others do not know yet: nobody may leave alone
        assert last._told(trainer, module)
        notice.leave()


def test_what_one_process_was_told_all_know(tmp_path, monkeypatch):
    notice = Notice()
    last = LastCheckpoint(Checkpoints(tmp_path), notice)
    monkeypatch.setattr(dist, "all_reduce", lambda told, op: told.fill_(signal.SIGUSR2))
    assert last._told(OneOfTwo(), small_regime())
    assert notice.signum == signal.SIGUSR2


def test_each_process_goes_on_with_its_own_sums_and_one_that_is_alone_with_all(monkeypatch):
    first, second = torch.tensor([0.1, 2.0, 3.0]), torch.tensor([0.2, 1.0, 3.0])
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_world_size", lambda: 2)
    monkeypatch.setattr(dist, "get_rank", lambda: 1)
    monkeypatch.setattr(dist, "all_reduce", lambda rows: rows[0].copy_(first))
    checkpoint, left, resumed, alone = {}, small_regime(), small_regime(), small_regime()
    left._sums = second
    left.on_save_checkpoint(checkpoint)
    resumed.trainer, alone.trainer = OneOfTwo(), pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    resumed.on_load_checkpoint(checkpoint)
    alone.on_load_checkpoint(checkpoint)
    assert torch.equal(resumed._sums, second)
    assert torch.equal(alone._sums, first + second)
