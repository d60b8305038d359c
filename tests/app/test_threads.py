"""What another number of threads changes: the last bits of a kernel, and what a training makes of them."""

import pytest
import torch
from safetensors.torch import load_file

import lazyregime

TOY = ["data=sphere", "loss=mse", "width=128", "data.n_train=200", "data.n_test=100", "trainer.max_epochs=2",
       "ntk.anchors_per_class=20", "ntk.n_test=50", "ntk.null=0", "tracking=csv"]  # fmt: skip
KERNEL, RESULT = 1e-5, 1e-3  # relative, of float32; docs/reliability.md says them


@pytest.fixture
def _threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def apart(a, b):
    return float((a.double() - b.double()).norm() / a.double().norm())


@pytest.mark.usefixtures("_threads_as_before")
def test_one_thread_and_two_agree_to_the_stated_tolerances(tmp_path):
    results, kernels = [], []
    for threads in (1, 2):
        folder = tmp_path / str(threads)
        results.append(lazyregime.run(*TOY, num_threads=threads, runs_dir=str(folder), quiet=True))
        kernels.append(load_file(next(folder.rglob("kernels.safetensors"))))
    assert results[0]["id"] == results[1]["id"]
    assert apart(kernels[0]["gram_init"], kernels[1]["gram_init"]) < KERNEL
    assert apart(kernels[0]["gram_final"], kernels[1]["gram_final"]) < RESULT
    for key in ("train_loss", "test_loss", "kernel_change", "parameter_displacement"):
        assert results[0][key] == pytest.approx(results[1][key], rel=RESULT)
