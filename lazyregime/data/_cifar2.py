"""CIFAR-2: CIFAR-10's planes against its cats in grey, with noise in the high band of the cosine spectrum [GMMM20]."""

from os import PathLike
from typing import Any

import torch
from torch import Tensor

from lazyregime.data import _cifar10
from lazyregime.data import spectral_noise as noise
from lazyregime.data._classification import ClassificationData
from lazyregime.data._noisy import changed, high
from lazyregime.data._split import check_split, split
from lazyregime.data.arguments import checked_by
from lazyregime.data.spectral_noise import Images, check_noise

GREY = (0.2125, 0.7154, 0.0721)  # scikit-image's weights of red, green and blue, which the authors use
PLANE, CAT = 0, 3
SIZES = (10_000, 2_000)  # training and test images of two of the ten classes


def _check(*, data_dir: object, offline: object, tau: Any, noise_seed: Any, **given: Any) -> None:
    check_noise(_cifar10.CIFAR10.shape[-1], tau=tau, band="high", cutoff=0, noise_seed=noise_seed)
    check_split(*SIZES, **given)


@checked_by(_check)
def cifar2(
    *,
    data_dir: str | PathLike[str],
    tau: float = 0.0,
    n_train: int | None = None,
    n_validation: int = 0,
    n_test: int | None = None,
    subset: str | None = None,
    data_seed: int = 0,
    noise_seed: int = 2048,
    offline: bool = False,
) -> ClassificationData:
    """CIFAR-2 of [GMMM20]: planes (class 1) and cats (class 0) in grey, less their means, noisy, of norm 32.

    Args:
        data_dir: As for `cifar10`.
        tau: Norm of the noise over that of the image, in the high band.
        n_train: As for `cifar10`, of 10,000.
        n_validation: As for `cifar10`.
        n_test: As for `cifar10`, of 2,000.
        subset: As for `cifar10`.
        data_seed: As for `cifar10`.
        noise_seed: Of the noise; 2048 in [GMMM20]. More images leave the noise of those before as it is.
        offline: Never use the network.

    Raises:
        LazyRegimeError: If a number is out of range.
    """
    train, test = _cifar10.images(data_dir, offline=offline)
    (x, y), (x_test, y_test) = (_grey_planes_and_cats(*part) for part in (train, test))
    trained, held_out, tested = split(
        len(y), len(y_test), n_train=n_train, n_validation=n_validation, n_test=n_test,
        subset=subset, data_seed=data_seed,
    )  # fmt: skip
    clean = ClassificationData(
        "cifar2", x[trained], y[trained], x[held_out], y[held_out], x_test[tested], y_test[tested],
        n_outputs=1, mean=0.0, std=None,
    )  # fmt: skip

    def normalized(inputs: Tensor) -> Images:
        return noise.of_norm_sqrt_d(noise.without_mean(inputs.numpy()))

    return changed(clean, "cifar2", normalized, high(tau), noise_seed)


def _grey_planes_and_cats(pixels: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    chosen = (classes == PLANE) | (classes == CAT)
    colours = torch.tensor(GREY, dtype=torch.float64)[:, None, None]
    grey = (pixels[chosen].double() / 255 * colours).sum(1)
    return grey[:, None], (classes[chosen] == PLANE).long()
