"""The noise of Fashion-MNIST: its band, its ratio, its norm, its seeds, on a small set of the same shape."""

import numpy as np
import pytest
import torch
from scipy.fft import dctn

from lazyregime.data import _mnist, fashion_mnist_noise
from lazyregime.data.spectral_noise import high_band
from lazyregime.errors import LazyRegimeError


@pytest.fixture
def small(tiny, tmp_path, monkeypatch):
    tiny.lay_out(tmp_path)
    monkeypatch.setattr(_mnist, "FASHION_MNIST", tiny.image_set())

    def load(**options):
        return fashion_mnist_noise(data_dir=tmp_path, offline=True, **options)

    return load


def coefficients(images):
    return dctn(images[:, 0].double().numpy(), axes=(1, 2), norm="ortho")


def test_band_is_a_quarter_disc_of_600_coefficients():
    band = high_band()
    assert int(band.sum()) == 600 and torch.equal(band, band.T)
    assert bool(band[27, 27]) and not bool(band[0, 0]) and bool(band[0, 27]) and not bool(band[0, 26])


@pytest.mark.parametrize("tau", [0.0, 0.5, 3.0])
def test_ratio_of_noise_to_image_and_the_final_norm(small, tau):
    clean, noisy = coefficients(small().train_inputs), coefficients(small(tau=tau).train_inputs)
    np.testing.assert_allclose(np.linalg.norm(noisy, axis=(1, 2)), 28.0, rtol=1e-6)
    outside = ~high_band().numpy()
    # clean coefficients keep their proportions, all shrunk by the same factor for an image
    shrink = (noisy[:, outside] * clean[:, outside]).sum(1) / (clean[:, outside] ** 2).sum(1)
    np.testing.assert_allclose(noisy[:, outside], shrink[:, None] * clean[:, outside], atol=1e-4)
    noise = noisy / shrink[:, None, None] - clean
    np.testing.assert_allclose(np.linalg.norm(noise, axis=(1, 2)), tau * 28.0, rtol=1e-4, atol=1e-3)


def test_images_have_no_mean(small):
    assert float(small(tau=1.0).test_inputs.mean((1, 2, 3)).abs().max()) < 1e-6


def test_seeds(small):
    a, b, c = small(tau=1.0), small(tau=1.0, n_train=10), small(tau=1.0, noise_seed=1)
    assert torch.equal(a.train_inputs[:10], b.train_inputs)
    assert torch.equal(a.test_inputs, small(tau=1.0).test_inputs)
    assert not torch.equal(a.train_inputs, c.train_inputs)


def test_low_band_is_gaussian_with_the_moments_of_the_normalized_images(small):
    clean = coefficients(small(band="low").train_inputs)
    np.testing.assert_allclose(np.linalg.norm(clean, axis=(1, 2)), 28.0, rtol=1e-6)
    data = small(band="low", cutoff=2)
    low = coefficients(data.train_inputs)
    keep = np.ones((28, 28), bool)
    keep[:2, :2] = False
    np.testing.assert_allclose(low[:, keep], clean[:, keep], atol=1e-5)  # all else is as it was
    assert not np.allclose(low[:, :2, :2], clean[:, :2, :2])
    assert np.abs(low[:, 0, 0]).max() < 1e-4  # the mean of an image stays zero
    block = clean[:, :2, :2].reshape(60, 4)
    many = np.concatenate(
        [coefficients(small(band="low", cutoff=2, noise_seed=s).train_inputs)[:, :2, :2] for s in range(0, 300, 3)]
    ).reshape(-1, 4)
    scale = block.std(0).max()
    np.testing.assert_allclose(many.mean(0), block.mean(0), atol=0.08 * scale)  # 6000 samples: sd of the mean 0.013
    covariance = np.cov(block, rowvar=False, bias=True)
    np.testing.assert_allclose(np.cov(many, rowvar=False), covariance, atol=0.12 * scale**2)  # sd 0.018


def test_the_moments_are_those_of_the_whole_training_set(small):
    part, whole = small(band="low", cutoff=3, n_train=5), small(band="low", cutoff=3)
    assert torch.equal(part.train_inputs, whole.train_inputs[:5])
    assert torch.equal(part.test_inputs, whole.test_inputs)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tau": -1.0}, "tau"),
        ({"band": "mid"}, "choose one of high, low"),
        ({"band": "low", "tau": 1.0}, "belongs"),
        ({"cutoff": 3}, "belongs"),
        ({"band": "low", "cutoff": 29}, "0 to 28"),
        ({"noise_seed": -1}, "noise_seed"),
    ],
)
def test_what_cannot_be_is_refused(small, options, says):
    with pytest.raises(LazyRegimeError, match=says):
        small(**options)
