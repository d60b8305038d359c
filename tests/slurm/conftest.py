"""A cluster for these tests, brought up once and taken down at the end."""

import os
import subprocess

import pytest
from slurm_sweep import CLUSTER, TWO_TASKS, Sweep, outcome


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """The folder of a running cluster; SLURM's commands speak to it."""
    folder = tmp_path_factory.mktemp("slurm")
    subprocess.run([CLUSTER, "install"], check=True)
    subprocess.run([CLUSTER, "up", folder], check=True)
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    yield folder
    subprocess.run([CLUSTER, "down", folder], check=True)
    del os.environ["SLURM_CONF"]


@pytest.fixture(scope="session")
def one_process(cluster, tmp_path_factory):
    """What an undisturbed sweep of two runs finds, a process a run."""
    return undisturbed(tmp_path_factory.mktemp("one"), "seed=0,1")


@pytest.fixture(scope="session")
def two_processes(cluster, tmp_path_factory):
    """The same with two processes a run."""
    return undisturbed(tmp_path_factory.mktemp("two"), "seed=0,1", *TWO_TASKS)


def undisturbed(folder, *overrides):
    sweep = Sweep(folder, *overrides).start()
    sweep.end()
    found = outcome(folder)
    assert len(found) == 2, sweep.everything()
    return found
