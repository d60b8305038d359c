"""Fashion-MNIST with noise in a band of its cosine spectrum [GMMM20]."""

from os import PathLike
from typing import Any

from torch import Tensor

from lazyregime.data import _mnist
from lazyregime.data import spectral_noise as noise
from lazyregime.data._classification import ClassificationData
from lazyregime.data._noisy import changed, high, low
from lazyregime.data._split import check_split
from lazyregime.data.arguments import checked_by
from lazyregime.data.spectral_noise import Images, check_noise


def _check(
    *, data_dir: object, offline: object, tau: Any, band: Any, cutoff: Any, noise_seed: Any, **given: Any
) -> None:
    check_noise(_mnist.FASHION_MNIST.shape[-1], tau=tau, band=band, cutoff=cutoff, noise_seed=noise_seed)
    check_split(_mnist.FASHION_MNIST.num_train, _mnist.FASHION_MNIST.num_test, **given)


@checked_by(_check)
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
    """Fashion-MNIST with spectral noise: images less their means, of norm 28 (after the noise in the high band).

    Args:
        data_dir: As for `fashion_mnist`.
        tau: Norm of the noise over that of the image (high band).
        band: high or low (the paper's NFMNIST).
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
    clean = _mnist.fashion_mnist(
        data_dir=data_dir, n_train=n_train, n_validation=n_validation, n_test=n_test,
        subset=subset, data_seed=data_seed, offline=offline,
    )  # fmt: skip

    def normalized(inputs: Tensor) -> Images:
        return noise.of_norm_sqrt_d(noise.without_mean(inputs.double().numpy()))

    def whole_set() -> Images:
        return normalized(_mnist.fashion_mnist(data_dir=data_dir, offline=offline).train_inputs)

    change = high(tau) if band == "high" else low(cutoff, whole_set)
    return changed(clean, "fashion_mnist_noise", normalized, change, noise_seed)
