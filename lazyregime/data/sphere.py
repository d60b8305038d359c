r"""x uniform on the sphere of radius sqrt(d), y = f(<beta, x>) + noise: the isotropic data of [GMMM19].

gegenbauer   f = sum_k sqrt(p_k B(d, k)) P_k(<beta, x>/sqrt(d)), so that ||P_k f||^2 = p_k exactly
hermite      f = sum_k sqrt(p_k / k!) He_k(<beta, x>), the same for d -> infinity
neuron       f = sigma(<beta, x>), a single neuron
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.data._classification import ClassificationData
from lazyregime.data._regression import Samples, check_samples, generators, normals, on_sphere, regression_data
from lazyregime.data.arguments import checked_by, one_of, powers_of_degrees, whole
from lazyregime.data.gegenbauer import multiplicity, powers, zonal

TARGETS = ("gegenbauer", "hermite", "neuron")
NEURONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": torch.relu, "tanh": torch.tanh, "erf": torch.erf}
_DEGREES = 8  # to which the parts of a target are told apart


def _check(*, dimension: Any, target: Any, target_powers: Any, neuron: Any, **given: Any) -> None:
    check_samples(**given)
    check_target(dimension, target, target_powers, neuron)


@checked_by(_check)
def sphere(
    *,
    dimension: int = 30,
    target: str = "gegenbauer",
    target_powers: Sequence[float] = (0.0, 0.5, 0.5),
    neuron: str = "relu",
    noise_std: float = 0.0,
    n_train: int = 1000,
    n_validation: int = 0,
    n_test: int = 2000,
    data_seed: int = 0,
) -> ClassificationData:
    """Samples of a function of one direction on the sphere.

    Args:
        dimension: d.
        target: gegenbauer, hermite or neuron.
        target_powers: p_0, p_1, ..: the squared norm of each degree (gegenbauer and hermite).
        neuron: The activation of the single neuron: relu, tanh or erf.
        noise_std: Of Gaussian noise on the training and validation targets.
        n_train: Training samples.
        n_validation: Held-out samples.
        n_test: Test samples, without noise.
        data_seed: Draws everything; more samples leave those before as they are.

    Raises:
        LazyRegimeError: For a number out of range or a name that is not known.
    """
    f = SphereTarget.of(dimension, target, target_powers, neuron, data_seed)
    draw, root = generators(data_seed), math.sqrt(dimension)

    def split(stream: str, n: int, noise: str | None) -> Samples:
        x = on_sphere(n, dimension, root, draw[stream])
        y = f(x)
        return x, y if noise is None else y + noise_std * normals(n, 1, draw[noise])

    return regression_data(
        "sphere",
        split("train", n_train, "noise"),
        split("validation", n_validation, "validation noise"),
        split("test", n_test, None),
    )


@final
@dataclass(frozen=True)
class SphereTarget:
    """The function that `sphere` samples, with what is known of it.

    Attributes:
        function: f as a function of the cosine <beta, x>/|x|.
        direction: beta.
        powers: ||P_k f||^2 for k = 0, 1, ..; the last is that of all higher degrees.
    """

    function: Callable[[Tensor], Tensor]
    direction: Float[Tensor, " d"]
    powers: tuple[float, ...]

    @classmethod
    def of(
        cls, dimension: int, target: str, target_powers: Sequence[float], neuron: str, data_seed: int
    ) -> "SphereTarget":
        """From the arguments of `sphere`.

        Raises:
            LazyRegimeError: For a number out of range or a name that is not known.
        """
        check_target(dimension, target, target_powers, neuron)
        function = target_function(target, dimension, target_powers, neuron)
        beta = on_sphere(1, dimension, 1.0, generators(data_seed)["target"])[0]
        return cls(function, beta, powers(function, _DEGREES, dimension, kink=0.0))

    def __call__(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n 1"]:
        """f(x)."""
        return self.function(x @ self.direction / math.sqrt(len(self.direction)))[:, None]

    def power_above(self, degree: int) -> float:
        """||P_{>l} f||^2: what a fit of the degrees up to l leaves."""
        return sum(self.powers[degree + 1 :])


def check_target(dimension: Any, target: Any, target_powers: Any, neuron: Any) -> None:
    """Refuse what is no function on the sphere.

    Raises:
        LazyRegimeError: For a name that is not known or a number out of range.
    """
    whole("dimension", dimension, 3)
    one_of("target", target, TARGETS)
    if target == "neuron":
        one_of("neuron", neuron, list(NEURONS))
    else:
        powers_of_degrees("target_powers", target_powers, _DEGREES + 1)


def target_function(target: str, d: int, squares: Sequence[float], neuron: str) -> Callable[[Tensor], Tensor]:
    """F as a function of the cosine t = <beta, x>/|x|."""
    if target == "neuron":
        return lambda t: NEURONS[neuron](math.sqrt(d) * t)
    degrees = range(len(squares))
    if target == "gegenbauer":
        weights = torch.tensor([math.sqrt(p * multiplicity(k, d)) for k, p in zip(degrees, squares, strict=True)])
        return lambda t: torch.tensordot(weights.to(t), zonal(t, len(squares) - 1, d), 1)
    weights = torch.tensor([math.sqrt(p) for p in squares])
    return lambda t: torch.tensordot(weights.to(t), hermite(math.sqrt(d) * t, len(squares) - 1), 1)


def hermite(z: Tensor, max_degree: int) -> Tensor:
    """h_0(z) .. h_K(z), orthonormal under N(0, 1): h_{k+1} = (z h_k - sqrt(k) h_{k-1}) / sqrt(k + 1)."""
    values = [torch.ones_like(z), z]
    for k in range(1, max_degree):
        values.append((z * values[k] - k**0.5 * values[k - 1]) / (k + 1) ** 0.5)
    return torch.stack(values[: max_degree + 1])
