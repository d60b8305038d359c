"""CIFAR-2 and CIFAR-10 with noise against the definitions, image by image, on a small set of the same layout."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.fft import dctn

from lazyregime.data import _cifar2, _cifar10, cifar2, cifar10_noise
from lazyregime.data.fetching import cifar10_files
from lazyregime.data.fetching.image_set import KnownFile

CATS_AND_PLANES = (40, 8)


@pytest.fixture
def pixels(monkeypatch, tmp_path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """200 training and 40 test images with strong low frequencies: classes, and pixels of 0 to 255."""
    rng = np.random.default_rng(0)
    (tmp_path / "cifar-10-batches-bin").mkdir()
    files, images, classes = [], [], []
    for name in cifar10_files.BATCHES:
        smooth = (
            rng.normal(128, 40, (40, 3, 1, 1)) + rng.normal(0, 30, (40, 3, 32, 1)) + rng.normal(0, 20, (40, 3, 32, 32))
        )
        x, y = smooth.clip(0, 255).astype(np.uint8), (np.arange(40) % 10).astype(np.uint8)
        content = np.concatenate([y[:, None], x.reshape(40, -1)], axis=1).tobytes()
        (tmp_path / "cifar-10-batches-bin" / f"{name}.bin").write_bytes(content)
        files.append(KnownFile(f"{name}.bin", len(content), hashlib.md5(content).hexdigest()))
        images.append(x)
        classes.append(y)
    small = replace(_cifar10.CIFAR10, files=tuple(files), class_counts=(24,) * 10, num_test=40, sources=())
    monkeypatch.setattr(_cifar10, "CIFAR10", small)
    monkeypatch.setattr(_cifar2, "SIZES", CATS_AND_PLANES)
    return {
        "train": (np.concatenate(images[:5]), np.concatenate(classes[:5])),
        "test": (images[5], classes[5]),
    }


def grey(image: np.ndarray) -> np.ndarray:
    """By the definition, one image at a time."""
    r, g, b = image / 255
    x = 0.2125 * r + 0.7154 * g + 0.0721 * b
    return (x - x.mean()) / np.linalg.norm(x - x.mean()) * 32


def test_cifar2_is_planes_against_cats_in_grey(pixels, tmp_path):
    data = cifar2(data_dir=tmp_path, offline=True)
    assert data.train_inputs.shape == (40, 1, 32, 32) and data.test_inputs.shape == (8, 1, 32, 32)
    x, y = pixels["train"]
    expected = [(grey(image), int(c == 0)) for image, c in zip(x, y, strict=True) if c in (0, 3)]
    np.testing.assert_allclose(data.train_inputs[:, 0].numpy(), [e for e, _ in expected], atol=1e-5)
    assert data.train_labels.tolist() == [label for _, label in expected]
    assert data.n_outputs == 1


def test_its_noise_lies_in_the_quarter_disc_and_has_the_ratio(pixels, tmp_path):
    clean, noisy = (cifar2(data_dir=tmp_path, tau=tau, offline=True).train_inputs[:, 0].double() for tau in (0.0, 1.5))
    torch.testing.assert_close(noisy.flatten(1).norm(dim=1), torch.full((40,), 32.0).double(), rtol=1e-6, atol=0)
    for a, b in zip(dctn(clean, axes=(1, 2), norm="ortho"), dctn(noisy, axes=(1, 2), norm="ortho"), strict=True):
        inside = np.array([[(31 - i) ** 2 + (31 - j) ** 2 <= 31**2 for j in range(32)] for i in range(32)])
        shrink = b[~inside] @ a[~inside] / (a[~inside] @ a[~inside])
        np.testing.assert_allclose(b[~inside], shrink * a[~inside], atol=1e-4)
        assert np.linalg.norm(b / shrink - a) == pytest.approx(1.5 * 32, rel=1e-4)


def test_cifar10_keeps_all_but_the_low_coefficients(pixels, tmp_path):
    clean, noisy = (cifar10_noise(data_dir=tmp_path, cutoff=k, offline=True) for k in (0, 5))
    assert torch.equal(clean.train_labels, noisy.train_labels) and clean.n_outputs == 10
    x = pixels["train"][0] / 255
    mean, std = (np.reshape(m, (3, 1, 1)) for m in _cifar10.CIFAR10.moments("adh19"))
    np.testing.assert_allclose(clean.train_inputs.numpy(), (x - mean) / std, atol=1e-5)
    a, b = (dctn(d.train_inputs.double().numpy(), axes=(2, 3), norm="ortho") for d in (clean, noisy))
    b[:, :, :5, :5] = a[:, :, :5, :5]
    np.testing.assert_allclose(a, b, atol=1e-4)


def test_what_replaces_them_has_their_mean_and_covariance_over_all_channels(pixels, tmp_path):
    def low(cutoff: int, seed: int) -> np.ndarray:
        data = cifar10_noise(data_dir=tmp_path, cutoff=cutoff, noise_seed=seed, offline=True)
        return dctn(data.train_inputs.double().numpy(), axes=(2, 3), norm="ortho")[:, :, :2, :2].reshape(200, 12)

    was = low(0, 0)
    drawn = np.concatenate([low(2, seed) for seed in range(0, 90, 3)])  # 6000 samples
    scale = was.std(0)
    assert np.abs((drawn.mean(0) - was.mean(0)) / scale).max() < 0.07  # sd 0.013
    difference = np.cov(drawn, rowvar=False) - np.cov(was, rowvar=False, bias=True)
    assert np.abs(difference / np.outer(scale, scale)).max() < 0.1  # sd 0.018
