"""Learning curves of kernel regression, predicted before any training and measured: four data sets, three kernels.

    python multirun_scripts/predicted_curves.py [--pool 1500] [--draws 50] [--out docs/figures/predicted_curves.png]

Kernels: the NTK of infinite ReLU networks of one and three hidden layers, and that of one layer of 512 units as
initialized. Points have norm sqrt(d). Three predictions of the squared error on new points, over the targets' variance:

    eigenlearning   from the eigenvalues of the kernel on the pool, and the targets in its eigenvectors
    GCV             from the n training points alone; it is KARE too
    Hermite         from the covariance of the points and the kernel's Taylor coefficients, in closed form; the targets
                    in the first 400 Hermite modes, orthogonalized on the pool, what is left counting as noise

Beside them leave-one-out, which is no prediction but tells why GCV misses: GCV is leave-one-out with all points alike.
"Measured" is the mean over draws of n training points of the error on the rest of the pool. Ridge: a thousandth of the
kernel's mean diagonal. A prediction misses where it is more than 10% off; the miss is told with the measured errors.
"""

import argparse
import os
from functools import partial
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from lazyregime.data import cifar10_pair, parity, sphere
from lazyregime.kernels import eigenlearning, empirical_ntk, hermite_features, hermite_modes
from lazyregime.kernels.infinite import InfiniteMLP
from lazyregime.networks import TwoLayer
from lazyregime.reports.figures.style import house_style, save

SIZES, HEADLINE, RIDGE, MODES, COMPONENTS = (50, 100, 200, 400, 800), 400, 1e-3, 400, 20
DATA, SPHERE_POWERS = ("sphere", "MNIST parity", "Fashion parity", "CIFAR-10 animals"), (0.0, 0.5, 0.5)
DIMENSION = 15
PREDICTIONS = ("eigenlearning", "GCV", "Hermite", "leave-one-out")


def standardized(data):
    """Points in float64, and targets centred and of variance 1."""
    y = data.train_labels.double().flatten()
    return data.train_inputs.double().flatten(1), (y - y.mean()) / y.std()


def data_sets(pool, folder, wanted=DATA):
    """By name: points (pool, d) and targets (pool,)."""
    sizes = {"n_train": pool, "n_test": 2, "n_kernel": 2}
    images = {"data_dir": folder, "components": COMPONENTS, **sizes}
    made = (
        partial(sphere, dimension=DIMENSION, target_powers=SPHERE_POWERS, n_train=pool, n_test=2, data_seed=0),
        partial(parity, **images),
        partial(parity, source="fashion_mnist", **images),
        partial(cifar10_pair, **images),
    )
    for name, make in zip(DATA, made, strict=True):
        if name in wanted:
            yield name, *standardized(make())


def kernels(dimension):
    """By name: the gram matrix of points, and the infinite kernel that stands for it in closed form."""
    torch.manual_seed(0)
    network = TwoLayer(512, in_features=dimension, n_outputs=1, parameterization="ntk").double()
    shallow, deep = InfiniteMLP(depth=1, bias=False), InfiniteMLP(depth=3, bias=False)
    return {
        "NTK, 1 layer": (shallow.gram, shallow),
        "NTK, 3 layers": (deep.gram, deep),
        "1 layer of 512 units": (lambda x: empirical_ntk(network, x), shallow),
    }


def taylor(kernel, dimension):
    """c_l of K = sum_l c_l t^l / l! in t = <x, x'> for points of norm sqrt(d), by interpolation in the cosine."""
    cosines = 0.7 * np.cos(np.pi * (np.arange(41) + 0.5) / 41)
    x = torch.zeros(42, dimension, dtype=torch.float64)
    x[0, 0] = dimension**0.5
    x[1:, 0], x[1:, 1] = torch.tensor(cosines), torch.tensor((1 - cosines**2) ** 0.5)
    x[1:] *= dimension**0.5
    values = kernel.cross(x[:1], x[1:])[0].numpy()
    series = np.polynomial.Chebyshev.fit(cosines, values, 24, domain=[-0.7, 0.7]).convert(kind=np.polynomial.Polynomial)
    found, scale = [], 1.0
    for degree, b in enumerate(series.coef[:7]):
        scale *= max(degree, 1)
        found.append(max(0.0, float(b)) * scale / float(dimension) ** degree)
    return found, float(kernel.gram(x[:1])[0, 0])


def hermite(x, y, kernel):
    """The closed form: eigenvalues, the targets' power in them, and the trace beyond them."""
    coefficients, trace = taylor(kernel, x.shape[1])
    centred = x - x.mean(0)
    g, vectors = torch.linalg.eigh(centred.T @ centred / len(x))
    g = g.clamp(min=1e-12)
    values, exponents = hermite_modes(coefficients, g, min(10_000, 20 * len(x)))  # beyond, all act as a ridge
    phi = hermite_features((centred @ vectors) / g.sqrt(), exponents[:MODES])
    q, _ = torch.linalg.qr(phi)
    power = (q.T @ y).square() / len(y)
    rest = max(0.0, 1 - float(power.sum()))
    power = (power - rest / (len(y) - MODES)).clamp(min=0)  # what noise alone would give each
    left = max(0.0, trace - float(values.sum()))
    padded = torch.cat([power, torch.zeros(len(values) - len(power), dtype=torch.float64)])
    return values, padded, left


