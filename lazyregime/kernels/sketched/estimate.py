r"""Theta(x, x') = E[<Phi_r(x), Phi_r(x')>]: the kernel as a mean over independent probes r, whose spread is its error.

A probe projects the gradient of sum_k z_k f_k, a matrix G in each layer, to U^T G V / q summed over layers, with
independent signs z, U (q columns) and V (q columns). For G = b a^T this takes U^T b and V^T a only, as in TRAK
(Park et al., 2303.14186); its mean is exact since the signs' second moments are the identity.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float, Shaped
from scipy.stats import t as student
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._checks import check_finite
from lazyregime.kernels.empirical._fallback import make_fallback
from lazyregime.kernels.empirical._memory import default_budget, free_bytes
from lazyregime.kernels.empirical._ntk import Request, clean
from lazyregime.kernels.empirical._survey import survey, three
from lazyregime.kernels.empirical.proof import Unproven
from lazyregime.kernels.sketched._features import Sketcher
from lazyregime.kernels.sketched._signs import Signs


@final
@dataclass(frozen=True)
class SketchedNTK:
    """What `sketched_ntk` returns.

    Attributes:
        kernel: The estimate; without x2 symmetric and positive semi-definite.
        error: The standard error of each entry, from the spread over the probes.
        num_probes: How many there were.
    """

    kernel: Float[Tensor, "n m"]
    error: Float[Tensor, "n m"]
    num_probes: int

    def interval(self, confidence: float = 0.95) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n m"]]:
        """Between which numbers each entry of the exact kernel lies, entry by entry: Student's t over the probes.

        Raises:
            LazyRegimeError: If confidence is not between 0 and 1.
        """
        if not 0 < confidence < 1:
            raise LazyRegimeError(f"confidence is {confidence!r}; it must be between 0 and 1, e.g. 0.95.")
        half = float(student.ppf((1 + confidence) / 2, self.num_probes - 1)) * self.error
        return self.kernel - half, self.kernel + half


def sketched_ntk(
    model: nn.Module,
    x1: Shaped[Tensor, "n *d"],
    x2: Shaped[Tensor, "m *d"] | None = None,
    *,
    num_probes: int = 512,
    size: int = 4,
    seed: int = 0,
    memory_budget: int | None = None,
    params: Collection[str] | None = None,
) -> SketchedNTK:
    """An unbiased estimate of the trace kernel with an error bar for each entry, for what no exact kernel reaches.

    One forward pass, and min(k, num_probes) backward passes: one for a network of one output. Layers with a rule are
    projected as they are passed, and no gradient of theirs is formed; parameters without one go through their exact
    per-sample gradients. The relative error of an entry of the diagonal is about sqrt(4 / (size num_probes)) where one
    position of one layer makes the kernel, less where more do; what couples outputs adds up to sqrt(2 / num_probes).
    Memory: num_probes size^2 numbers a sample, two kernels in float64, and `memory_budget` for the passes.

    Args:
        model: Any module that `empirical_ntk` takes; the same are refused.
        x1: Inputs, samples first.
        x2: Other inputs.
        num_probes: Independent sketches, each an estimate of its own. Products of projections are skewed, so intervals
            from few of them cover less than they say: a 95% interval by about 4 / num_probes where one position of one
            layer makes the kernel and size is 4 (docs/kernels.md), which is why there are many small ones.
        size: Columns of U and V; more of them make each estimate better, at size^2 numbers of memory.
        seed: Of the signs; the global generators are left alone.
        memory_budget: Bytes for the activations and gradients of the samples that are evaluated together.
        params: Names of the parameters that count, or of modules, as for `empirical_ntk`.

    Raises:
        LazyRegimeError: For what `empirical_ntk` refuses, and fewer than two probes.

    Example:
        >>> estimate = sketched_ntk(nn.Linear(2, 1), torch.tensor([[1.0, 2.0]]))   # |x|^2 + 1 is 6
        >>> low, high = estimate.interval()
        >>> bool(low < 6 < high)
        True
    """
    request = Request(model, x1, x2, "trace", memory_budget, None, "auto", params=params)
    _check(num_probes=num_probes, size=size, seed=seed)
    try:
        first, second = _features(request, num_probes, size, seed)
    except Unproven as why:
        first, second = _features(request, num_probes, size, seed, str(why))
    return _estimate(request, first, second, size)


def _features(request: Request, num_probes: int, size: int, seed: int, mixes: str = "") -> tuple[Tensor, Tensor]:
    """Phi of x1 and of x2."""
    x1, x2 = clean(request.x1), None if request.x2 is None else clean(request.x2)
    probe = three(x1 if x2 is None or len(x1) > 2 else torch.cat([x1, x2[:2]]))
    budget = default_budget(x1.device) if request.memory_budget is None else request.memory_budget
    _check_memory(len(x1), 0 if x2 is None else len(x2), num_probes * size**2, x1.device)
    with request.loan() as loan:
        found = survey(loan, probe, "auto", mixes)
        like = torch.empty((), dtype=torch.promote_types(found.dtype, torch.float32), device=x1.device)
        sketcher = Sketcher(found, make_fallback(found, probe), Signs(seed, num_probes, size, like), budget)
        with torch.no_grad():
            first = sketcher.features(x1)
            return first, first if x2 is None else sketcher.features(x2)


def _estimate(request: Request, first: Tensor, second: Tensor, size: int) -> SketchedNTK:
    num_probes = first.shape[1]
    total = torch.zeros(len(first), len(second), dtype=torch.float64, device=first.device)
    squares = torch.zeros_like(total)
    for probe in range(num_probes):
        estimate = (first[:, probe] @ second[:, probe].T).double() / size**2
        total += estimate
        squares += estimate.square_()
    kernel = total.div_(num_probes)
    variance = (squares.div_(num_probes) - kernel.square()).clamp_min_(0).div_(num_probes - 1)
    check_finite(kernel, request.x1, request.x2)
    return SketchedNTK(kernel, variance.sqrt_(), num_probes)


def _check_memory(n: int, m: int, numbers: int, device: torch.device) -> None:
    wanted = 8 * numbers * (n + m) + 32 * n * (m or n)
    if wanted > free_bytes(device):
        raise LazyRegimeError(
            f"Sketches of {numbers:,} numbers for {n + m:,} samples, and their kernel, may take "
            f"{wanted / 2**30:.1f} GiB, more than is free; take fewer samples, or a smaller num_probes or size."
        )


def _check(**numbers: Any) -> None:
    least = {"num_probes": 2, "size": 1, "seed": 0}
    for name, value in numbers.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < least[name]:
            raise LazyRegimeError(f"{name} is {value!r}; it must be a whole number of at least {least[name]}.")
