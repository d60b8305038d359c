"""Kernel ridge regression over a path of ridges, beside scikit-learn's KernelRidge ridge by ridge, on one machine.

    python benchmarks/ridge_path.py --n 20000 --peer-ridges 2  # the smallest and the largest of the peer's ridges
    python benchmarks/ridge_path.py --n 5000                   # every ridge of the peer too

Fashion-MNIST, the random-feature kernel, 20 ridges logspace(-1, 5)/784 (the grid of [GMMM20] in this project's unit),
one-hot labels less 0.1. Both sides compute the kernel from the images and predict the test images; the peer is given
its kernel once for all ridges. Prints seconds, their ratio, peak memory, and how far the predictions are apart.
"""

import argparse
import os
import resource
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.kernel_ridge import KernelRidge

from lazyregime.data import fashion_mnist_noise
from lazyregime.kernels.coding import encode
from lazyregime.machines import KernelMachine, TwoLayerKernel

RIDGES = tuple(np.logspace(-1, 5, 20) / 784)
DATA = Path(os.environ.get("LAZYREGIME_DATA", "data"))


def rf_kernel(x: np.ndarray, z: np.ndarray, step: int = 1000) -> np.ndarray:
    """The peer's kernel, in numpy, from unit vectors.

    By rows and in place, so that it is not the slower for copies; and x @ x.T whole is a symmetric product, in which
    numpy 2's OpenBLAS (0.3.31) dies of a segmentation fault at 20,000 rows.
    """
    kernel = np.empty((len(x), len(z)))
    for first in range(0, len(x), step):
        kernel[first : first + step] = _of_cosines(np.clip(x[first : first + step] @ z.T, -1, 1))
    return kernel


def _of_cosines(u: np.ndarray) -> np.ndarray:
    angle = np.arccos(u)
    np.subtract(np.pi, angle, out=angle)
    angle *= u
    np.square(u, out=u)
    np.subtract(1, u, out=u)
    np.sqrt(u, out=u)
    angle += u
    angle /= 2 * np.pi
    return angle


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--n-test", type=int, default=1000)
    parser.add_argument("--tau", type=float, default=0.0)
    parser.add_argument("--peer-ridges", type=int, default=len(RIDGES), help="how many the peer really solves")
    parser.add_argument("--keep", type=Path, help="an .npz of our side: written, or read where it exists")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    data = fashion_mnist_noise(data_dir=DATA, tau=options.tau, n_train=options.n, n_test=options.n_test)
    x, new = (t.flatten(1).double() for t in (data.train_inputs, data.test_inputs))
    x, new = (28 * t / t.norm(dim=1, keepdim=True) for t in (x, new))  # the files are float32; the peer takes |x| = 28
    y, _ = encode(data.train_labels, data.n_outputs, "0.9/-0.1")

    ours, seconds = _ours(x, y, new, options.keep)
    if options.peer_ridges:
        _peer(x.numpy() / 28, y.numpy(), new.numpy() / 28, ours, seconds, options.peer_ridges)


def _ours(x: torch.Tensor, y: torch.Tensor, new: torch.Tensor, keep: Path | None) -> tuple[np.ndarray, float]:
    """Predictions for every ridge and the seconds they took; of an earlier call where it was kept."""
    if keep is not None and keep.exists():
        stored = np.load(keep)
        print(f"ours: {float(stored['seconds']):.1f} s, from {keep}")
        return stored["values"], float(stored["seconds"])
    since = time.perf_counter()
    machine = KernelMachine(TwoLayerKernel("rf")).fit_path(x, y, RIDGES)
    values = machine.predict_path(new).numpy()
    seconds = time.perf_counter() - since
    print(f"ours: {seconds:.1f} s for {len(RIDGES)} ridges, n = {len(x)}; {machine.report_}; {_peak()}", flush=True)
    if keep is not None:
        np.savez(keep, values=values, seconds=seconds)
    return values, seconds


def _peer(x: np.ndarray, y: np.ndarray, new: np.ndarray, ours: np.ndarray, seconds: float, count: int) -> None:
    """The kernel once, then a fit for every ridge, which is the best that its user can do."""
    chosen = np.unique(np.linspace(0, len(RIDGES) - 1, count).round().astype(int))
    since = time.perf_counter()
    gram, cross = rf_kernel(x, x), rf_kernel(new, x)
    kernel_seconds = time.perf_counter() - since
    print(f"peer's kernel: {kernel_seconds:.1f} s", flush=True)
    spent = []
    for index in chosen:
        since = time.perf_counter()
        predicted = KernelRidge(alpha=RIDGES[index], kernel="precomputed").fit(gram, y).predict(cross)
        spent.append(time.perf_counter() - since)
        apart = np.abs(predicted - ours[index]).max()
        print(f"peer, ridge {RIDGES[index]:.3g}: {spent[-1]:.1f} s; predictions apart by {apart:.1e}", flush=True)
    every = len(chosen) == len(RIDGES)
    total = kernel_seconds + (sum(spent) if every else float(np.median(spent)) * len(RIDGES))
    how = "all measured" if every else f"median of {len(chosen)} measured, times {len(RIDGES)}"
    print(f"scikit-learn: {total:.1f} s ({how}, kernel once); ratio {total / seconds:.1f}; {_peak()}")


def _peak() -> str:
    """Of this process so far."""
    return f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB"  # Linux counts KiB


if __name__ == "__main__":
    main()
