"""Pieces of multirun_scripts/gpu.py: what must be right, the NTK engine, exact regression, and a step of training."""

import os
import time
from collections.abc import Callable
from itertools import pairwise

import torch
from gpu_pieces import Kit, Piece, median
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap
from torch.utils.flop_counter import FlopCounterMode

import lazyregime
from lazyregime.data import mnist
from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import KernelRegression, accuracy, empirical_ntk, explain
from lazyregime.machines import KernelMachine, RandomFeatures, TwoLayerKernel
from lazyregime.networks import CNN, MLP

Network = Callable[[], nn.Module]
IMAGE, VECTOR = (1, 28, 28), (784,)


def right(kit: Kit) -> list[Piece]:
    """Float64 references of the engine, and twins on the processor of a machine and of a training run."""
    return [
        Piece("right: NTK of an MLP", lambda k: _engine_error(k, MLP(width=64), VECTOR)),
        Piece("right: NTK of a CNN", lambda k: _engine_error(k, CNN(width=4), IMAGE)),
        Piece("right: kernel machines", _machine_twin),
        Piece("right: a training run", _training_twin),
    ]


def engine(kit: Kit) -> list[Piece]:
    """Traces of the NTK over ten outputs."""
    if kit.tiny:
        return [
            _kernel("MLP-32, 20 x 30", MLP(width=32), VECTOR, 20, 30),
            _kernel("CNN-2, 4 x 6", CNN(width=2), IMAGE, 4, 6),
        ]
    return [
        _kernel("MLP-1024, 300 x 1000", MLP(width=1024), VECTOR, 300, 1000),
        _kernel("CNN-32, 300 x 500", CNN(width=32), IMAGE, 300, 500),
        _kernel("CNN-256, 100 x 200", CNN(width=256), IMAGE, 100, 200),
        _kernel("MLP-4096, 300 x 10,000", MLP(width=4096), VECTOR, 300, 10_000),
        _kernel("MLP-1024, n = 10,000", MLP(width=1024), VECTOR, 10_000, None),
    ]


def regression(kit: Kit) -> list[Piece]:
    """Kernel, Cholesky and predictions on MNIST."""
    return [_regression(n, kit) for n in ((100,) if kit.tiny else (10_000, 30_000, 60_000))]


def training(kit: Kit) -> list[Piece]:
    """One epoch of the poster's MLP and CNN, whose time is told a step."""
    names = (("mlp", 16),) if kit.tiny else (("mlp", 1024), ("mlp", 4096), ("cnn", 64))
    return [_training(arch, width, kit) for arch, width in names]


GROUPS = {"right": right, "engine": engine, "regression": regression, "training": training}


def _engine_error(kit: Kit, network: nn.Module, shape: tuple[int, ...]) -> tuple[float, str]:
    network, x = network.to(kit.device), kit.draw(6, *shape)
    since = time.perf_counter()
    found = empirical_ntk(network, x).double()
    seconds = time.perf_counter() - since
    jacobians = _jacobians(network.double(), x.double())
    products = [torch.einsum("nkp,mkp->nm", j.flatten(2), j.flatten(2)) for j in jacobians]
    expected = torch.stack(products).sum(0)
    return seconds, _within(float((found - expected).norm() / expected.norm()), 1e-5, "float64 Jacobians")


def _jacobians(network: nn.Module, x: Tensor) -> list[Tensor]:
    parameters = {name: p.detach() for name, p in network.named_parameters()}
    one = jacrev(lambda p, row: functional_call(network, p, (row[None],))[0])
    return list(vmap(one, (None, 0))(parameters, x).values())


def _machine_twin(kit: Kit) -> tuple[float, str]:
    x, y, new = kit.draw(200, 20), kit.draw(200, 3), kit.draw(50, 20)
    seconds, worst = 0.0, 0.0
    for kernel in (RandomFeatures(300), TwoLayerKernel("ntk")):
        twin = KernelMachine(kernel).fit_path(x.cpu(), y.cpu(), [1e-2, 1.0]).predict_path(new.cpu())
        since = time.perf_counter()
        found = KernelMachine(kernel).fit_path(x, y, [1e-2, 1.0]).predict_path(new).cpu()
        seconds += time.perf_counter() - since
        worst = max(worst, float((found - twin).norm() / twin.norm()))
    return seconds, _within(worst, 1e-8, "the processor's")


