"""Exact kernel regression of MNIST with the trace kernel of an untrained MLP, end to end, restartable.

    python multirun_scripts/exact_regression.py                     10,000 training images, 10,000 test images
    python multirun_scripts/exact_regression.py --n-train 60000 --relative-ridge 1e-4 --rank 1000
    python multirun_scripts/exact_regression.py --n-train 2000 --plan 60000
    torchrun --nproc-per-node 2 multirun_scripts/exact_regression.py       blocks spread over two processes

The kernel goes to a file in --out by blocks of rows; the same command after a kill goes on with the missing blocks.
It is solved by Cholesky where that fits the memory, else by conjugate gradients with products read from the file. Test
rows are streamed. --plan extrapolates the measured times and sizes to another number of training images.
"""

import argparse
import json
import os
import time
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

from lazyregime.app.console import Console
from lazyregime.data import mnist
from lazyregime.kernels import EmpiricalKernel, KernelRegression, accuracy, empirical_ntk_blocks
from lazyregime.networks import MLP
from lazyregime.solve import streamed_product


def plan(found: dict[str, float], n: int) -> list[tuple[str, str]]:
    """What n training images take, from what the measured ones took."""
    ratio = n / found["n_train"]
    hours = {
        "kernel": found["kernel_seconds"] * ratio**2,
        "Cholesky": found["solve_seconds"] * ratio**3,
        "prediction": found["predict_seconds"] * ratio,
    }
    lines = [(f"{what}, hours", f"{seconds / 3600:.2f}") for what, seconds in hours.items()]
    lines.append(("kernel on disk in float32, GB", f"{4 * n * n / 1e9:.1f}"))
    lines.append(("Cholesky in memory in float64, GB", f"{40 * n * n / 1e9:.0f}"))
    passes = found["product_seconds"] * ratio**2
    lines.append(("one product with the stored kernel, seconds (while it is in memory)", f"{passes:.1f}"))
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-train", type=int, default=10_000)
    parser.add_argument("--n-test", type=int, help="by default all 10,000")
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--relative-ridge", type=float, default=0.0, help="times tr(K)/n")
    parser.add_argument("--solver", default="auto", choices=["auto", "cholesky", "cg"])
    parser.add_argument("--rank", type=int, default=500, help="of the preconditioner of conjugate gradients")
    parser.add_argument("--tolerance", type=float, default=1e-6, help="of the residual of conjugate gradients")
    parser.add_argument("--block-rows", type=int, default=5000)
    parser.add_argument("--plan", type=int, metavar="N", help="also extrapolate to N training images")
    parser.add_argument(
        "--out", type=Path, default=Path(os.environ.get("LAZYREGIME_RUNS", "runs")) / "exact_regression"
    )
    chosen = parser.parse_args()
    console = Console()
    if "RANK" in os.environ:  # torchrun's
        dist.init_process_group("gloo", timeout=timedelta(days=1))
    data = mnist(
        data_dir=os.environ.get("LAZYREGIME_DATA", "data"),
        n_train=chosen.n_train,
        n_test=chosen.n_test,
        log=console.say,
    )
    chosen.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    network = MLP(width=chosen.width)
    name = f"mlp-{chosen.width}-n{chosen.n_train}"
    clock = [time.perf_counter()]
    with console.kernel_progress("blocks of the kernel") as progress:
        kernel = empirical_ntk_blocks(
            network,
            data.train_inputs,
            path=chosen.out / f"{name}.npy",
            block_rows=chosen.block_rows,
            progress=progress,
        )
    if dist.is_initialized():
        if dist.get_rank() > 0:
            return
        torch.set_num_threads(dist.get_world_size() * torch.get_num_threads())  # the others have left
    clock.append(time.perf_counter())
    with console.progress("iterations of conjugate gradients") as update:
        regression = KernelRegression(
            relative_ridge=chosen.relative_ridge,
            solver=chosen.solver,
            rank=chosen.rank,
            tolerance=chosen.tolerance,
            progress=lambda done, residual: update(done, f"relative residual {residual:.1e}"),
        ).fit_gram(kernel, data.train_labels)
    clock.append(time.perf_counter())
    with console.kernel_progress("pairs of the prediction") as progress:
        values = EmpiricalKernel(network, outputs="trace", progress=progress).apply(
            data.test_inputs, data.train_inputs, regression.dual
        )
    product = streamed_product(kernel, 1 << 30)
    clock.append(time.perf_counter())
    product(regression.dual)
    clock.append(time.perf_counter())
    steps = ("kernel_seconds", "solve_seconds", "predict_seconds", "product_seconds")
    found: dict[str, float] = {
        "n_train": len(data.train_labels),
        "n_test": len(data.test_labels),
        "accuracy": accuracy(values.argmax(1), data.test_labels),
        **{step: b - a for step, a, b in zip(steps, clock[:-1], clock[1:], strict=True)},
    }
    report = regression.report
    (chosen.out / f"{name}.json").write_text(json.dumps(found | vars(report), indent=1))
    lines = [
        (key.replace("_", " "), f"{value:.4g}" if value < 1e4 else f"{value:,.0f}") for key, value in found.items()
    ]
    lines += [(key.replace("_", " "), f"{value}") for key, value in vars(report).items()]
    console.table(["measured", "value"], lines, title=f"{name}, trace kernel at initialization")
    if chosen.plan:
        console.table(
            ["plan", "value"], plan(found, chosen.plan), title=f"{chosen.plan:,} training images, extrapolated"
        )


if __name__ == "__main__":
    main()
