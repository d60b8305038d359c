"""One evaluation of the particle flow against the two matrix products that it cannot do without.

    python benchmarks/flows.py [--width 4096] [--d 40] [--n 2000] [--rounds 15]

The floor is measured in the same run, in turns with the flow: Z = W X^T into (N, n), and X^T Z^T into (d, N), whole and
in float64, the faster of the second product's two layouts. Printed are medians and their ratio (target: at most 1.5),
for the naive autograd step too, and the memory at its peak after 10 steps and after 110.
"""

import argparse
import resource
import statistics
import time

import torch

from lazyregime.two_layer import Euler, ParticleField, gaussian_particles


def seconds(*functions, rounds):
    """Medians of each, in turns; timed is a second call in a row, as step follows step."""
    times = [[] for _ in functions]
    for _ in range(rounds + 2):
        for function, taken in zip(functions, times, strict=True):
            function()
            start = time.perf_counter()
            function()
            taken.append(time.perf_counter() - start)
    return [statistics.median(taken[2:]) for taken in times]


def autograd_step(theta, x, y, alpha):
    """The same velocity as a reader would first write it."""
    leaf = theta.clone().requires_grad_()
    f = alpha / leaf.shape[1] * torch.einsum("sh,shn->sn", leaf[..., 0], torch.relu(leaf[..., 1:] @ x.T))
    ((y - f).square().mean() * leaf.shape[1] / (2 * alpha**2)).backward()
    return -leaf.grad


def peak():
    """MB at the peak so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser()
    for name, value in (("width", 4096), ("d", 40), ("n", 2000), ("rounds", 15)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    h, d, n = options.width, options.d, options.n
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(n, d, generator=draw, dtype=torch.float64)
    y, theta = torch.randn(n, generator=draw, dtype=torch.float64), gaussian_particles(h, d, [0], w_std=d**-0.5)
    field = ParticleField(x, y, activation="relu", alpha=1.0)
    for steps in (10, 100):
        Euler(0.001).run(field, theta, [0.0, 0.001 * steps], lambda *_: None)
        print(f"peak memory after {'10' if steps == 10 else '100 more'} steps: {peak():.0f} MB")
    w, z, g = (
        theta[0, :, 1:].contiguous(),
        torch.empty(h, n, dtype=torch.float64),
        torch.empty(d, h, dtype=torch.float64),
    )
    first, second, other = seconds(
        lambda: torch.mm(w, x.T, out=z), lambda: torch.mm(x.T, z.T, out=g), lambda: torch.mm(z, x, out=g.T),
        rounds=options.rounds,
    )  # fmt: skip
    print(f"N = {h}, d = {d}, n = {n}, {torch.get_num_threads()} threads, float64")
    gflop = 4 * h * d * n / 1e9

    def floor():
        torch.mm(w, x.T, out=z)
        torch.mm(x.T, z.T, out=g) if second <= other else torch.mm(z, x, out=g.T)

    print(f"products: {1e3 * first:.1f} ms, {1e3 * second:.1f} ms (or {1e3 * other:.1f} ms)")
    for name in ("relu", "mmn18", "tanh", "erf"):
        field = ParticleField(x, y, activation=name, alpha=1.0)
        step, bare = seconds(lambda f=field: f(theta), floor, rounds=options.rounds)
        rate = gflop / bare
        print(f"{name:6} {1e3 * step:7.1f} ms, floor {1e3 * bare:.1f} ms ({rate:.0f} GFLOP/s), ratio {step / bare:.2f}")
    naive, bare = seconds(lambda: autograd_step(theta, x, y, 1.0), floor, rounds=3)
    print(f"autograd (relu) {1e3 * naive:.1f} ms, ratio {naive / bare:.2f}")


if __name__ == "__main__":
    main()
