"""CIFAR-10 with the low band of its cosine spectrum replaced by noise [GMMM20], appendix A.6."""

from os import PathLike
from typing import Any

from torch import Tensor

from lazyregime.data import _cifar10
from lazyregime.data._classification import ClassificationData
from lazyregime.data._noisy import changed, low
from lazyregime.data._split import check_split
from lazyregime.data.arguments import checked_by
from lazyregime.data.spectral_noise import Images, check_noise


def _check(*, data_dir: object, offline: object, cutoff: Any, noise_seed: Any, **given: Any) -> None:
    image_set = _cifar10.CIFAR10
    check_noise(image_set.shape[-1], tau=0.0, band="low", cutoff=cutoff, noise_seed=noise_seed)
    check_split(image_set.num_train, image_set.num_test, **given)


@checked_by(_check)
def cifar10_noise(
    *,
    data_dir: str | PathLike[str],
    cutoff: int = 0,
    n_train: int | None = None,
    n_validation: int = 0,
    n_test: int | None = None,
    subset: str | None = None,
    data_seed: int = 0,
    noise_seed: int = 2048,
    offline: bool = False,
) -> ClassificationData:
    """CIFAR-10 whose lowest coefficients, of all channels together, are replaced by Gaussians of the same moments.

    Afterwards each channel has mean 0 and variance 1: by the moments of the clean training images, which the noise
    leaves as they are in expectation (the authors take those of the noisy ones).

    Args:
        data_dir: As for `cifar10`.
        cutoff: Lowest coefficients [:cutoff, :cutoff] that are replaced; 0 is none.
        n_train: As for `cifar10`.
        n_validation: As for `cifar10`.
        n_test: As for `cifar10`.
        subset: As for `cifar10`.
        data_seed: As for `cifar10`.
        noise_seed: Of the noise; 2048 in [GMMM20]. More images leave the noise of those before as it is.
        offline: Never use the network.

    Raises:
        LazyRegimeError: If a number is out of range.
    """
    clean = _cifar10.cifar10(
        data_dir=data_dir, n_train=n_train, n_validation=n_validation, n_test=n_test,
        subset=subset, data_seed=data_seed, normalization="adh19", offline=offline,
    )  # fmt: skip

    def whole_set() -> Images:
        # of standardized pixels: Gaussians go with every linear change of the channels, so that the law is the same
        return _cifar10.cifar10(data_dir=data_dir, normalization="adh19", offline=offline).train_inputs.numpy()

    return changed(clean, "cifar10_noise", Tensor.numpy, low(cutoff, whole_set), noise_seed)
