"""How images become points for [GSJW20]: centred, of norm sqrt(d), and perhaps their leading principal components.

Without components an image is x <- x - (mean over the set), then scaled to norm sqrt(d). With p components, by name:

points     centred, projected, then each point to norm sqrt(p); ours
whitened   centred, each image to norm sqrt(d), centred, projected, each component to variance 1; the code of 2019
scaled     the same, but one scale for all, which makes the mean square norm p; the newest public code
"""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.data.arguments import one_of, whole

WAYS = ("points", "whitened", "scaled")


def check_pca(num_pixels: int, components: Any, pca: Any) -> None:
    """Refuse more components than pixels, or a way that is not known.

    Raises:
        LazyRegimeError: Saying what is possible.
    """
    whole("components", components, 1, num_pixels, or_none="the images themselves")
    one_of("pca", pca, WAYS, or_none=WAYS[0])


def standardized(
    images: Float[Tensor, "n *d"], components: int | None, pca: str | None = None
) -> Float[Tensor, "n *p"]:
    """The points, in the way that `pca` names, None being the first."""
    centred = _centred(images)
    if components is None:
        return _of_norm_sqrt_d(centred)
    if pca in (None, "points"):
        flat = centred.flatten(1)
        return _of_norm_sqrt_d(flat @ principal(flat, components)[1].to(flat.dtype))
    flat = _centred(_of_norm_sqrt_d(centred).flatten(1))
    values, vectors = principal(flat, components)
    variances = values / len(flat)
    return flat @ (vectors * (variances if pca == "whitened" else variances.mean()).rsqrt()).to(flat.dtype)


def principal(centred: Float[Tensor, "n d"], components: int) -> tuple[Float[Tensor, " p"], Float[Tensor, "d p"]]:
    """Leading eigenvalues and eigenvectors of X^T X in float64, each vector with its largest entry positive."""
    scatter = centred.new_zeros(centred.shape[1], centred.shape[1], dtype=torch.float64)
    for part in centred.split(10_000):
        scatter += part.T @ part  # sums of float32 products over parts, added up in float64
    eigenvalues, vectors = torch.linalg.eigh(scatter)
    values, vectors = eigenvalues.flip(0)[:components], vectors.flip(1)[:, :components]
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    return values, vectors * largest.sign()


def _centred(x: Float[Tensor, "n *d"]) -> Float[Tensor, "n *d"]:
    return x - x.mean(0, dtype=torch.float64).to(x.dtype)


def _of_norm_sqrt_d(x: Float[Tensor, "n *d"]) -> Float[Tensor, "n *d"]:
    norms = x.flatten(1).norm(dim=1).view(-1, *[1] * (x.ndim - 1))
    return x * (math.sqrt(math.prod(x.shape[1:])) / norms)
