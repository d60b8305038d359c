"""The three ways from images to points against numpy in float64, by singular values in the place of eigenvalues."""

import numpy as np
import pytest
import torch

from lazyregime.data._pca import WAYS, standardized


@pytest.fixture
def images() -> torch.Tensor:
    """300 images of 2 x 3 x 3 with unequal variances and a mean."""
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.normal(size=(300, 2, 3, 3)) * np.linspace(0.2, 3, 18).reshape(2, 3, 3) + 5.0)


def of_norm(x: np.ndarray, size: float) -> np.ndarray:
    return x * (size / np.linalg.norm(x, axis=1, keepdims=True))


def reference(images: np.ndarray, p: int, way: str) -> np.ndarray:
    x = images.reshape(len(images), -1)
    x = x - x.mean(0)
    if way != "points":
        x = of_norm(x, np.sqrt(x.shape[1]))
        x = x - x.mean(0)
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    if way == "points":
        return of_norm(u[:, :p] * s[:p], np.sqrt(p))
    if way == "whitened":
        return u[:, :p] * np.sqrt(len(x))
    return u[:, :p] * s[:p] / np.sqrt(np.mean(s[:p] ** 2 / len(x)))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_each_way_is_its_formula(images, way, dtype):
    found = standardized(images.to(dtype), 4, way)
    assert found.dtype == dtype and found.shape == (300, 4)
    expected = reference(images.numpy(), 4, way)
    signs = np.sign((found.double().numpy() * expected).sum(0))  # a component has none
    np.testing.assert_allclose(
        found.double().numpy(), expected * signs, rtol=0, atol=1e-8 if dtype == torch.float64 else 1e-4
    )


def test_what_each_way_makes_one(images):
    points, whitened, scaled = (standardized(images, 4, way) for way in WAYS)
    torch.testing.assert_close(points.square().sum(1), torch.full((300,), 4.0).double())
    torch.testing.assert_close(whitened.T @ whitened / 300, torch.eye(4).double(), rtol=0, atol=1e-9)
    torch.testing.assert_close(scaled.square().sum(1).mean(), torch.tensor(4.0).double())
    assert scaled.var(0)[0] > 1.2 * scaled.var(0)[3]  # and only the mean: the components keep their proportions
    assert torch.equal(standardized(images, 4), points)


@pytest.mark.parametrize("way", [None, *WAYS])
def test_without_components_images_are_centred_and_of_norm_sqrt_d(images, way):
    whole = standardized(images, None, way)
    centred = images.numpy() - images.numpy().mean(0)
    expected = of_norm(centred.reshape(300, -1), np.sqrt(18)).reshape(300, 2, 3, 3)
    np.testing.assert_allclose(whole.numpy(), expected, rtol=1e-12, atol=1e-13)
