"""How often the verdict is right, on networks whose regime is known by construction (docs/verdict.md).

    python multirun_scripts/verdict_calibration.py set|judge|flow [CASE ...] [KEY=VALUE ...]

Known to be lazy: laziness 1000 and 10,000. (A frozen kernel does not turn at all: its verdict could not be another.)
Known to learn features: laziness 0.1 and 0.03, where the training got somewhere; where it did not, nothing is known,
and the run is listed and not counted. `set` are the networks and data on which the thresholds of
lazyregime/measure/verdict.py were set, `judge` and `flow` others, on which they are judged. Two seeds each; what is
complete is not repeated.
"""

import itertools
import sys

import lazyregime
from lazyregime.errors import LazyRegimeError
from lazyregime.measure import judge
from lazyregime.measure.evidence import degrees, evidence_of
from lazyregime.measure.verdict import turn_in_nulls

SMALL = [
    "data.n_train=1000", "data.n_test=400", "ntk.anchors_per_class=6", "trainer.max_epochs=8", "trainer.batch_size=50",
    "tracking=csv", "progress=none",
]  # fmt: skip
LAZY = {
    "1000": ["regime=scaled", "laziness=1000"],
    "10000": ["regime=scaled", "laziness=10000"],
}
RICH = {
    "0.1": ["regime=scaled", "laziness=0.1"],
    "0.03": ["regime=scaled", "laziness=0.03"],
}
MLP, CNN, RESNET = ["arch=mlp", "arch.depth=2"], ["arch=cnn", "arch.depth=2"], ["arch=resnet18", "width=8"]
NUM_CLASSES = {"mnist_parity": 2, "modular_addition": 11}
SEEDS = (0, 1)
ADDITION = ["data=modular_addition", "data.n_train=660", "trainer.max_epochs=40"]
REGRESSION = ["loss=mse", "data=sphere", "ntk.anchors_per_class=60"]
FLOW = [
    "optimizer=gradient_flow", "optimizer.max_dgrad=0.01", "optimizer.max_dout=0.5", "optimizer.max_steps=5000",
    "data.n_train=200",
]  # fmt: skip
PARITY = ["data=mnist_parity", "loss=softhinge", "arch.normalize_activation=true", "ntk.anchors_per_class=30"]
SPHERE = [
    "data=sphere",
    "data.dimension=10",
    "loss=mse",
    "optimizer.margin=null",
    "optimizer.min_loss=0.02",
    "arch.normalize_activation=true",
    "ntk.anchors_per_class=60",
]
SETS = {
    "set": {
        "mlp-32": [*MLP, "width=32"],
        "mlp-128": [*MLP, "width=128"],
        "mlp-512": [*MLP, "width=512"],
        "cnn-8": [*CNN, "width=8", "lr=0.3"],
        "cnn-16": [*CNN, "width=16", "lr=0.3"],
        "resnet18-8": [*RESNET, "lr=0.03"],
    },
    "judge": {
        "mlp-tanh-deep": ["arch=mlp", "arch.depth=4", "width=64", "arch.activation=tanh", "data=fashion_mnist"],
        "mlp-silu-wide": ["arch=mlp", "arch.depth=3", "width=1024", "arch.activation=silu", "data=fashion_mnist"],
        "mlp-cifar10": ["arch=mlp", "arch.depth=3", "width=256", "data=cifar10"],
        "two-layer-parity": ["arch=two_layer", "width=200", "data=mnist_parity", "loss=softhinge"],
        "mlp-sphere": ["arch=mlp", "arch.depth=2", "width=100", *REGRESSION],
        "cnn-gelu-fashion": ["arch=cnn", "arch.depth=3", "width=8", "arch.activation=gelu", "data=fashion_mnist"],
        "vgg11-cifar10": ["arch=vgg11", "width=4", "data=cifar10"],
        "vit-fashion": ["arch=vit", "width=32", "data=fashion_mnist"],
        "transformer-addition": ["arch=transformer", "width=32", *ADDITION],
        "resnet18-fashion": ["arch=resnet18", "width=4", "data=fashion_mnist"],
    },
    "flow": {
        "parity-mlp2-tanh": [*FLOW, *PARITY, "arch=mlp", "arch.depth=2", "arch.activation=tanh", "width=40"],
        "parity-mlp3-silu": [*FLOW, *PARITY, "arch=mlp", "arch.depth=3", "arch.activation=silu", "width=60"],
        "parity-two-layer-gelu": [*FLOW, *PARITY, "arch=two_layer", "arch.activation=gelu", "width=100"],
        "sphere-mlp2-silu": [*FLOW, *SPHERE, "arch=mlp", "arch.depth=2", "arch.activation=silu", "width=80"],
        "sphere-mlp3-tanh": [*FLOW, *SPHERE, "arch=mlp", "arch.depth=3", "arch.activation=tanh", "width=50"],
        "sphere-two-layer-tanh": [*FLOW, *SPHERE, "arch=two_layer", "arch.activation=tanh", "width=200"],
    },
}  # fmt: skip


def run(options):
    """The result of one run; None, with a word, if it failed."""
    try:
        return lazyregime.run(*options, quiet=True)
    except LazyRegimeError as error:
        print(f"   failed: {error}", flush=True)
        return None


def got_somewhere(result):
    """Whether the training came half of the way: from chance to all points right, or from a constant's loss to none."""
    accuracy = result.get("train_accuracy")
    if accuracy is None:
        return result["train_loss"] < 0.25  # of targets with variance 1, half of which is the loss
    return accuracy > (1 + 1 / NUM_CLASSES.get(result["data"], 10)) / 2


def main(which, cases, extra):
    """Run them and print a line each."""
    chosen = {name: options for name, options in SETS[which].items() if not cases or name in cases}
    kinds = [("lazy", *kind) for kind in LAZY.items()] + [("feature learning", *kind) for kind in RICH.items()]
    right = total = 0
    for (name, options), (known, kind, regime), seed in itertools.product(chosen.items(), kinds, SEEDS):
        result = run([*SMALL, *options, *regime, f"seed={seed}", f"group=verdict/{which}/{name}", *extra])
        if result is None:
            continue
        is_known = known == "lazy" or got_somewhere(result)
        is_right = judge(evidence_of(result)).word == known
        right, total = right + (is_right and is_known), total + is_known
        mark = "- " if not is_known else "  " if is_right else "! "
        print(f"{mark}{name:20} {kind:>6} {seed}  {line(result)}", flush=True)
    print(f"{right} of {total} right")
    if not total:
        sys.exit(1)


def line(result):
    """What was seen, each measure with its null in brackets."""
    e = evidence_of(result)
    percent = [100 * (value or 0) for value in (e.gain, e.gain_error, e.null_gain)]
    return (
        f"{judge(e).word!s:17} turn {turn_in_nulls(e):6.3f}  angle {degrees(e.angle or 0):5.1f} "
        f"({degrees(e.null_angle or 0):4.1f})  1-CKA {e.cka or 0:.4f} ({e.null_cka or 0:.4f})  "
        f"gain {percent[0]:5.1f} ± {percent[1]:3.1f} ({percent[2]:4.1f})  growth {e.growth or 0:8.3g}  "
        f"train {result.get('train_accuracy') or result['train_loss']:.3f}  {result['seconds']:.0f} s"
    )


if __name__ == "__main__":
    words = sys.argv[2:]
    main(sys.argv[1], [w for w in words if "=" not in w], [w for w in words if "=" in w])