def _training_twin(kit: Kit) -> tuple[float, str]:
    settings = ["data=sphere", "data.dimension=20", "data.n_train=64", "data.n_test=32", "loss=mse", "width=32"]
    settings += [
        "ntk=none",
        "trainer.max_epochs=2",
        "trainer.precision=float64",
        "tracking=csv",
        f"runs_dir={kit.runs}",
    ]
    since = time.perf_counter()
    losses = [
        lazyregime.run(*settings, f"device={device}", f"group=twin_{device}", quiet=True, rerun=True).measures[
            "train_loss"
        ]
        for device in ("cpu", kit.device.type)
    ]
    return time.perf_counter() - since, _within(abs(losses[1] / losses[0] - 1), 1e-8, "the processor's loss")


def _within(error: float, allowed: float, what: str) -> str:
    if not error <= allowed:
        raise LazyRegimeError(f"the relative distance from {what} is {error:.2g}, and {allowed:.0e} is allowed.")
    return f"{error:.1e} from {what}"


def _kernel(name: str, network: nn.Module, shape: tuple[int, ...], n: int, m: int | None) -> Piece:
    def compute(kit: Kit) -> tuple[float, str]:
        model, a, b = network.to(kit.device), kit.draw(n, *shape), None if m is None else kit.draw(m, *shape)
        return median(kit, lambda: empirical_ntk(model, a, b)), "engine"

    flops, size = _kernel_flops(network, shape, n, m), 4.0 * n * (m or n)
    return Piece(f"engine: {name}", compute, flops, bytes=size)


def _kernel_flops(network: nn.Module, shape: tuple[int, ...], n: int, m: int | None) -> float:
    """The layers' terms as `explain` counts them, and each row's forward pass and backward passes to the inputs."""
    a, b = torch.zeros(n, *shape), None if m is None else torch.zeros(m, *shape)
    plan = explain(network, a, b, memory_budget=1 << 36).plan
    with FlopCounterMode(display=False) as forward, torch.no_grad():
        network(a[:1])
    with FlopCounterMode(display=False) as both:
        network(a[:1])[0, 0].backward()
    network.zero_grad()
    once = forward.get_total_flops()
    backward = both.get_total_flops() - 2 * once  # without the gradients of the weights
    return sum(layer.flops for layer in plan.layers) + (n + (m or 0)) * (once + plan.task.k * backward)


def _regression(n: int, kit: Kit) -> Piece:
    width, tests = (16, 50) if kit.tiny else (1024, 10_000)

    def compute(kit: Kit) -> tuple[float, str]:
        torch.manual_seed(0)
        data_dir = os.environ.get("LAZYREGIME_DATA", "data")
        network, data = MLP(width=width).to(kit.device), mnist(data_dir=data_dir, n_train=n, n_test=tests)
        x, z = data.train_inputs.flatten(1).to(kit.device), data.test_inputs.flatten(1).to(kit.device)
        y, labels = data.train_labels.to(kit.device), data.test_labels.to(kit.device)
        kit.wait()
        times = [time.perf_counter()]
        gram = empirical_ntk(network, x)
        kit.wait()
        times.append(time.perf_counter())
        fit = KernelRegression(n_outputs=10, relative_ridge=1e-4, solver="cholesky", overwrite=True).fit_gram(gram, y)
        kit.wait()
        times.append(time.perf_counter())
        del gram
        said = torch.cat([fit.predict_gram(empirical_ntk(network, part, x)) for part in z.split(2000)])
        kit.wait()
        times.append(time.perf_counter())
        kernel, solve, predict = (b - a for a, b in pairwise(times))
        told = (
            f"accuracy {accuracy(said, labels):.4f}; kernel {kernel:.2g} s, solve {solve:.2g} s, test {predict:.2g} s"
        )
        return times[-1] - times[0], told

    network = MLP(width=width)
    flops = _kernel_flops(network, VECTOR, n, None) + _kernel_flops(network, VECTOR, tests, n)
    return Piece(f"regression: MNIST, n = {n:,}", compute, flops, n**3 / 3, bytes=8.0 * n * n)


def _training(arch: str, width: int, kit: Kit) -> Piece:
    n, batch = (256, 64) if kit.tiny else (60_000, 128)
    network = (MLP if arch == "mlp" else CNN)(width=width)
    with FlopCounterMode(display=False) as once, torch.no_grad():
        network(torch.zeros(1, *IMAGE))
    steps = -(-n // batch)

    def compute(kit: Kit) -> tuple[float, str]:
        settings = [f"arch={arch}", f"width={width}", f"data.n_train={n}", f"trainer.batch_size={batch}"]
        settings += ["trainer.max_epochs=1", "ntk=none", "tracking=csv", "group=training", f"runs_dir={kit.runs}"]
        result = lazyregime.run(*settings, f"device={kit.device.type}", quiet=True, rerun=True)
        seconds = float(result["seconds_training"])
        return seconds, f"{1e3 * seconds / steps:.3g} ms a step of {batch}"

    return Piece(f"training: {arch} {width}", compute, 3.0 * once.get_total_flops() * n)
