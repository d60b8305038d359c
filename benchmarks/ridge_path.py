"""Kernel ridge regression over a path of ridges, beside scikit-learn's KernelRidge ridge by ridge, on one machine.

    python benchmarks/ridge_path.py --n 20000 --peer-ridges 1
    python benchmarks/ridge_path.py --n 2000                  # every ridge of the peer too

Fashion-MNIST, the random-feature kernel, 20 ridges logspace(-1, 5)/784 (the grid of [GMMM20] in this project's unit),
one-hot labels less 0.1. Both sides compute the kernel from the images and predict the test images: ours once, the peer
once a ridge, as its class does. Prints seconds, their ratio, and how far the predictions are apart.
"""

import argparse
import os
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


def rf_kernel(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """The peer's kernel, in numpy, from unit vectors; in place, so that it is not the slower for copies."""
    u = np.clip(x @ z.T, -1, 1)
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
    parser.add_argument("--peer-ridges", type=int, default=len(RIDGES), help="how many ridges the peer really solves")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    data = fashion_mnist_noise(data_dir=DATA, tau=options.tau, n_train=options.n, n_test=options.n_test)
    x, new = (t.flatten(1).double() for t in (data.train_inputs, data.test_inputs))
    x, new = (28 * t / t.norm(dim=1, keepdim=True) for t in (x, new))  # the files are float32; the peer takes |x| = 28
    y, _ = encode(data.train_labels, data.n_outputs, "0.9/-0.1")

    since = time.perf_counter()
    machine = KernelMachine(TwoLayerKernel("rf")).fit_path(x, y, RIDGES)
    ours = machine.predict_path(new).numpy()
    seconds = time.perf_counter() - since
    print(f"ours: {seconds:.1f} s for {len(RIDGES)} ridges, n = {options.n}; {machine.report_}", flush=True)
    del machine

    chosen = np.unique(np.linspace(0, len(RIDGES) - 1, options.peer_ridges).round().astype(int))
    unit, unit_new = x.numpy() / 28, new.numpy() / 28
    spent = []
    for index in chosen:
        since = time.perf_counter()
        peer = KernelRidge(alpha=RIDGES[index], kernel="precomputed").fit(rf_kernel(unit, unit), y.numpy())
        predicted = peer.predict(rf_kernel(unit_new, unit))
        spent.append(time.perf_counter() - since)
        apart = np.abs(predicted - ours[index]).max()
        print(
            f"scikit-learn, ridge {RIDGES[index]:.3g}: {spent[-1]:.1f} s; predictions apart by {apart:.1e}", flush=True
        )
    total = np.mean(spent) * len(RIDGES)
    how = "measured" if len(chosen) == len(RIDGES) else f"mean of {len(chosen)} measured, times {len(RIDGES)}"
    print(f"scikit-learn: {total:.1f} s ({how}); ratio {total / seconds:.1f}")


if __name__ == "__main__":
    main()
