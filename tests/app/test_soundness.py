"""Numbers that are no results are said to be none; a training is not lost with its probe; memory is no traceback."""

import math

import numpy as np
import pytest
import torch

import lazyregime
from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.train.command import TRAIN
from lazyregime.errors import LazyRegimeError, out_of_memory
from lazyregime.measure import Probe

SMALL = ["data=sphere", "loss=mse", "arch.depth=2", "width=64", "trainer.max_epochs=3", "data.n_train=100",
         "data.n_test=50", "ntk.anchors_per_class=8", "tracking=csv", "ntk.null=0"]  # fmt: skip


def run(*settings, **keywords):
    return lazyregime.run(*SMALL, *settings, quiet=True, **keywords)


def outputs(runs_dir, result, precision):
    """F on fixed points, by the stored weights, in float64."""
    folder = next(runs_dir.rglob(f"*{result['id']}"))
    x = torch.randn(50, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    last, first = (lazyregime.load_network(folder, at).double() for at in ("last", "init"))
    with torch.no_grad():
        return result["alpha"] * (last(x) - first(x))


@pytest.mark.parametrize("alpha", [1e3, 1e6, 1e8])
def test_what_rounding_takes_is_said_and_only_then(runs_dir, alpha):
    single, double = (
        run("regime=scaled", f"alpha={alpha}", f"trainer.precision={p}", "ntk=none") for p in ("float32", "float64")
    )
    wrong = outputs(runs_dir, single, "float32") - outputs(runs_dir, double, "float64")
    error = float(wrong.norm() / outputs(runs_dir, double, "float64").norm())
    said = [w for w in single["warnings"] if "resolves" in w or "No weight" in w]
    assert bool(said) == (alpha > 1e5) and (error > 0.02 if said else error < 0.01), (said, error)
    assert not double["warnings"]


def test_the_alpha_that_is_named_is_carried(runs_dir):
    (said,) = run("regime=scaled", "alpha=1e6", "ntk=none")["warnings"]
    named = float(said.partition("an alpha of ")[2].partition(" here")[0])
    assert 1e3 < named < 1e5
    assert not run("regime=scaled", f"alpha={named / 2:g}", "ntk=none")["warnings"]


def test_what_did_not_move_has_no_verdict(runs_dir):
    result = run("regime=scaled", "alpha=1e30")
    assert any("No weight moved" in warning for warning in result["warnings"]) and result["verdict"] is None
    lazy = run("regime=lazy")
    assert not lazy["warnings"] and lazy["verdict"] == "lazy"


@pytest.mark.parametrize(
    "optimizer", [[], ["optimizer=gradient_flow", "optimizer.max_steps=5", "optimizer.margin=null"]]
)
def test_a_probe_that_cannot_be_computed_loses_no_training(runs_dir, monkeypatch, optimizer):
    look = Probe.look

    def fails_at_the_end(self, state, tag, *when):
        if tag == "final":
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 16000000000 bytes.")
        return look(self, state, tag, *when)

    monkeypatch.setattr(Probe, "look", fails_at_the_end)
    result = run(*optimizer)
    assert math.isfinite(result["test_loss"]) and "verdict" not in result
    assert any("out of memory (16 GB were asked for at once)" in warning for warning in result["warnings"])
    assert TRAIN.last_word(result).startswith("No verdict: the kernel after training could not be measured;")
    monkeypatch.setattr(Probe, "look", look)
    again = run(*optimizer)  # with memory, and the weights that were kept
    assert again["verdict"] and not again["warnings"] and again["test_loss"] == result["test_loss"]
    assert TRAIN.last_word(run("ntk=none")) == "No verdict: the kernel was not probed (ntk=none)."


def test_a_fit_without_a_finite_measure_fails(runs_dir):
    with pytest.raises(LazyRegimeError, match="finite"):
        lazyregime.run("machine=rf", "width=20", "data=sphere", "data.noise_std=1e300", "data.n_train=50",
                       "choose=test", "tracking=csv", command="fit", quiet=True)  # fmt: skip
    assert not list(runs_dir.rglob("result.json"))


def test_what_this_machine_cannot_hold_is_refused_by_the_plan(runs_dir):
    with pytest.raises(ConfigError, match=r"needs at least .* GB, and this machine has"):
        run("width=2000000")
    assert not runs_dir.exists()


@pytest.mark.parametrize("allocate", [lambda: torch.empty(10**15), lambda: np.empty(10**15), lambda: bytearray(10**17)])
def test_out_of_memory_is_a_sentence(allocate):
    with pytest.raises((MemoryError, RuntimeError)) as error:
        allocate()
    assert str(out_of_memory(error.value)).startswith("out of memory")
    assert out_of_memory(RuntimeError("shapes cannot be multiplied")) is None
