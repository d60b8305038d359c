"""Why predicted learning curves miss: the same regressions with eigenvectors drawn at random, and on Gaussian points.

    python multirun_scripts/prediction_causes.py [--pool 1500] [--draws 50] [--pools 12] [--data NAME ..]

Each curve of predicted_curves.py is measured thrice:

    as it is    beside GCV, leave-one-out from the same n points, and the spread (standard deviation over mean) of
                s = 1 - leverage. Over all draws leave-one-out has exactly the mean of what is measured with one point
                less: where it is off, the draws are too few. With e leave-one-out's residuals, GCV is
                sum s^2 e^2 / (n mean(s)^2): leave-one-out that listens less to points which have no like.
    rotated     the same eigenvalues and the same targets in the eigenvectors, but eigenvectors drawn at random; so
                eigenlearning predicts the very same.
    Gaussian    Gaussian points of the same covariance, brought to the same norm; the target has the same power in each
                Hermite mode, and what the modes leave is noise indeed.

and the sphere is drawn anew, as many pools as asked, with the sphere's own harmonics in place of Hermite modes.

A prediction misses where it is off by more than 10%, and hits within 10% or two standard errors. The cause that is
told is the first to hold of:

    too few draws       it is off by less than two standard errors
    unlike leverages    GCV: leave-one-out hits, and so does GCV when rotated
    eigenvectors unlike random ones   eigenlearning: it hits when rotated
    finite width        Hermite, which knows the infinite kernel only: it is nearer to what that one measures, and
                        eigenlearning hits for this one
    this pool           Hermite on the sphere: over the pools it hits
    few dimensions      Hermite on the sphere: over the pools the harmonics hit
    points not Gaussian   Hermite: it hits on Gaussian points
    eigenvalues not those of the closed form   Hermite: it misses on Gaussian points, where eigenlearning from the
                        pool's own eigenvalues hits
    not explained       else
"""

import argparse
import os
from collections import defaultdict

import numpy as np
from predicted_curves import (
    DATA,
    DIMENSION,
    PREDICTIONS,
    RIDGE,
    SIZES,
    SPHERE_POWERS,
    data_sets,
    from_the_pool,
    hermite,
    kernels,
    measured,
    standardized,
)
from prediction_nulls import closed_form, gaussian, harmonics, rotated

from lazyregime.data import sphere

EIGEN, GCV, HERMITE, ONE = PREDICTIONS
POOL_DRAWS = 8  # of each pool of the sphere; the pools differ by more than the draws


def compared(k, y, ridge, draws, closed, sizes):
    """By n: the mean and relative error as measured; by prediction how far it is off, and the error of that; spread."""
    found = {}
    for n, seen, form in zip(sizes, from_the_pool(k, y, ridge, sizes), closed, strict=True):
        rows = measured(k, y, n, draws, ridge)
        mean, root = rows[:, 0].mean(), draws**0.5
        own = rows[:, 0].std(ddof=1) / root / mean
        off = {EIGEN: (seen / mean - 1, own), HERMITE: (form / mean - 1, own)}
        for column, name in ((1, GCV), (2, ONE)):
            apart = rows[:, column] / mean - rows[:, 0] / mean  # of the same draws
            off[name] = apart.mean(), apart.std(ddof=1) / root
        found[n] = {"measured": (mean, own), "spread": rows[:, 3].mean(), **off}
    return found


def hits(off):
    """Within 10% or two standard errors."""
    return abs(off[0]) <= max(0.1, 2 * off[1])


def nearer(one, other):
    """Whether a prediction is off by less, as a factor, in the one case."""
    return abs(np.log1p(one[0])) < abs(np.log1p(other[0]))


def cause(name, here, turned, bell, infinite, over):
    """The first that holds, in words."""
    if abs(here[name][0]) <= 2 * here[name][1]:
        return "too few draws"
    if name == GCV and hits(here[ONE]) and hits(turned[GCV]):
        return "unlike leverages"
    if name == EIGEN and hits(turned[EIGEN]):
        return "eigenvectors unlike random ones"
    if name == HERMITE and infinite is not None and hits(here[EIGEN]) and nearer(infinite[name], here[name]):
        return "finite width"
    if name == HERMITE and over is not None and hits(over[HERMITE]):
        return "this pool"
    if name == HERMITE and over is not None and hits(over["harmonics"]):
        return "few dimensions"
    if name == HERMITE and hits(bell[HERMITE]):
        return "points not Gaussian"
    if name == HERMITE and hits(bell[EIGEN]):
        return "eigenvalues not those of the closed form"
    return "not explained"


def study(name, x, y, gram, kernel, draws, sizes):
    """The curve as it is, rotated, and on Gaussian points."""
    k = gram(x).double()
    ridge = RIDGE * float(k.diagonal().mean())
    modes, power, left = hermite(x, y, kernel)
    closed = closed_form(modes, power, left, ridge, sizes)
    here = compared(k, y, ridge, draws, closed, sizes)
    turned = compared(*rotated(k, y), ridge, draws, closed, sizes)
    points, target = gaussian(x, y, kernel, power)
    k = gram(points).double()
    ridge = RIDGE * float(k.diagonal().mean())
    bell = compared(k, target, ridge, draws, closed_form(*hermite(points, target, kernel), ridge, sizes), sizes)
    return here, turned, bell


