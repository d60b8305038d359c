"""What moves the claims of [GMMM20] on noisy Fashion-MNIST that fail at the small size: one thing is changed at a time.

    python multirun_scripts/noise_causes.py [network] [samples] [quadratic] [authors] [KEY=VALUE ...]

network    The network's accuracy from 2000 images without noise and at tau = 3, with another optimizer, step, width or
           weight decay.
samples    The same for the network and for kernel regression, against the number of training images.
quadratic  The distance of kernel regression from the quadratic fit at tau = 3, against the constant c of the quadratic
           kernel (c + <x, x'>/sqrt(d))^2. In the cosine u it is 56 c u + 784 u^2 (d = 784), the RF kernel is
           proportional to pi u + u^2 + .. and the NTK to 2.1 u + u^2 + ..: the same weights where c = 44 and c = 29.
authors    The accuracy of the quadratic fit at tau = 3 over the constants that the authors search,
           2^linspace(-3, 3, 10): the best of them would be their choice.

The runs go where those of the experiments go; what is complete is not repeated.
"""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false

from lazyregime.app.studies import runs_of, studies
from lazyregime.fit import main as fit
from lazyregime.reports.claims._seeds import starts
from lazyregime.train import main as train

NET, FIT = ["experiment=gmmm20_noise_net", "data.tau=0,3"], ["experiment=gmmm20_noise"]
FEW = "data.n_train=2000"
SGD = ["optimizer=sgd", "optimizer.momentum=0.9"]
CHANGES = {
    "preset": [],
    "sgd": SGD,
    "small_step": ["lr=0.05"],
    "wide": ["width=4096"],
    "weight_decay": ["optimizer.weight_decay=0.01"],
}
EPOCHS = {1000: 60, 4000: 60, 12000: 25}  # by the number of images
AUTHORS = [2 ** (-3 + 6 * i / 9) for i in range(10)]
CONSTANTS = (1, 15, 29, 44, 150)


def network(overrides):
    """The network with one thing changed."""
    for name, change in CHANGES.items():
        yield [name, *losses(run(train, f"causes_network_{name}", [*NET, FEW, *change], overrides))]


def samples(overrides):
    """The network, by Adam and by gradient descent, and kernel regression for each n."""
    for n, epochs in EPOCHS.items():
        size = [f"data.n_train={n}"]
        for name in ("preset", "sgd"):
            sweep = [*NET, *size, f"trainer.max_epochs={epochs}", *CHANGES[name]]
            yield [f"{n}: network, {name}", *losses(run(train, f"causes_samples_{n}_{name}", sweep, overrides))]
        sweep = [*FIT, "data.tau=0,3", *size, "machine=krr_rf", "ridges=[1e-3,1e-2,0.1]"]
        yield [f"{n}: kernel regression", *losses(run(fit, f"causes_samples_{n}_krr", sweep, overrides))]


def quadratic(overrides):
    """Kernel regression and the quadratic kernels."""
    sweep = [*FIT, "data.tau=3", FEW]
    machines = {name: [f"machine={name}", "ridges=[1e-4,1e-3,1e-2]"] for name in ("krr_rf", "krr_ntk")}
    for c in CONSTANTS:
        kernel = ["machine=polynomial", "machine.degree=2", f"machine.constant={c}.0"]
        machines[f"quadratic, c = {c}"] = [*kernel, "ridges=[1.0,10.0,100.0]"]
    for words, machine in machines.items():
        name = words.replace("quadratic, c = ", "c")
        yield [words, interval(run(fit, f"causes_quadratic_{name}", [*sweep, *machine], overrides).test_accuracy)]


def authors(overrides):
    """The quadratic kernel over the authors' constants."""
    sweep = [*FIT, "data.tau=3", FEW, "machine=quadratic", "ridges=[0.1,1.0,10.0,100.0]"]
    for c in AUTHORS:
        found = run(fit, f"causes_authors_c{c:.3g}", [*sweep, f"machine.constant={c:.6f}"], overrides)
        yield [f"quadratic, c = {c:.3g}", interval(found.test_accuracy)]


STUDIES = {
    "network": (network, ["changed", "accuracy at tau = 0", "at tau = 3", "loss"]),
    "samples": (samples, ["images, model", "accuracy at tau = 0", "at tau = 3", "loss"]),
    "quadratic": (quadratic, ["kernel", "accuracy at tau = 3"]),
    "authors": (authors, ["kernel", "accuracy at tau = 3"]),
}


def run(door, group, sweep, overrides):
    """A sweep over three seeds, and its runs."""
    return runs_of(door, group, [*sweep, "seed=0,1,2"], overrides)


def losses(runs):
    """Accuracy at tau = 0 and 3, and what is lost between them, seed by seed."""
    by_seed = runs.pivot_table(index="seed", columns="config.data.tau", values="test_accuracy")
    return [interval(by_seed[0]), interval(by_seed[3]), interval(by_seed[0] - by_seed[3])]


def interval(values):
    """Mean and 95% interval, for people."""
    found = starts(values).measured()
    return f"{found.value:.4f}" if found.num_seeds == 1 else f"{found.value:.4f} ± {found.value - found.low:.4f}"


def main(arguments=None):
    """Run what lacks, and print."""
    studies(__doc__, STUDIES, arguments)


if __name__ == "__main__":
    main()
