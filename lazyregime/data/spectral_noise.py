r"""Fashion-MNIST with noise in a band of its cosine spectrum, exactly as in [GMMM20], section 4.

Each image loses its mean and goes through the orthonormal DCT-II. In the high band (a quarter disc around the corner of
the highest frequencies, 600 of 784 coefficients) it gains Gaussian noise of norm tau times that of the image; in the
low variant its lowest coefficients are replaced by Gaussians of the same mean and covariance. It returns to pixels with
norm sqrt(784).
"""

import math
from dataclasses import replace
from os import PathLike

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy.fft import dctn, idctn
from torch import Tensor

from lazyregime.data._classification import ClassificationData
from lazyregime.data._mnist import fashion_mnist
from lazyregime.errors import LazyRegimeError

BANDS = ("high", "low")
SPLITS = ("train_inputs", "validation_inputs", "test_inputs")
Images = NDArray[np.float64]


def fashion_mnist_noise(
    *,
    data_dir: str | PathLike[str],
    tau: float = 0.0,
    band: str = "high",
    cutoff: int = 0,
    n_train: int | None = None,
    n_validation: int = 0,
    n_test: int | None = None,
    subset: str | None = None,
    data_seed: int = 0,
    noise_seed: int = 2048,
    offline: bool = False,
) -> ClassificationData:
    """Fashion-MNIST with spectral noise in all its splits.

    Args:
        data_dir: As for `fashion_mnist`.
        tau: Norm of the noise over that of the image (high band).
        band: high or low.
        cutoff: Lowest coefficients [:cutoff, :cutoff] that are replaced (low band); 0 is none.
        n_train: As for `fashion_mnist`.
        n_validation: As for `fashion_mnist`.
        n_test: As for `fashion_mnist`.
        subset: As for `fashion_mnist`.
        data_seed: As for `fashion_mnist`.
        noise_seed: Of the noise; 2048 in [GMMM20]. More images leave the noise of those before as it is.
        offline: Never use the network.

    Raises:
        LazyRegimeError: If a number is out of range.
    """
    _check(tau, band, cutoff, noise_seed)
    clean = fashion_mnist(
        data_dir=data_dir,
        n_train=n_train,
        n_validation=n_validation,
        n_test=n_test,
        subset=subset,
        data_seed=data_seed,
        offline=offline,
    )
    spectra = [spectrum(getattr(clean, split)) for split in SPLITS]
    moments = _moments(spectra[0][:, :cutoff, :cutoff]) if cutoff else None
    noisy: list[Tensor] = []
    for offset, coefficients in enumerate(spectra):
        random = np.random.RandomState(noise_seed + offset)
        changed = replace_low(coefficients, moments, random) if moments else add_high(coefficients, tau, random)
        noisy.append(to_pixels(changed))
    return replace(
        clean, name="fashion_mnist_noise", mean=0.0, std=None, **dict(zip(SPLITS, noisy, strict=True))
    )  # fmt: skip


def high_band(side: int = 28) -> Bool[Tensor, "{side} {side}"]:
    """True where sqrt((s-1-i)^2 + (s-1-j)^2) <= s-1: 600 of 784 coefficients."""
    from_corner = side - 1 - torch.arange(side)
    return from_corner[:, None] ** 2 + from_corner[None] ** 2 <= (side - 1) ** 2


def spectrum(images: Float[Tensor, "n 1 s s"]) -> Images:
    """Orthonormal DCT-II coefficients of the images less their means."""
    pixels = images[:, 0].double().numpy()
    pixels = pixels - pixels.mean((1, 2), keepdims=True)
    return np.asarray(dctn(pixels, type=2, axes=(1, 2), norm="ortho"))


def add_high(coefficients: Images, tau: float, random: np.random.RandomState) -> Images:
    """Noise of norm tau times the image's, in the high band."""
    mask = high_band(coefficients.shape[1]).numpy()
    noise = random.standard_normal(coefficients.shape) * mask
    return coefficients + noise * (tau * _norms(coefficients) / _norms(noise))


def replace_low(coefficients: Images, moments: tuple[Images, Images], random: np.random.RandomState) -> Images:
    """The lowest coefficients replaced by Gaussians of these moments (mean, and a root of the covariance)."""
    mean, root = moments
    cutoff = math.isqrt(len(mean))
    drawn = mean + random.standard_normal((len(coefficients), len(mean))) @ root
    changed = coefficients.copy()
    changed[:, :cutoff, :cutoff] = drawn.reshape(-1, cutoff, cutoff)
    return changed


def to_pixels(coefficients: Images) -> Float[Tensor, "n 1 s s"]:
    """Images of norm sqrt(number of pixels), float32."""
    pixels = np.asarray(idctn(coefficients, type=2, axes=(1, 2), norm="ortho"))
    scaled = pixels * (math.sqrt(pixels.shape[1] * pixels.shape[2]) / _norms(pixels))
    return torch.from_numpy(scaled.astype(np.float32))[:, None]


def _norms(images: Images) -> Images:
    return np.sqrt(np.square(images).sum((1, 2), keepdims=True)).clip(min=1e-300)


def _moments(low: Images) -> tuple[Images, Images]:
    flat = low.reshape(len(low), -1)
    covariance = np.atleast_2d(np.cov(flat, rowvar=False))
    eigenvalues, vectors = np.linalg.eigh(covariance)
    return flat.mean(0), (vectors * np.sqrt(eigenvalues.clip(min=0))) @ vectors.T


def _check(tau: float, band: str, cutoff: int, noise_seed: int) -> None:
    if band not in BANDS:
        raise LazyRegimeError(f"band={band!r} is not known; choose high or low.")
    if not 0 <= tau < math.inf:
        raise LazyRegimeError(f"tau is {tau}; the ratio of two norms is a number >= 0.")
    if not 0 <= cutoff < 28:
        raise LazyRegimeError(f"cutoff is {cutoff}; give 0 to 27.")
    if (band == "high" and cutoff) or (band == "low" and tau):
        raise LazyRegimeError("tau belongs to band=high and cutoff to band=low; the other one must stay 0.")
    if not 0 <= noise_seed < 2**31:
        raise LazyRegimeError(f"noise_seed is {noise_seed}; give a whole number from 0 to {2**31 - 1}.")
