"""Launchers of sweeps on one machine, what a job asks of SLURM, and what is refused before anything starts."""

import json
import os
import subprocess
import sys

import pytest
from omegaconf import OmegaConf
from test_train import train

from lazyregime.app.compose.resources import register_resolvers
from lazyregime.app.sweeps import launchers

FAST = ["debug=fdr", "width=4", "data.n_train=64"]


@pytest.mark.parametrize(("width", "memory"), [(1, 4), (1024, 4), (1025, 8), (2048, 8), (5000, 8), (None, 8)])
def test_what_a_job_asks_for_follows_its_width(width, memory):
    register_resolvers()
    config = OmegaConf.create({"width": width, "job": {"memory": "${by_width:{1024: 4, 2048: 8}}"}})
    assert config.job.memory == memory


@pytest.mark.parametrize(("arguments", "words"), [
    (["hydra/launcher=slurm"], "starts sweeps; add -m"),
    (["-m", "trainer.devices=2"], "each process would start the whole sweep"),
    (["trainer.num_nodes=2"], "start it with -m hydra/launcher=slurm"),
    (["trainer.strategy=ddp"], "is for several processes, and there is one"),
    (["trainer.devices=2", "trainer.batch_size=1"], "cannot be divided among 2 processes"),
    (["trainer.precision=bf16", "regime=feature"], "bf16 is not safe in the feature regime"),
    (["-m", "hydra/launcher=slrum"], "did you mean 'slurm'?"),
])  # fmt: skip
def test_what_cannot_be_is_refused_with_a_sentence(arguments, words, runs_dir, capsys):
    assert train(*arguments, *FAST) == 2
    printed = capsys.readouterr().err
    assert words in printed
    assert len(printed.strip().splitlines()) == 1
    assert not list(runs_dir.rglob("config.yaml"))


def test_a_launcher_that_is_not_installed_says_how_to_get_it(runs_dir, capsys, monkeypatch):
    monkeypatch.setattr(launchers, "find_spec", lambda name: None)
    assert train("-m", "hydra/launcher=slurm", *FAST) == 2
    assert "pip install 'lazyregime[slurm]'" in capsys.readouterr().err


def test_slurm_where_there_is_none(runs_dir, capsys, monkeypatch):
    monkeypatch.setattr(launchers.shutil, "which", lambda name: None)
    assert train("-m", "hydra/launcher=slurm_cpu", *FAST) == 2
    assert "this machine has not" in capsys.readouterr().err


@pytest.mark.parametrize("launcher", [
    ["hydra/launcher=local_gpus", "hydra.launcher.processes=2", "hydra.launcher.gpus_per_run=0"],
    ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
])  # fmt: skip
def test_several_runs_at_a_time_divide_the_processors(launcher, runs_dir):
    command = [sys.executable, "-m", "lazyregime.train", "-m", *launcher, *FAST, "seed=0,1"]
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    results = [json.loads(path.read_text()) for path in runs_dir.rglob("result.json")]
    assert len(results) == 2
    assert {result["num_threads"] for result in results} == {max(1, len(os.sched_getaffinity(0)) // 2)}


def test_two_processes_on_this_machine_compute_one_run(runs_dir, tmp_path):
    """The lazy regime too, and a kernel in shares."""
    options = ["debug=fdr", "regime=lazy", "width=8", "ntk.block_rows=20", "trainer.max_epochs=2"]
    for folder, devices in ((runs_dir, 2), (tmp_path / "one", 1)):
        command = [sys.executable, "-m", "lazyregime.train", *options, f"trainer.devices={devices}"]
        environment = {**os.environ, "LAZYREGIME_RUNS": str(folder)}
        subprocess.run([*command, "trainer.accelerator=cpu"], check=True, env=environment, stdout=subprocess.DEVNULL)
    (two,), (one,) = ([json.loads(p.read_text()) for p in f.rglob("result.json")] for f in (runs_dir, tmp_path / "one"))
    assert two["id"] == one["id"]
    for key in ("train_loss", "test_loss", "parameter_displacement", "condition_number_adh_final", "kernel_change"):
        assert two[key] == pytest.approx(one[key], rel=1e-5, abs=1e-5), key
    assert two["kernel_accuracy_adh_init"] == one["kernel_accuracy_adh_init"]
