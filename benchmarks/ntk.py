"""Empirical NTK side by side: this engine, the PyTorch tutorial's two functions, neural-tangents 0.6.5, the GEMM floor.

    python benchmarks/ntk.py
    python benchmarks/ntk.py --neural-tangents PYTHON     # of a venv: jax and jaxlib 0.4.23, numpy < 2, scipy < 1.13

Trace over 10 outputs, float32. Each figure is the median of several runs in a process of its own, so that its peak
memory (resident, above what was there before) is its own. What would take too long runs on a block of the kernel, and
its time is multiplied by the number of such blocks, as a kernel is computed whose Jacobians do not fit in memory.
On a machine that does other work too, --cpu-time with --threads 1 measures what the process itself used.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CASES = {
    "mlp-1024": {"n": 300, "m": 1000, "block": (60, 100)},
    "cnn-32": {"n": 300, "m": 500, "block": (60, 100)},
    "small-mlp": {"n": 30, "m": 40, "block": (6, 10)},
}
METHODS = ["lazyregime", "jacobian contraction", "ntk-vector products"]
NEURAL_TANGENTS = ["structured derivatives", "jacobian contraction", "ntk-vector products"]


def status(key: str) -> int:
    """A memory line of this process, in bytes."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) * 1024


def measure(run: Callable[[], Any], repeats: int) -> dict[str, float]:
    """Median and least seconds, and the peak of resident memory above what there was before."""
    clock = time.process_time if os.environ.get("NTK_CPU_TIME") else time.perf_counter
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    run()
    peak = status("VmHWM") - before
    seconds = []
    for _ in range(repeats):
        start = clock()
        run()
        seconds.append(clock() - start)
    return {"median": statistics.median(seconds), "least": min(seconds), "peak": peak / 2**20}


def model_and_inputs(case: str) -> Any:
    """The survey's networks and normal inputs."""
    import torch

    from lazyregime.networks import CNN, MLP

    torch.manual_seed(0)
    n, m = CASES[case]["n"], CASES[case]["m"]
    if case == "cnn-32":
        return CNN(width=32), torch.randn(n, 1, 28, 28), torch.randn(m, 1, 28, 28)
    return MLP(width=1024 if case == "mlp-1024" else 64), torch.randn(n, 784), torch.randn(m, 784)


def jacobian_contraction(model: Any, x1: Any, x2: Any) -> Any:
    """The tutorial's first way: all per-sample Jacobians by vmap(jacrev), contracted over the parameters."""
    import torch
    from torch.func import functional_call, jacrev, vmap

    params = {name: p.detach() for name, p in model.named_parameters()}

    def f(params: Any, x: Any) -> Any:
        return functional_call(model, params, (x[None],))[0]

    j1, j2 = (vmap(jacrev(f), (None, 0))(params, x).values() for x in (x1, x2))
    return sum(torch.einsum("naf,maf->nm", a.flatten(2), b.flatten(2)) for a, b in zip(j1, j2, strict=True))


def ntk_vector_products(model: Any, x1: Any, x2: Any) -> Any:
    """The tutorial's second way: for every pair, jvp of vjp with each basis vector."""
    import torch
    from torch.func import functional_call, jvp, vjp, vmap

    params = {name: p.detach() for name, p in model.named_parameters()}

    def pair(a: Any, b: Any) -> Any:
        def f(x: Any) -> Any:
            return lambda w: functional_call(model, w, (x[None],))[0]

        output, pull = vjp(f(a), params)

        def product(v: Any) -> Any:
            return jvp(f(b), (params,), pull(v))[1]

        return torch.trace(vmap(product)(torch.eye(output.shape[0])))

    return vmap(vmap(pair, (None, 0)), (0, None))(x1, x2)