def measured(k, y, n, draws, ridge):
    """By draw of n points of the pool: the error on the rest; GCV and leave-one-out of the n; spread of 1 - leverage.

    With A = (K + ridge)^-1 leave-one-out's residuals are (A y)_i / A_ii, and ridge * A_ii is 1 - leverage.
    """
    rows = []
    for seed in range(draws):
        order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
        train, test = order[:n], order[n:]
        h = k[train][:, train] + ridge * torch.eye(n, dtype=k.dtype)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(h))
        dual, diagonal = inverse @ y[train], inverse.diagonal()
        error = (k[test][:, train] @ dual - y[test]).square().mean()
        gcv = dual.square().mean() / diagonal.mean() ** 2
        one = (dual / diagonal).square().mean()
        rows.append([float(each) for each in (error, gcv, one, diagonal.std() / diagonal.mean())])
    return np.array(rows)


def from_the_pool(k, y, ridge, sizes):
    """Eigenlearning by n, from the eigenvalues of the pool's kernel and the targets in its eigenvectors.

    Training points are drawn without replacement. So a test point is none of them, the ridge may as well belong to the
    kernel, the training error is then 0 and that on the pool is carried by the test points alone.
    """
    total = len(y)
    values, vectors = torch.linalg.eigh(k / total)
    power, values = (vectors.T @ y).square() / total, values.clamp(min=0) + ridge / total
    return [eigenlearning(values, power, n).test_mse * total / (total - n) for n in sizes]


def curves(x, y, gram, kernel, draws, sizes):
    """By n: mean and standard error as measured, the three predictions, and leave-one-out."""
    k = gram(x).double()
    ridge = RIDGE * float(k.diagonal().mean())
    modes, in_modes, left = hermite(x, y, kernel)
    noise = max(0.0, 1 - float(in_modes.sum()))
    rows = []
    for n, seen in zip(sizes, from_the_pool(k, y, ridge, sizes), strict=True):
        errors, guesses, ones, _ = measured(k, y, n, draws, ridge).T
        error = errors.std(ddof=1) / draws**0.5
        closed = eigenlearning(modes, in_modes, n, ridge=ridge + left, noise=noise).test_mse
        rows.append((n, errors.mean(), error, seen, guesses.mean(), closed, ones.mean()))
    return np.array(rows)


def draw(found, path):
    """A panel for each data set and kernel."""
    names, kinds = list(dict.fromkeys(d for d, _ in found)), list(dict.fromkeys(k for _, k in found))
    with house_style():
        figure = Figure(figsize=(3.1 * len(names), 2.5 * len(kinds)), layout="constrained")
        axes = figure.subplots(len(kinds), len(names), squeeze=False, sharex=True)
        for (name, kind), rows in found.items():
            ax = axes[kinds.index(kind), names.index(name)]
            ax.errorbar(rows[:, 0], rows[:, 1], rows[:, 2], fmt="ko", markersize=4, label="measured")
            for column, style, label in zip(rows.T[3:], ("-", "--", ":", "-."), PREDICTIONS, strict=True):
                ax.plot(rows[:, 0], column, style, label=label)
            ax.set(xscale="log", yscale="log")
            ax.set_title(f"{name}\n{kind}", fontsize=9)
        axes[-1, 0].set(xlabel="training points n", ylabel="squared error / variance")
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
        save(figure, path, formats=("png",))


def tell_misses(name, off, sizes):
    """How many points of all curves are within 10%, and by how much each of the others is off."""
    missed = {key: [f"{each:+.0%} at {n}" for n, each in zip(sizes, row, strict=True) if abs(each) > 0.1]
              for key, row in off.items()}  # fmt: skip
    within = len(off) * len(sizes) - sum(map(len, missed.values()))
    print(f"\n{name}: within 10% at {within} of {len(off) * len(sizes)} points")
    for (data, kernel), told in missed.items():
        if told:
            print(f"  {data}, {kernel}: {', '.join(told)}")


def main():
    """Compute, print the table and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=int, default=1500)
    parser.add_argument("--draws", type=int, default=50)
    parser.add_argument("--out", type=Path, default=Path("predicted_curves.png"))
    options = parser.parse_args()
    if options.pool <= SIZES[0] or options.draws < 2:
        parser.error(f"it takes a pool of more than {SIZES[0]} points, and two draws or more; got {vars(options)}.")
    sizes = [n for n in SIZES if n < options.pool]
    told = min(HEADLINE, sizes[-1])
    found = {}
    print(f"n = {told} of {options.pool} points, {options.draws} draws: error over variance, and how far it is off\n")
    print(f"| data | kernel | measured | {' | '.join(PREDICTIONS)} |\n|---|---|---|---|---|---|---|")
    for name, x, y in data_sets(options.pool, os.environ.get("LAZYREGIME_DATA", "data")):
        for kind, (gram, kernel) in kernels(x.shape[1]).items():
            rows = found[name, kind] = curves(x, y, gram, kernel, options.draws, sizes)
            _, mean, error, *guesses = rows[sizes.index(told)]
            cells = " | ".join(f"{g:.4f} ({g / mean - 1:+.0%})" for g in guesses)
            print(f"| {name} | {kind} | {mean:.4f} ± {error:.4f} | {cells} |", flush=True)
    for column, name in enumerate(PREDICTIONS):
        tell_misses(name, {key: rows[:, 3 + column] / rows[:, 1] - 1 for key, rows in found.items()}, sizes)
    draw(found, options.out)


if __name__ == "__main__":
    main()
