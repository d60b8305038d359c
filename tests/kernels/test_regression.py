"""Regression from precomputed kernels against the textbook formula in numpy, and what it does with bad kernels."""

import numpy as np
import pytest
import torch
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import KernelRegression


def problem(n: int = 30, m: int = 17, d: int = 40, k: int = 3, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """A well-conditioned kernel, a test kernel, and labels in no order."""
    g = torch.Generator().manual_seed(seed)
    x, z = torch.randn(n, d, generator=g).double(), torch.randn(m, d, generator=g).double()
    labels = torch.randint(k, (n,), generator=g)
    labels[:k] = torch.arange(k)
    return x @ x.T + 2 * torch.eye(n), z @ x.T, labels


def textbook(gram: Tensor, k_test: Tensor, y: np.ndarray, ridge: float) -> np.ndarray:
    h = gram.numpy() + ridge * np.eye(len(gram))
    return k_test.numpy() @ np.linalg.inv(h) @ y


@pytest.mark.parametrize("ridge", [0.0, 0.7])
@pytest.mark.parametrize("coding", ["one_hot", "0.9/-0.1", "centred"])
def test_adh_is_the_published_formula(coding, ridge):
    gram, k_test, labels = problem()
    one_hot = np.eye(3)[labels.numpy()]
    shift = {"one_hot": 0.0, "0.9/-0.1": 0.1, "centred": one_hot.mean(0)}[coding]
    expected = textbook(gram, k_test, one_hot - shift, ridge) + (shift if coding == "centred" else 0.0)
    regression = KernelRegression(ridge=ridge, coding=coding).fit_gram(gram, labels)
    predicted = regression.predict_gram(k_test)
    np.testing.assert_allclose(regression.decision_values.numpy(), expected, rtol=1e-10, atol=1e-12)
    assert predicted.tolist() == expected.argmax(1).tolist()
    assert regression.decision_values.dtype == torch.float64


def test_poster_takes_the_class_of_the_anchor_with_the_largest_dual_weight_in_any_order():
    gram, k_test, labels = problem()
    weights = textbook(gram, k_test, np.eye(30), 0.0)
    expected = labels.numpy()[weights.argmax(1)]
    adh = KernelRegression().fit_gram(gram, labels).predict_gram(k_test)
    poster = KernelRegression(protocol="poster").fit_gram(gram, labels)
    assert poster.predict_gram(k_test).tolist() == expected.tolist()
    assert poster.predict_gram(k_test).tolist() != adh.tolist()  # else this problem could not tell them apart
    order = torch.randperm(30, generator=torch.Generator().manual_seed(3))
    shuffled = KernelRegression(protocol="poster").fit_gram(gram[order][:, order], labels[order])
    assert shuffled.predict_gram(k_test[:, order]).tolist() == expected.tolist()


def test_poster_agrees_with_the_script_of_the_poster_on_sorted_anchors():
    gram, k_test, labels = problem(n=30, k=3)
    order = torch.arange(30).argsort()
    labels = torch.arange(3).repeat_interleave(10)
    script = (k_test @ torch.linalg.inv(gram)).argmax(1) // 10
    poster = KernelRegression(protocol="poster").fit_gram(gram[order][:, order], labels)
    assert poster.predict_gram(k_test).tolist() == script.tolist()


@pytest.mark.parametrize("coupled", [False, True])
def test_a_kernel_on_disk_is_solved_by_blocks_of_its_rows(tmp_path, coupled, monkeypatch):
    g = torch.Generator().manual_seed(7)
    j = torch.randn(40, 3, 200, generator=g)
    gram = torch.einsum("nap,mbp->nmab", j, j) if coupled else torch.einsum("nap,map->nm", j, j)
    np.save(tmp_path / "kernel.npy", gram.numpy())
    stored = torch.from_numpy(np.load(tmp_path / "kernel.npy", mmap_mode="r+"))
    labels = torch.arange(40) % 3
    blocks, split = [], Tensor.split
    monkeypatch.setattr(Tensor, "split", lambda t, size, dim=0: blocks.append(split(t, size, dim)) or blocks[-1])
    budget = 10 * 16 * (120 * 3 if coupled else 40)  # ten samples' rows at a time
    regression = KernelRegression(relative_ridge=1e-2, memory_budget=budget, tolerance=1e-9).fit_gram(stored, labels)
    assert regression.report.method == "cg" and len(blocks[0]) == 4
    direct = KernelRegression(relative_ridge=1e-2).fit_gram(gram, labels)
    assert direct.report.method == "cholesky"
    assert regression.report.ridge == pytest.approx(direct.report.ridge)
    torch.testing.assert_close(regression.dual, direct.dual, rtol=1e-6, atol=1e-7 * float(direct.dual.abs().max()))


def test_relative_ridge_is_a_multiple_of_the_mean_diagonal():
    gram, _, labels = problem()
    absolute = KernelRegression(ridge=0.3 * float(gram.trace()) / 30).fit_gram(gram, labels)
    relative = KernelRegression(relative_ridge=0.3).fit_gram(gram, labels)
    assert relative.report.ridge == pytest.approx(absolute.report.ridge)
    assert torch.allclose(relative.dual, absolute.dual)


def test_full_kernel_couples_outputs():
    g = torch.Generator().manual_seed(1)
    j = torch.randn(12, 3, 60, generator=g, dtype=torch.float64)
    jt = torch.randn(5, 3, 60, generator=g, dtype=torch.float64)
    gram, k_test = torch.einsum("nap,mbp->nmab", j, j), torch.einsum("nap,mbp->nmab", jt, j)
    y = torch.randn(12, 3, generator=g, dtype=torch.float64)
    # the minimum-norm parameters that fit y predict the same values
    w = torch.linalg.pinv(j.reshape(36, 60)) @ y.reshape(36)
    values = KernelRegression().fit_gram(gram, y).predict_gram(k_test)
    assert torch.allclose(values, jt @ w, rtol=1e-9, atol=1e-10)
    labels = torch.arange(12) % 3
    assert KernelRegression().fit_gram(gram, labels).predict_gram(gram).tolist() == labels.tolist()


@pytest.mark.parametrize("n", [40, 1100])  # all eigenvalues, and Lanczos
def test_condition_number_is_measured(n):
    g = torch.Generator().manual_seed(2)
    q, _ = torch.linalg.qr(torch.randn(n, n, generator=g, dtype=torch.float64))
    eigenvalues = torch.logspace(-5, 2, n, dtype=torch.float64)
    regression = KernelRegression().fit_gram((q * eigenvalues) @ q.T, torch.arange(n) % 2)
    assert regression.report.condition_number == pytest.approx(1e7, rel=1e-2)
    assert regression.report.jitter == 0
    assert 0 <= regression.report.residual < 1e-8


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("ridge", [0.0, 1e-3])
def test_duplicated_samples_need_a_jitter_and_it_is_reported(dtype, ridge):
    g = torch.Generator().manual_seed(3)
    x = torch.randn(20, 50, generator=g, dtype=dtype)
    x[1] = x[0]
    labels = torch.arange(20) % 2  # the duplicates contradict each other
    regression = KernelRegression(ridge=ridge).fit_gram(x @ x.T, labels)
    assert (regression.report.jitter > 0) == (ridge == 0)
    assert regression.report.jitter < 1e-2
    assert regression.report.residual <= 1e-6
    assert regression.predict_gram(x @ x.T)[2:].tolist() == labels[2:].tolist()


def test_a_float64_kernel_of_float32_accuracy_is_lifted_above_its_noise():
    g = torch.Generator().manual_seed(4)
    x = torch.randn(20, 10, generator=g, dtype=torch.float64)
    noise = torch.randn(20, 20, generator=g, dtype=torch.float64) * 1e-6
    gram = x @ x.T + noise @ noise.T * 1e6  # rank 10 and a tail of about 1e-5: noise, if entries are good to 1e-5
    assert KernelRegression().fit_gram(gram, torch.arange(20) % 2).report.jitter == 0
    assert KernelRegression(accuracy=1e-5).fit_gram(gram, torch.arange(20) % 2).report.jitter > 1e-4


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda k: k.index_put((torch.tensor(0), torch.tensor(1)), torch.tensor(float("nan")).double()), "NaN"),
        (lambda k: k - 100 * torch.eye(30), "not positive semi-definite"),
        (lambda k: -k, "not positive semi-definite"),
        (lambda k: k * 0, "not positive semi-definite"),
        (lambda k: k.tril(), "not symmetric"),
    ],
)
def test_a_kernel_that_is_none_is_refused(spoil, sentence):
    gram, _, labels = problem()
    with pytest.raises(LazyRegimeError, match=sentence):
        KernelRegression().fit_gram(spoil(gram), labels)


def test_wrong_use_is_refused_with_a_sentence():
    gram, k_test, labels = problem()
    with pytest.raises(LazyRegimeError, match="fit_gram first"):
        KernelRegression().predict_gram(k_test)
    with pytest.raises(LazyRegimeError, match="rows are test samples"):
        KernelRegression().fit_gram(gram, labels).predict_gram(k_test.T)
    with pytest.raises(LazyRegimeError, match="2 classes"):
        KernelRegression(n_outputs=2).fit_gram(gram, labels)
    with pytest.raises(LazyRegimeError, match="ridge"):
        KernelRegression(ridge=-1.0)
    with pytest.raises(LazyRegimeError, match="integer labels"):
        KernelRegression(protocol="poster").fit_gram(gram, torch.ones(30))


def test_absent_classes_are_never_predicted_by_the_poster_rule():
    gram, k_test, labels = problem()
    regression = KernelRegression(protocol="poster", n_outputs=10).fit_gram(gram, labels)
    assert int(regression.predict_gram(k_test).max()) <= 2
    assert regression.decision_values.shape == (17, 10)
