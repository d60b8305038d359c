"""The same noise in all splits of a data set, each with a seed of its own."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from torch import Tensor

from lazyregime.data import spectral_noise as noise
from lazyregime.data._classification import ClassificationData
from lazyregime.data.spectral_noise import Images

SPLITS = ("train_inputs", "validation_inputs", "test_inputs")
Change = Callable[[Images, np.random.RandomState], Images]  # of coefficients


def changed(
    clean: ClassificationData, name: str, normalized: Callable[[Tensor], Images], change: Change, noise_seed: int
) -> ClassificationData:
    """The images normalized, their spectra changed, and back."""
    noisy: dict[str, Tensor] = {}
    for offset, part in enumerate(SPLITS):
        random = np.random.RandomState(noise_seed + offset)
        pixels = noise.to_pixels(change(noise.spectrum(normalized(getattr(clean, part))), random))
        noisy[part] = noise.as_inputs(pixels)
    return replace(clean, name=name, mean=0.0, std=None, **noisy)


def high(tau: float) -> Change:
    """Noise in the high band, after which each image has norm sqrt(d) again."""
    return lambda coefficients, random: noise.of_norm_sqrt_d(noise.add_high(coefficients, tau, random))


def low(cutoff: int, whole_set: Callable[[], Images]) -> Change:
    """Gaussians in the place of the lowest coefficients [:cutoff, :cutoff]; for 0 none, and nothing is loaded.

    Args:
        cutoff: How many a side.
        whole_set: The normalized images whose moments the Gaussians have.
    """
    if not cutoff:
        return lambda coefficients, random: coefficients
    of = noise.moments(noise.spectrum(whole_set()), cutoff)
    return lambda coefficients, random: noise.replace_low(coefficients, of, random)