def run_torch(case: str, method: str, repeats: int) -> dict[str, float]:
    """One method of PyTorch's on one case, or on its block."""
    import torch

    model, x1, x2 = model_and_inputs(case)
    n, m = x1.shape[0], x2.shape[0]
    if method == "lazyregime":
        from lazyregime.kernels import empirical_ntk

        empirical_ntk(model, x1[:2], x2[:2])
        found = measure(lambda: empirical_ntk(model, x1, x2), repeats)
        return found | {"gemm": gemm_rate(), "whole": found["median"]}
    rows, columns = CASES[case]["block"]
    if method == "ntk-vector products":
        rows, columns = max(1, rows // 15), max(1, columns // 20)
        run = ntk_vector_products
    else:
        # As many rows at a time as the tutorial's Jacobians of them fit in 4 GiB.
        size = 10 * sum(p.numel() for p in model.parameters()) * 4
        chunk = max(1, min(rows, 2**32 // (3 * size)))

        def run(model: Any, x1: Any, x2: Any) -> Any:
            blocks = [[jacobian_contraction(model, a, b) for b in x2.split(chunk)] for a in x1.split(chunk)]
            return torch.cat([torch.cat(row, 1) for row in blocks])

    found = measure(lambda: run(model, x1[:rows], x2[:columns]), 1 if case == "mlp-1024" else min(repeats, 3))
    return found | {"whole": found["median"] * n * m / (rows * columns), "rows": rows, "columns": columns}


def gemm_rate() -> float:
    """Float32 operations a second of a large product, the best of several."""
    import torch

    a = torch.randn(2048, 2048)
    best = min(measure(lambda: a @ a, 1)["least"] for _ in range(8))
    return 2 * 2048**3 / best


def floor_flops(case: str, n: int, m: int, k: int = 10) -> float:
    """Operations of the products that the layerwise method must do: passes, per-sample gradients, contractions."""
    rows = n + m
    if case == "cnn-32":
        c, out, patch = 32, (26, 24, 22), (9, 288, 288)
        positions = [size * size for size in out]
        readout = positions[2] * c
        forward = sum(2 * t * p * c for t, p in zip(positions, patch, strict=True)) + 2 * readout * k
        backward = 2 * k * c * sum(t * p for t, p in zip(positions[1:], patch[1:], strict=True))
        gradients = 2 * k * c * sum(t * p for t, p in zip(positions, patch, strict=True))
        contraction = 2 * k * c * sum(p + 1 for p in patch) + 2 * readout
        return rows * (forward + backward + gradients) + n * m * contraction
    h = 1024 if case == "mlp-1024" else 64
    forward = 2 * (784 * h + 2 * h * h + h * k)
    backward = 2 * k * 2 * h * h
    # The layer below the readout needs one product for all outputs.
    contraction = 2 * (784 + 3 * h + 2 * k * h + h)
    return rows * (forward + backward) + n * m * contraction


NEURAL_TANGENTS_SCRIPT = """
import json, sys, types
sys.modules["neural_tangents.experimental"] = types.ModuleType("neural_tangents.experimental")
sys.path.insert(0, sys.argv[4])
import jax, numpy as np
import neural_tangents as nt
from jax import numpy as jnp, lax
from ntk import CASES, measure
case, method, repeats = sys.argv[1], sys.argv[2], int(sys.argv[3])
r = np.random.default_rng(0)
n, m = CASES[case]["n"], CASES[case]["m"]
def normal(*shape):
    return jnp.asarray(r.standard_normal(shape, dtype=np.float32))
if case == "cnn-32":
    x1, x2 = normal(n, 28, 28, 1), normal(m, 28, 28, 1)
    params = [(normal(3, 3, 1, 32) / 3, normal(32)), (normal(3, 3, 32, 32) / 17, normal(32)),
              (normal(3, 3, 32, 32) / 17, normal(32)), (normal(15488, 10) / 124, normal(10))]
    layout = ("NHWC", "HWIO", "NHWC")
    def f(params, x):
        for w, b in params[:-1]:
            x = jax.nn.relu(lax.conv_general_dilated(x, w, (1, 1), "VALID", dimension_numbers=layout) + b)
        w, b = params[-1]
        return x.reshape(x.shape[0], -1) @ w + b
else:
    h = 1024 if case == "mlp-1024" else 64
    x1, x2 = normal(n, 784), normal(m, 784)
    sizes = [784, h, h, h, 10]
    params = [(normal(a, b) / a**0.5, normal(b)) for a, b in zip(sizes, sizes[1:])]
    def f(params, x):
        for w, b in params[:-1]:
            x = jax.nn.relu(x @ w + b)
        w, b = params[-1]
        return x @ w + b
which = {"structured derivatives": nt.NtkImplementation.STRUCTURED_DERIVATIVES,
         "jacobian contraction": nt.NtkImplementation.JACOBIAN_CONTRACTION,
         "ntk-vector products": nt.NtkImplementation.NTK_VECTOR_PRODUCTS}[method]
kernel = nt.empirical_ntk_fn(f, trace_axes=(-1,), vmap_axes=0, implementation=which)
rows, columns = (n, m) if method == "structured derivatives" else CASES[case]["block"]
if method == "ntk-vector products":
    rows, columns = max(1, rows // 15), max(1, columns // 20)
elif method == "jacobian contraction":
    rows, columns = max(1, rows // 6), max(1, columns // 5)
x1, x2 = x1[:rows], x2[:columns]
jitted = jax.jit(kernel)
found = measure(lambda: jitted(x1, x2, params).block_until_ready(), repeats)
print(json.dumps(found | {"whole": found["median"] * n * m / (rows * columns), "rows": rows, "columns": columns}))
"""


def in_own_process(python: str, arguments: list[str], num_threads: int) -> dict[str, float] | str:
    """The figures a fresh process prints, or its last line of error."""
    environment = os.environ | {"OMP_NUM_THREADS": str(num_threads), "PYTHONPATH": str(Path(__file__).parents[1])}
    if num_threads == 1:
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    done = subprocess.run([python, *arguments], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return json.loads(done.stdout.strip().splitlines()[-1])


def table(case: str, figures: dict[str, dict[str, float] | str]) -> list[str]:
    """Lines for one case: seconds, ratio, peak memory, ratio."""
    n, m = CASES[case]["n"], CASES[case]["m"]
    own = figures["lazyregime"]
    if isinstance(own, str):
        return [f"{case}: {own}"]
    floor = floor_flops(case, n, m) / own["gemm"]
    lines = [
        f"{case}, {n} x {m}, trace of 10 outputs, float32",
        f"GEMM {own['gemm'] / 1e9:.0f} GFLOP/s in this run; floor {floor:.3f} s; "
        f"lazyregime reaches {floor / own['median']:.0%} of it (least time: {floor / own['least']:.0%})",
        f"{'method':<42}{'seconds':>10}{'times ours':>12}{'peak MiB':>10}{'times ours':>12}  measured on",
    ]
    for name, found in figures.items():
        if isinstance(found, str):
            lines.append(f"{name:<42}{'':>10}{'':>12}{'':>10}{'':>12}  failed: {found[:60]}")
            continue
        whole = "rows" not in found or (found["rows"], found["columns"]) == (n, m)
        on = "the whole" if whole else f"{found['rows']:.0f} x {found['columns']:.0f}, scaled by pairs"
        lines.append(
            f"{name:<42}{found['whole']:>10.3f}{found['whole'] / own['median']:>12.1f}"
            f"{found['peak']:>10.0f}{found['peak'] / own['peak']:>12.1f}  {on}"
        )
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=CASES, action="append", help="by default mlp-1024 and cnn-32")
    parser.add_argument("--neural-tangents", metavar="PYTHON", help="the Python of a venv with neural-tangents 0.6.5")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--method", choices=METHODS, help="one method only, in this process, as JSON")
    parser.add_argument("--cpu-time", action="store_true", help="the process's own seconds on a processor")
    parser.add_argument("--fast", action="store_true", help="this engine and the structured derivatives only")
    chosen = parser.parse_args()
    if chosen.cpu_time:
        os.environ["NTK_CPU_TIME"] = "1"
    if chosen.method:
        print(json.dumps(run_torch((chosen.case or ["mlp-1024"])[0], chosen.method, chosen.repeats)))
        return
    for case in chosen.case or ["mlp-1024", "cnn-32"]:
        figures: dict[str, dict[str, float] | str] = {}
        for method in METHODS[:1] if chosen.fast else METHODS:
            name = method if method == "lazyregime" else f"PyTorch tutorial, {method}"
            arguments = [__file__, "--case", case, "--method", method, "--repeats", str(chosen.repeats)]
            figures[name] = in_own_process(sys.executable, arguments, chosen.threads)
        others = NEURAL_TANGENTS[:1] if chosen.fast else NEURAL_TANGENTS
        for method in others if chosen.neural_tangents else []:
            arguments = ["-c", NEURAL_TANGENTS_SCRIPT, case, method, str(chosen.repeats), str(Path(__file__).parent)]
            figures[f"neural-tangents, {method}"] = in_own_process(chosen.neural_tangents, arguments, chosen.threads)
        print("\n".join(table(case, figures)), flush=True)


if __name__ == "__main__":
    main()
