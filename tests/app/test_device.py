"""device=auto|cpu|cuda, one key for every command: where a run is computed, what it says of it, and what is refused."""

import pytest
import torch
from pretend_device import PretendDevice
from safetensors.torch import load_file

import lazyregime
from lazyregime.app.compose import devices
from lazyregime.app.compose.devices import device_of
from lazyregime.errors import LazyRegimeError

FIT = ("data=sphere", "data.dimension=6", "data.n_train=40", "data.n_test=20", "width=30", "ridges=[1e-2,1.0]")
FLOW = (
    *("widths=[4,8]", "reference_width=8", "num_seeds=2", "n_samples=6", "in_features=3", "end_time=0.3"),
    *("num_times=2", "num_snapshots=1", "identities=false"),
)
TRAIN = ("data=sphere", "data.dimension=6", "data.n_train=20", "data.n_test=10", "loss=mse", "width=8", "ntk=none")
COMMANDS = {"train": TRAIN, "fit": FIT, "flow": FLOW}


@pytest.fixture
def machine_with(monkeypatch):
    """A machine that has these devices besides its processor."""
    return lambda *kinds: monkeypatch.setattr(devices, "is_there", lambda kind: kind in ("cpu", *kinds))


@pytest.mark.parametrize(
    ("config", "there", "expected"),
    [
        ({"device": "auto"}, (), "cpu"),
        ({"device": "auto"}, ("cuda",), "cuda"),
        ({"device": "cpu"}, ("cuda",), "cpu"),
        ({"device": "cuda"}, ("cuda",), "cuda"),
        ({"device": "auto", "trainer": {"accelerator": "gpu"}}, ("cuda",), "cuda"),
        ({"device": "auto", "trainer": {"accelerator": "cpu"}}, ("cuda",), "cpu"),
    ],
)
def test_the_device_is_what_was_asked_for_or_the_best_there_is(config, there, expected, machine_with):
    machine_with(*there)
    assert device_of(config).type == expected


@pytest.mark.parametrize("command", COMMANDS)
def test_a_device_that_is_not_there_is_a_sentence_in_every_command(command, machine_with, runs_dir):
    machine_with()
    with pytest.raises(LazyRegimeError, match=r"device=cuda is asked for, and this machine has none .*device=cpu"):
        lazyregime.run(*COMMANDS[command], "device=cuda", command=command, quiet=True)
    with pytest.raises(LazyRegimeError, match=r"device=gpu is not known.*auto, cpu, cuda"):
        lazyregime.run(*COMMANDS[command], "device=gpu", command=command, quiet=True)


def test_two_keys_that_contradict_each_other_are_refused(machine_with, runs_dir):
    machine_with("cuda")
    with pytest.raises(LazyRegimeError, match=r"device=cuda and trainer.accelerator=cpu contradict"):
        lazyregime.run(*TRAIN, "device=cuda", "trainer=cpu", quiet=True)
    assert (
        lazyregime.run(*TRAIN, "device=cpu", "trainer=cpu", "trainer.max_epochs=1", quiet=True).computed.device == "cpu"
    )


def test_what_does_not_fit_in_the_memory_of_the_gpu_says_what_would(machine_with, monkeypatch, runs_dir):
    machine_with("cuda")
    monkeypatch.setattr(devices, "_memory_of_gpu", lambda: 1000.0)
    with pytest.raises(LazyRegimeError, match=r"its GPU has 1e-06 GB; of its 209 parameters 62 would fit"):
        lazyregime.run(*TRAIN, "device=cuda", quiet=True)
    assert (
        devices.memory_of({"device": "cpu"})[1] == "this machine" and devices.memory_of({"device": "auto"})[0] == 1000
    )


@pytest.mark.parametrize("machine", ["krr_rf", "krr_ntk", "linear", "rf", "rf_nt"])
def test_a_fit_on_a_device_is_that_of_the_cpu_and_says_where_it_was(machine, monkeypatch, runs_dir):
    wanted = (*FIT, f"machine={machine}")
    expected = lazyregime.run(*wanted, command="fit", quiet=True)
    with PretendDevice() as there:
        monkeypatch.setattr("lazyregime.app.fit.fitting.device_of", lambda config: there.device)
        found = lazyregime.run(*wanted, "rerun=true", command="fit", quiet=True)
    assert expected.computed.device == "cpu" and found.computed.device == "pretend:0"
    assert found.computed.precision == "float64"
    numbers = {key: value for key, value in expected.measures.items() if not isinstance(value, str)}
    assert {key: found.measures[key] for key in numbers} == pytest.approx(numbers, rel=1e-12)


@pytest.mark.parametrize(
    "more",
    [("integrator.rtol=1e-3", "integrator.atol=1e-3"), ("integrator=sgd", "integrator.step=0.1")],
    ids=["adaptive", "sgd"],
)
def test_a_flow_of_particles_on_a_device_is_that_of_the_cpu(more, monkeypatch, runs_dir):
    wanted = (*FLOW, *more)
    expected = lazyregime.run(*wanted, command="flow", quiet=True)
    arrays = load_file(next(runs_dir.glob("flow/*/kernels.safetensors")))
    with PretendDevice() as there:
        monkeypatch.setattr("lazyregime.app.flow.work.device_of", lambda config: there.device)
        found = lazyregime.run(*wanted, "rerun=true", command="flow", quiet=True)
    assert found.computed.device == "pretend:0" and found.measures == pytest.approx(expected.measures, rel=1e-12)
    again = load_file(next(runs_dir.glob("flow/*/kernels.safetensors")))
    assert again.keys() == arrays.keys()
    for name, values in arrays.items():
        torch.testing.assert_close(again[name], values, rtol=1e-12, atol=1e-12, equal_nan=True)


def test_a_gradient_flow_on_a_device_is_that_of_the_cpu(monkeypatch, runs_dir):
    wanted = (*TRAIN, "regime=scaled", "alpha=10", "optimizer=gradient_flow", "optimizer.max_steps=10")
    expected = lazyregime.run(*wanted, quiet=True)
    with PretendDevice() as there:
        monkeypatch.setattr("lazyregime.app.train.gradient_flow.device_of", lambda config: there.device)
        found = lazyregime.run(*wanted, "rerun=true", quiet=True)
    assert found.computed.device == "pretend:0" and found.computed.precision == "float64"
    for measure in ("train_loss", "test_loss", "displacement", "steps"):
        assert found.get(measure) == expected.get(measure)
