"""How often the verdict is right, on networks whose regime is known by construction (docs/verdict.md).

    python multirun_scripts/verdict_calibration.py set|judge [CASE ...] [KEY=VALUE ...]

Known to be lazy: a frozen kernel, and laziness 1000 and 10,000. Known to learn features: laziness 0.1 and 0.03, where the
training got somewhere (a loss of less than half of what it was). `set` are the networks and data on which the thresholds
of lazyregime/measure/verdict.py were set, `judge` others, on which they are judged. What is complete is not repeated.
"""

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
    "frozen": ["regime=lazy"],
    "1000": ["regime=scaled", "laziness=1000"],
    "10000": ["regime=scaled", "laziness=10000"],
}
RICH = {
    "0.1": ["regime=scaled", "laziness=0.1"],
    "0.03": ["regime=scaled", "laziness=0.03"],
}
MLP, CNN, RESNET = ["arch=mlp", "arch.depth=2"], ["arch=cnn", "arch.depth=2"], ["arch=resnet18", "width=8"]
REGRESSION = ["loss=mse", "data=sphere", "ntk.anchors_per_class=60"]
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
        "transformer-addition": ["arch=transformer", "width=32", "data=modular_addition"],
        "resnet18-fashion": ["arch=resnet18", "width=4", "data=fashion_mnist"],
    },
}  # fmt: skip


def run(options):
    """The result of one run; None, with a word, if it failed."""
    try:
        return lazyregime.run(*options, quiet=True)
    except LazyRegimeError as error:
        print(f"   failed: {error}", flush=True)
        return None


def trained(result):
    """Whether the training got somewhere: half of what a constant prediction has."""
    accuracy = result.get("train_accuracy")
    if accuracy is None:
        return result["train_loss"] < 0.25  # of targets with variance 1, half of which is the loss
    return accuracy > 0.5


def main(which, cases, extra):
    """Run them and print a line each."""
    right = total = 0
    for name, options in SETS[which].items():
        if cases and name not in cases:
            continue
        for known, kinds in (("lazy", LAZY), ("feature learning", RICH)):
            for kind, regime in kinds.items():
                result = run([*options, *SMALL, *regime, f"group=verdict/{which}/{name}", *extra])
                if result is None:
                    continue
                evidence = evidence_of(result)
                verdict = judge(evidence)
                ok = known == verdict.word
                right, total = right + ok, total + 1
                print(
                    f"{'  ' if ok else '! '}{name:22} {kind:>7}  {verdict.word!s:17} turn {turn_in_nulls(evidence):7.3f}  "
                    f"angle {degrees(evidence.angle or 0):5.1f} ({degrees(evidence.null_angle or 0):4.1f})  "
                    f"1-CKA {evidence.cka or 0:.4f} ({evidence.null_cka or 0:.4f})  "
                    f"gain {100 * (evidence.gain or 0):5.1f} ± {100 * (evidence.gain_error or 0):3.1f} "
                    f"({100 * (evidence.null_gain or 0):4.1f})  grew {evidence.growth or 0:.3g}  "
                    f"train {result.get('train_accuracy') or result['train_loss']:.3f} "
                    f"{'' if trained(result) else 'NOT TRAINED'} {result['seconds']:.0f} s",
                    flush=True,
                )
    print(f"{right} of {total} right")


if __name__ == "__main__":
    words = sys.argv[2:]
    main(sys.argv[1], [w for w in words if "=" not in w], [w for w in words if "=" in w])
