r"""Noise in a band of an image's cosine spectrum, exactly as in [GMMM20], section 4 and appendix A.

Each channel goes through the orthonormal DCT-II. In the high band (a quarter disc around the corner of the highest
frequencies, 600 of 28 x 28 coefficients) it gains Gaussian noise of norm tau times that of the image; in the low
variant the lowest coefficients, of all channels together, are replaced by Gaussians of the same mean and covariance.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy.fft import dctn, idctn
from torch import Tensor

from lazyregime.data.arguments import number, one_of, whole
from lazyregime.errors import LazyRegimeError

BANDS = ("high", "low")
Images = NDArray[np.floating]  # (n, channels, side, side), pixels or coefficients


class Moments(NamedTuple):
    """Mean and symmetric root of the covariance of the lowest coefficients."""

    mean: NDArray[np.float64]
    root: NDArray[np.float64]


def check_noise(side: int, *, tau: Any, band: Any, cutoff: Any, noise_seed: Any) -> None:
    """Refuse noise that cannot be.

    Raises:
        LazyRegimeError: If a number is out of range, or belongs to the other band.
    """
    one_of("band", band, BANDS)
    number("tau", tau, 0)
    whole("cutoff", cutoff, 0, side)
    whole("noise_seed", noise_seed, 0, 2**31 - 1)
    if (band == "high" and cutoff) or (band == "low" and tau):
        raise LazyRegimeError(
            "data.tau belongs to data.band=high and data.cutoff to data.band=low; the other one must stay 0."
        )


def high_band(side: int = 28) -> Bool[Tensor, "{side} {side}"]:
    """True where sqrt((s-1-i)^2 + (s-1-j)^2) <= s-1: 600 of 784 coefficients."""
    from_corner = side - 1 - torch.arange(side)
    return from_corner[:, None] ** 2 + from_corner[None] ** 2 <= (side - 1) ** 2


def spectrum(pixels: Images) -> Images:
    """Orthonormal DCT-II coefficients of each channel."""
    return np.asarray(dctn(pixels, type=2, axes=(2, 3), norm="ortho"))


def to_pixels(coefficients: Images) -> Images:
    """The inverse of `spectrum`."""
    return np.asarray(idctn(coefficients, type=2, axes=(2, 3), norm="ortho"))


def without_mean(pixels: Images) -> Images:
    """Each image less the mean of its pixels."""
    return pixels - pixels.mean((1, 2, 3), keepdims=True)


def of_norm_sqrt_d(images: Images) -> Images:
    """Images, or spectra, of norm sqrt(number of pixels)."""
    return images * (math.sqrt(math.prod(images.shape[1:])) / _norms(images))


def add_high(coefficients: Images, tau: float, random: np.random.RandomState) -> Images:
    """Noise of norm tau times the image's, in the high band."""
    mask = high_band(coefficients.shape[-1]).numpy()
    noise = random.standard_normal(coefficients.shape) * mask
    return coefficients + noise * (tau * _norms(coefficients) / _norms(noise))


def moments(coefficients: Images, cutoff: int) -> Moments:
    """Of the coefficients [:cutoff, :cutoff] of all channels together."""
    low = coefficients[:, :, :cutoff, :cutoff].reshape(len(coefficients), -1).astype(np.float64)
    mean = low.mean(0)
    low -= mean
    eigenvalues, vectors = np.linalg.eigh(low.T @ low / len(low))
    return Moments(mean, (vectors * np.sqrt(eigenvalues.clip(min=0))) @ vectors.T)


def replace_low(coefficients: Images, of: Moments, random: np.random.RandomState) -> Images:
    """The lowest coefficients replaced by Gaussians of these moments."""
    n, channels = coefficients.shape[:2]
    cutoff = math.isqrt(len(of.mean) // channels)
    drawn = of.mean + random.standard_normal((n, len(of.mean))) @ of.root
    changed = coefficients.copy()
    changed[:, :, :cutoff, :cutoff] = drawn.reshape(n, channels, cutoff, cutoff)
    return changed


def as_inputs(pixels: Images) -> Float[Tensor, "n c s s"]:
    """As a tensor in float32."""
    return torch.from_numpy(pixels.astype(np.float32))


def _norms(images: Images) -> NDArray[np.floating]:
    return np.sqrt(np.square(images).sum((1, 2, 3), keepdims=True)).clip(min=1e-300)
