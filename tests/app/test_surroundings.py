"""Torch's global state and the variables of other tasks change neither a run's result nor whether it has one."""

import json
import os

import pytest
import torch

import lazyregime
from lazyregime.errors import LazyRegimeError
from lazyregime.ranks import is_first_process, settle_ranks
from lazyregime.train import main

SMALL = ["data=sphere", "loss=mse", "arch.depth=1", "width=16", "trainer.max_epochs=1", "data.n_train=64",
         "data.n_test=32", "ntk.anchors_per_class=8", "tracking=csv"]  # fmt: skip


def scalars(**options):
    result = lazyregime.run(*SMALL, quiet=True, **options)
    told = {key: value for key, value in result.items() if not key.startswith(("seconds", "started", "finished"))}
    return told | {"checksums": told["checksums"]["kernels.safetensors"]}


@pytest.fixture
def torch_state():
    before = (torch.get_default_dtype(), torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())
    yield
    torch.set_default_dtype(before[0])
    torch.set_num_threads(before[1])
    torch.use_deterministic_algorithms(before[2])
    torch.set_default_device(None)
    torch.set_grad_enabled(True)
    torch.set_float32_matmul_precision("highest")


def set_double():
    torch.set_default_dtype(torch.float64)


def set_meta():
    torch.set_default_device("meta")


def set_no_grad():
    torch.set_grad_enabled(False)


def set_tf32():
    torch.set_float32_matmul_precision("medium")
    torch.use_deterministic_algorithms(True)


@pytest.mark.parametrize("change", [set_double, set_meta, set_no_grad, set_tf32])
def test_the_state_of_torch_changes_no_result_and_is_left_as_it_was(runs_dir, torch_state, change):
    expected = scalars(runs_dir=str(runs_dir / "plain"))
    change()
    state = (torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled(),
             torch.get_float32_matmul_precision(), torch.get_num_threads())  # fmt: skip
    assert scalars(runs_dir=str(runs_dir / "changed"), num_threads=1) == expected
    assert state == (
        torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled(),
        torch.get_float32_matmul_precision(), torch.get_num_threads(),
    )  # fmt: skip


@pytest.mark.parametrize(
    "surroundings", [lambda: torch.inference_mode(), lambda: torch.autocast("cpu", torch.bfloat16)]
)
def test_contexts_of_torch_change_no_result(runs_dir, surroundings):
    expected = scalars(runs_dir=str(runs_dir / "plain"))
    with surroundings():
        assert scalars(runs_dir=str(runs_dir / "changed")) == expected


SRUN = {"SLURM_JOB_ID": "5", "SLURM_NTASKS": "4", "SLURM_NNODES": "1", "SLURM_JOB_NAME": "x", "SLURM_PROCID": "1",
        "SLURM_LOCALID": "1", "SLURM_NODEID": "0", "SLURM_NODELIST": "localhost"}  # fmt: skip


@pytest.fixture
def surround(monkeypatch):
    """Variables that are gone afterwards, also where a run took them away."""

    def put(variables):
        for name in (*SRUN, "RANK", "WORLD_SIZE", "LOCAL_RANK"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return put


@pytest.mark.parametrize(
    "variables",
    [SRUN, SRUN | {"SLURM_PROCID": "0"}, {"RANK": "1"}, {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "3"}],
)
def test_a_run_of_one_process_is_a_run_of_its_own_in_every_task(runs_dir, capsys, surround, variables):
    surround(variables)
    with pytest.raises(SystemExit) as exit_:
        main([*SMALL, "ntk=none"])
    assert not exit_.value.code
    assert "Run:" in capsys.readouterr().out
    (result,) = runs_dir.rglob("result.json")
    assert json.loads(result.read_text())["status"] == "complete"


def test_more_tasks_than_processes_are_refused(runs_dir, capsys, surround):
    surround(SRUN)
    with pytest.raises(SystemExit) as exit_:
        main([*SMALL, "ntk=none", "trainer.devices=2"])
    error = capsys.readouterr().err
    assert exit_.value.code == 1 and "4 tasks were started" in error and "for a run of 2 processes" in error
    assert not list(runs_dir.rglob("result.json"))


def test_as_many_tasks_as_processes_are_left_as_they_are(surround):
    variables = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}
    surround(variables)
    settle_ranks(2)
    assert variables.items() <= os.environ.items() and not is_first_process()
    with pytest.raises(LazyRegimeError, match="WORLD_SIZE=2"):
        surround(variables | {"RANK": "4"})
        settle_ranks(3)


@pytest.mark.parametrize(
    "variables", [{"RANK": "abc"}, {"LOCAL_RANK": "-1"}, {"SLURM_PROCID": "", "SLURM_NTASKS": "x"}]
)
def test_what_is_no_rank_is_as_if_it_were_not_there(surround, variables):
    """LOCAL_RANK=-1 ended with exit code 0 and no result, the others with a traceback."""
    surround(variables)
    assert not is_first_process()
    settle_ranks(1)
    assert is_first_process() and not variables.keys() & os.environ.keys()