def pools(count, pool, draws, sizes):
    """By kernel and n, over pools of the sphere: mean and relative error, how pools differ, how far off guesses are."""
    found = defaultdict(list)
    for seed in range(count):
        data = sphere(dimension=DIMENSION, target_powers=list(SPHERE_POWERS), n_train=pool, n_test=2, data_seed=seed)
        x, y = standardized(data)
        for kind, (gram, kernel) in list(kernels(DIMENSION).items())[:2]:
            k = gram(x)
            ridge = RIDGE * float(k.diagonal().mean())
            closed = closed_form(*hermite(x, y, kernel), ridge, sizes)
            exact = harmonics(kernel, DIMENSION, ridge, sizes)
            for n, *guesses in zip(sizes, from_the_pool(k, y, ridge, sizes), closed, exact, strict=True):
                found[kind, n].append([measured(k, y, n, draws, ridge)[:, 0].mean(), *guesses])
    over = {}
    for key, rows in found.items():
        values = np.array(rows)
        mean, apart = values[:, 0].mean(), values[:, 0].std(ddof=1)
        own = apart / count**0.5 / mean
        offs = {each: (values[:, 1 + i].mean() / mean - 1, own) for i, each in enumerate((EIGEN, HERMITE, "harmonics"))}
        over[key] = {"measured": (mean, own), "apart": apart / mean, **offs}
    return over


def tell_pools(over):
    """The table over pools."""
    print(f"\n| sphere over pools | n | measured | pools differ by | {EIGEN} | {HERMITE} | harmonics |\n|{'---|' * 7}")
    for (kind, n), seen in over.items():
        (mean, own), offs = seen["measured"], " | ".join(f"{seen[e][0]:+.0%}" for e in (EIGEN, HERMITE, "harmonics"))
        print(f"| {kind} | {n} | {mean:.4f} ± {own:.0%} | {seen['apart']:.0%} | {offs} |")


def tell(name, kind, found):
    """The rows of a curve."""
    here, turned, bell = found
    for n, seen in here.items():
        percent = " | ".join(f"{seen[each][0]:+.0%} ± {seen[each][1]:.0%}" for each in (EIGEN, GCV, ONE))
        without = " | ".join(f"{turned[n][each][0]:+.0%} ± {turned[n][each][1]:.0%}" for each in (EIGEN, GCV))
        forms = [f"{each[n][HERMITE][0]:+.0%}" for each in (here, bell)]
        mean, own = seen["measured"]
        spreads = f"{seen['spread']:.2f} | {turned[n]['spread']:.2f}"
        cells = f"{mean:.4f} ± {own:.0%} | {percent} | {spreads} | {without} | {' | '.join(forms)}"
        print(f"| {name} | {kind} | {n} | {cells} |", flush=True)


def misses(found, over):
    """By prediction and cause, which points miss and by how much."""
    told = defaultdict(list)
    for (name, kind), (here, turned, bell) in found.items():
        for n, seen in here.items():
            wide = kind.endswith("units")
            infinite = found[name, "NTK, 1 layer"][0][n] if wide else None
            for each in PREDICTIONS:
                if abs(seen[each][0]) > 0.1:
                    many = over.get((kind, n)) if name == "sphere" else None
                    told[each, cause(each, seen, turned[n], bell[n], infinite, many)].append(
                        f"{name}, {kind}, n = {n}: {seen[each][0]:+.0%} ± {seen[each][1]:.0%}"
                    )
    return told


def main():
    """Measure, print the table, and the misses by their causes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=int, default=1500)
    parser.add_argument("--draws", type=int, default=50)
    parser.add_argument("--pools", type=int, default=12)
    parser.add_argument("--data", nargs="+", choices=DATA, default=DATA, metavar="NAME", help=f"of {', '.join(DATA)}")
    options = parser.parse_args()
    if options.pool <= SIZES[0] or min(options.draws, options.pools) < 2:
        parser.error(
            f"give a pool of more than {SIZES[0]} points, two draws and two pools at least, not {vars(options)}."
        )
    sizes = [n for n in SIZES if n < options.pool]
    head = ("data", "kernel", "n", "measured", EIGEN, GCV, ONE, "spread of 1 - leverage", "spread, rotated")
    head = (*head, f"{EIGEN}, rotated", f"{GCV}, rotated", HERMITE, f"{HERMITE}, Gaussian points")
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    found = {}
    for name, x, y in data_sets(options.pool, os.environ.get("LAZYREGIME_DATA", "data"), options.data):
        for kind, (gram, kernel) in kernels(x.shape[1]).items():
            found[name, kind] = study(name, x, y, gram, kernel, options.draws, sizes)
            tell(name, kind, found[name, kind])
    over = pools(options.pools, options.pool, POOL_DRAWS, sizes) if "sphere" in options.data else {}
    tell_pools(over)
    told = misses(found, over)
    for each in PREDICTIONS:
        parts = {why: points for (name, why), points in told.items() if name == each}
        total = len(found) * len(sizes)
        print(f"\n{each}: {sum(map(len, parts.values()))} of {total} points miss")
        for why, points in parts.items():
            print(f"  {why}: {len(points)}\n    " + "\n    ".join(points))


if __name__ == "__main__":
    main()
