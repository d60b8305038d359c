"""What the poster's rule and the poster's anchors each cost: kernel regression of one run, all four ways.

    python multirun_scripts/protocols.py RUN [--n-test 10000]

RUN is the folder of a regime=regular run. Printed is the test accuracy at initialization and after training, for the
decision rule of the published formula and of the poster's script, with anchors as normalized images and as raw pixels
(science: the poster's script takes raw anchors and normalized test images). Everything comes from two kernels.
"""

import argparse
from pathlib import Path

import torch
from omegaconf import OmegaConf

from lazyregime.app.compose.build import build_network, load_data
from lazyregime.app.console import Console
from lazyregime.data import first_per_class
from lazyregime.kernels import KernelRegression, accuracy, empirical_ntk


def four_ways(network, data, n_test, console, title):
    """Accuracy by (rule, anchors)."""
    anchors = first_per_class(data.train_labels, 30)
    labels, normalized = data.train_labels[anchors], data.train_inputs[anchors]
    kinds = {"normalized": normalized, "raw": data.raw(normalized)}
    test, test_labels = data.test_inputs[:n_test], data.test_labels[:n_test]
    found = {}
    with console.kernel_progress(title) as progress:
        k_both = empirical_ntk(network, test, torch.cat(list(kinds.values())), progress=progress)
    for (kind, x), k in zip(kinds.items(), k_both.split(len(labels), dim=1), strict=True):
        gram = empirical_ntk(network, x)
        for rule in ("adh", "poster"):
            regression = KernelRegression(protocol=rule, n_outputs=data.n_outputs).fit_gram(gram, labels)
            found[rule, kind] = float(accuracy(regression.predict_gram(k), test_labels))
    return found


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--n-test", type=int, default=10_000)
    options = parser.parse_args()
    console = Console()
    config = OmegaConf.to_container(OmegaConf.load(options.run / "config.yaml"))
    data, network = load_data(config), build_network(config)
    rows = [("initialization", four_ways(network, data, options.n_test, console, "at initialization"))]
    weights = torch.load(options.run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    own = {name.removeprefix("network."): w for name, w in weights.items() if name.startswith("network.")}
    network.load_state_dict(own)
    rows.append(("after training", four_ways(network, data, options.n_test, console, "after training")))
    ways = [(rule, kind) for rule in ("adh", "poster") for kind in ("normalized", "raw")]
    table = [[when, *(f"{found[way]:.4f}" for way in ways)] for when, found in rows]
    console.table(["kernel", *(f"{rule} rule, {kind} anchors" for rule, kind in ways)], table, title=options.run.name)


if __name__ == "__main__":
    main()
