"""A cluster for these tests, brought up once and taken down at the end; every test leaves it idle."""

import contextlib
import os
import subprocess

import pytest
from slurm_sweep import CLUSTER, TWO_TASKS, Sweep, outcome


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """The folder of a running cluster; SLURM's commands speak to it."""
    folder = tmp_path_factory.mktemp("slurm")
    subprocess.run([CLUSTER, "install"], check=True)
    try:
        subprocess.run([CLUSTER, "up", folder], check=True)
        os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
        yield folder
    finally:
        os.environ.pop("SLURM_CONF", None)
        subprocess.run([CLUSTER, "down", folder], check=True)


@pytest.fixture
def start(cluster, tmp_path):
    """Starts a sweep in the test's folder; whatever becomes of the test, nothing of it is left for the next one."""
    with cleared(cluster) as started:

        def start(*overrides):
            started.append(Sweep(tmp_path, *overrides).start())
            return started[-1]

        yield start


@pytest.fixture(scope="session")
def one_process(cluster, tmp_path_factory):
    """What an undisturbed sweep of two runs finds, a process a run."""
    return undisturbed(cluster, tmp_path_factory.mktemp("one"))


@pytest.fixture(scope="session")
def two_processes(cluster, tmp_path_factory):
    """The same with two processes a run."""
    return undisturbed(cluster, tmp_path_factory.mktemp("two"), *TWO_TASKS)


def undisturbed(cluster, folder, *overrides):
    with cleared(cluster) as started:
        started.append(Sweep(folder, "seed=0,1", *overrides).start())
        started[0].end()
        found = outcome(folder)
        assert len(found) == 2, started[0].everything()
        assert started[0].repeated_epochs() == 0
    return found


@contextlib.contextmanager
def cleared(cluster):
    """A list of sweeps; they end with the block, and so do all jobs."""
    started = []
    try:
        yield started
    finally:
        for sweep in started:
            sweep.kill()
        subprocess.run([CLUSTER, "clear", cluster], check=True)
