"""The Lazy row of the poster's table with the full kernel: seven untrained networks, 300 anchors, all test images.

    python multirun_scripts/lazy_row.py                  MLP 1024, 2048, 4096; CNN 32, 64, 128, 256
    SIZE=small python multirun_scripts/lazy_row.py       MLP 1024 and CNN 32 with 1,000 test images
    python multirun_scripts/lazy_row.py mlp-4096         these networks

Each network is drawn by PyTorch's own initialization (seed 0), its 3000 x 3000 kernel on the first 30 images of each
digit is computed and solved without a ridge, and the test images are predicted by one jvp each, argmax_c f_c(x). The
test kernel is never formed. `ratio` is the prediction's time over that of one forward pass over the test images,
measured on the first 1,000. Give the command again after an interruption: what is stored in --out is not repeated.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lazyregime.app.console import Console
from lazyregime.data import ClassificationData, first_per_class, mnist
from lazyregime.kernels import EmpiricalKernel, KernelRegression, accuracy
from lazyregime.networks import CNN, MLP

# The poster's values are those of the trace kernel, its rule and its anchors: see docs/poster.md.
PUBLISHED = {
    "mlp-1024": 0.7705,
    "mlp-2048": 0.7851,
    "mlp-4096": 0.7885,
    "cnn-32": 0.5983,
    "cnn-64": 0.6299,
    "cnn-128": 0.6433,
    "cnn-256": 0.6522,
}


def make_network(name: str, seed: int) -> nn.Module:
    """mlp-WIDTH or cnn-WIDTH; the poster's CNN has no activation after its last convolution."""
    kind, width = name.split("-")
    torch.manual_seed(seed)
    return MLP(width=int(width)) if kind == "mlp" else CNN(width=int(width), last_activation=False)


def forward_seconds(network: nn.Module, x: Tensor) -> float:
    """One forward pass over x, scaled from its first 1,000 samples; the faster of two sizes of batch."""
    part, seconds = x[:1000], []
    with torch.no_grad():
        for batch in (50, 500):
            network(part[:batch])
            start = time.perf_counter()
            for xs in part.split(batch):
                network(xs)
            seconds.append(time.perf_counter() - start)
    return min(seconds) * len(x) / len(part)


def measure(name: str, data: ClassificationData, seed: int, per_class: int, console: Console) -> dict[str, Any]:
    """Fit on the anchors, predict the test set."""
    network = make_network(name, seed)
    anchors = first_per_class(data.train_labels, per_class)
    start = time.perf_counter()
    with console.kernel_progress(f"{name}: kernel of {len(anchors)} anchors") as progress:
        kernel = EmpiricalKernel(network, progress=progress)
        regression = KernelRegression(kernel).fit(data.train_inputs[anchors], data.train_labels[anchors])
    fitted = time.perf_counter()
    with console.kernel_progress(f"{name}: prediction") as progress:
        regression.kernel = EmpiricalKernel(network, progress=progress)
        predicted = regression.predict(data.test_inputs)
    done = time.perf_counter()
    return {
        "net": name,
        "seed": seed,
        "n_test": len(predicted),
        "parameters": sum(p.numel() for p in network.parameters()),
        "accuracy": accuracy(predicted, data.test_labels),
        "condition_number": regression.report.condition_number,
        "jitter": regression.report.jitter,
        "fit_seconds": fitted - start,
        "predict_seconds": done - fitted,
        "forward_seconds": forward_seconds(network, data.test_inputs),
        "whole_seconds": time.perf_counter() - start,
        "threads": torch.get_num_threads(),
    }


def row(found: dict[str, Any]) -> list[str]:
    """One line of the table."""
    published = PUBLISHED.get(found["net"])
    return [
        found["net"],
        f"{found['parameters']:,}",
        f"{found['accuracy']:.4f}",
        f"{published:.4f}" if published else "",
        f"{found['condition_number']:.1e}",
        f"{found['jitter']:.1e}" if found["jitter"] else "0",
        *(f"{found[key]:.1f}" for key in ("fit_seconds", "predict_seconds", "forward_seconds")),
        f"{found['predict_seconds'] / found['forward_seconds']:.1f}",
    ]


def main() -> None:
    """Measure what is not stored yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", nargs="*", metavar="KIND-WIDTH", help="by default the poster's seven")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--per-class", type=int, default=30, help="anchors of each digit")
    parser.add_argument("--n-test", type=int, help="by default all 10,000")
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("LAZYREGIME_RUNS", "runs")) / "lazy_row")
    chosen = parser.parse_args()
    small = os.environ.get("SIZE", "full") == "small"
    nets = chosen.nets or (["mlp-1024", "cnn-32"] if small else list(PUBLISHED))
    n_test = chosen.n_test or (1000 if small else None)
    console = Console()
    data = mnist(data_dir=os.environ.get("LAZYREGIME_DATA", "data"), n_test=n_test, log=console.say)
    chosen.out.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for name in nets:
        stored = chosen.out / f"{name}-s{chosen.seed}-a{chosen.per_class}-t{len(data.test_labels)}.json"
        if not stored.exists():
            found = measure(name, data, chosen.seed, chosen.per_class, console)
            part = stored.with_suffix(".part")
            part.write_text(json.dumps(found, indent=1))
            part.replace(stored)
        rows.append(json.loads(stored.read_text()))
    columns = ["network", "parameters", "full kernel", "poster's", "cond.", "jitter", "fit s", "predict s", "forward s"]
    lines = [row(found) for found in rows]
    console.table([*columns, "ratio"], lines, title="Lazy: kernel regression at initialization")
    whole = sum(found["whole_seconds"] for found in rows)
    console.say(f"{len(data.test_labels):,} test images; {whole / 60:.1f} min in all on {rows[0]['threads']} threads")


if __name__ == "__main__":
    main()
