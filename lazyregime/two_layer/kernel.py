r"""K_t(x, x') = (1/N) sum_j <grad sigma*(x; theta_j), grad sigma*(x'; theta_j)>: what drives the residual [MMM19].

    K = (1/N) [sigma(Z)^T sigma(Z) + (diag(a) sigma'(Z))^T (diag(a) sigma'(Z)) * X X'^T],   Z = W X^T

alpha cancels from it.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.two_layer.activations import pointwise
from lazyregime.two_layer.field import ParticleField


def particle_kernel(
    theta: Float[Tensor, "s h p"],
    x: Float[Tensor, "n d"],
    y: Float[Tensor, "m d"] | None = None,
    *,
    activation: str,
    trained: str = "both",
) -> Float[Tensor, "s n m"]:
    """The tangent kernel of each seed, (n, m) numbers a seed; memory peaks at four times N (n + m)."""
    return torch.stack([_one(one, x, y, activation, trained) for one in theta])


def apply_kernel(field: ParticleField, theta: Float[Tensor, "s h p"], u: Float[Tensor, "s n"]) -> Float[Tensor, "s n"]:
    """(1/n) K_t u on the field's sample, without the kernel: df/dt when u drives the particles."""
    return field.tangent(theta, field.driven(theta, u))


def kernel_change(
    first: Float[Tensor, "s n m"] | Float[Tensor, "#s n m"], last: Float[Tensor, "s n m"]
) -> Float[Tensor, " s"]:
    """||K_t - K_0||_F / ||K_0||_F of each seed."""
    return (last - first).flatten(1).norm(dim=1) / first.flatten(1).norm(dim=1)


def _one(theta: Tensor, x: Tensor, y: Tensor | None, activation: str, trained: str) -> Tensor:
    a, w = theta[:, :1], theta[:, 1:]
    values, slopes = _values_slopes(w @ x.T, a, activation)
    values_y, slopes_y = (values, slopes) if y is None else _values_slopes(w @ y.T, a, activation)
    kernel = torch.zeros(x.shape[0], values_y.shape[1], dtype=theta.dtype, device=theta.device)
    if trained != "w":
        kernel += values.T @ values_y
    if trained != "a":
        kernel += (slopes.T @ slopes_y) * (x @ (x if y is None else y).T)
    return kernel / theta.shape[0]


def _values_slopes(z: Tensor, a: Tensor, activation: str) -> tuple[Tensor, Tensor]:
    sigma = pointwise(activation)
    values = sigma.value_(z.clone())
    return values, a * sigma.slope_(values.clone() if sigma.slope_of_value else z)
