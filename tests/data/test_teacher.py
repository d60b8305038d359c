"""The teacher-student data against the definition, and the CIFAR-10 reader on files in torchvision's layout."""

import hashlib
import pickle

import numpy as np
import pytest
import torch

from lazyregime.data import cifar10, import_torchvision, teacher_student
from lazyregime.errors import LazyRegimeError


def test_points_lie_on_the_sphere_and_targets_are_those_of_a_few_neurons():
    data = teacher_student(dimension=6, n_train=4000, n_test=50, teacher_width=2, scale=3.0, data_seed=1)
    assert data.is_regression
    torch.testing.assert_close(data.train_inputs.norm(dim=1), torch.ones(4000, dtype=torch.float64))
    # positively homogeneous, and linear in the features of the teacher that the seed draws
    generator = torch.Generator().manual_seed(1)
    theta = torch.randn(2, 6, dtype=torch.float64, generator=generator)
    theta /= theta.norm(dim=1, keepdim=True)
    features = torch.relu(data.train_inputs @ theta.T)
    signs = torch.linalg.lstsq(features, data.train_labels / 3.0).solution
    torch.testing.assert_close(signs.abs(), torch.ones(2, 1, dtype=torch.float64))
    again = teacher_student(dimension=6, n_train=4000, n_test=50, teacher_width=2, scale=3.0, data_seed=1)
    assert torch.equal(data.test_labels, again.test_labels)


def test_sizes_are_positive():
    with pytest.raises(LazyRegimeError, match="n_test"):
        teacher_student(n_test=0)


@pytest.fixture
def cifar_folder(tmp_path, monkeypatch):
    """Six tiny batches with their checksums in the place of the published ones."""
    import_torchvision()
    from torchvision.datasets import CIFAR10

    folder = tmp_path / CIFAR10.base_folder
    folder.mkdir()
    rng = np.random.default_rng(0)

    def write(name, content):
        (folder / name).write_bytes(pickle.dumps(content))
        return [name, hashlib.md5((folder / name).read_bytes()).hexdigest()]

    def batch():
        return {"data": rng.integers(0, 256, (20, 3072), dtype=np.uint8), "labels": [i % 10 for i in range(20)]}

    monkeypatch.setattr(CIFAR10, "train_list", [write(f"data_batch_{i}", batch()) for i in range(1, 6)])
    monkeypatch.setattr(CIFAR10, "test_list", [write("test_batch", batch())])
    meta = write("batches.meta", {"label_names": list("abcdefghij")})
    monkeypatch.setattr(CIFAR10, "meta", {"filename": meta[0], "key": "label_names", "md5": meta[1]})
    return tmp_path


def test_cifar_is_read_and_given_back_pixel_by_pixel(cifar_folder):
    data = cifar10(data_dir=cifar_folder, n_validation=10)
    assert data.train_inputs.shape == (90, 3, 32, 32)
    assert data.test_inputs.shape == (20, 3, 32, 32)
    with (cifar_folder / "cifar-10-batches-py" / "test_batch").open("rb") as stream:
        pixels = torch.from_numpy(pickle.load(stream)["data"]).reshape(20, 3, 32, 32).float()
    assert torch.equal(data.raw(data.test_inputs), pixels)


def test_cifar_that_is_absent_or_damaged_is_told(cifar_folder, tmp_path):
    with pytest.raises(LazyRegimeError, match="cifar-10-batches-py"):
        cifar10(data_dir=tmp_path / "nowhere")
    (cifar_folder / "cifar-10-batches-py" / "test_batch").write_bytes(b"torn")
    with pytest.raises(LazyRegimeError, match="damaged"):
        cifar10(data_dir=cifar_folder)
