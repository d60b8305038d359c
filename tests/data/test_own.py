"""Data of one's own: the same from every form, and every mistake a sentence that says what to do."""

import doctest

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset, WeightedRandomSampler

from lazyregime.data import ClassificationData, from_user, own, shapes_of
from lazyregime.errors import LazyRegimeError

DIGITS = load_digits()
X, Y = DIGITS.images[:300, None] / 16, DIGITS.target[:300]
X_TEST, Y_TEST = DIGITS.images[300:400, None] / 16, DIGITS.target[300:400]


class Pairs(Dataset):
    """A data set in plain Python, as most people write theirs."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, i: int):
        return torch.from_numpy(self.x[i]), int(self.y[i])


class Stream(IterableDataset):
    def __iter__(self):
        return iter(zip(torch.from_numpy(X_TEST), Y_TEST, strict=True))


def tensors(x: np.ndarray, y: np.ndarray) -> TensorDataset:
    return TensorDataset(torch.from_numpy(x), torch.from_numpy(y))


FORMS = {
    "arrays": (X, Y, X_TEST, Y_TEST),
    "tensors": tuple(map(torch.from_numpy, (X, Y, X_TEST, Y_TEST))),
    "lists": [X.tolist(), Y.tolist(), X_TEST.tolist(), Y_TEST.tolist()],
    "pairs": ((X, Y), (X_TEST, Y_TEST)),
    "a dict": {"test": (X_TEST, Y_TEST), "train": (X, Y), "validation": None},
    "data sets of tensors": (tensors(X, Y), tensors(X_TEST, Y_TEST)),
    "data sets of one's own": [Pairs(X, Y), Pairs(X_TEST, Y_TEST)],
    "subsets": (Subset(Pairs(DIGITS.images[:, None] / 16, DIGITS.target), range(300)), Pairs(X_TEST, Y_TEST)),
    "a stream": (Pairs(X, Y), Stream()),
    "loaders": (DataLoader(tensors(X, Y), batch_size=7, shuffle=True), DataLoader(Pairs(X_TEST, Y_TEST), batch_size=9)),
    "a loader of a stream": (DataLoader(tensors(X, Y)), DataLoader(Stream(), batch_size=11)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same(form):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    data = from_user(FORMS[form], name="digits")
    assert torch.equal(torch.get_rng_state(), state)
    assert (data.name, data.n_outputs, data.std) == ("digits", 10, None)
    for found, expected in (
        (data.train_inputs, X), (data.train_labels, Y), (data.test_inputs, X_TEST), (data.test_labels, Y_TEST)
    ):  # fmt: skip
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-7 if form == "lists" else 0)
    assert data.validation_inputs.shape == (0, 1, 8, 8) and data.validation_labels.shape == (0,)
    assert data.train_labels.dtype == torch.int64
    shapes = {"in_channels": 1, "image_size": 8, "in_features": 64, "n_outputs": 10}
    assert shapes_of(data) == {**shapes, "num_tokens": None, "sequence_length": None}


def test_tokens_have_a_number_and_a_length():
    tokens = np.array([[0, 4, 1], [2, 2, 2]])
    shapes = {"num_tokens": 8, "sequence_length": 3, "n_outputs": 2}
    found = shapes_of(from_user((tokens, [0, 1], tokens + 3, [0, 1])))
    assert {key: value for key, value in found.items() if value is not None} == shapes


def test_validation_has_its_place():
    for value in (
        (X[:200], Y[:200], X[200:], Y[200:], X_TEST, Y_TEST),
        (tensors(X[:200], Y[:200]), tensors(X[200:], Y[200:]), tensors(X_TEST, Y_TEST)),
        {"train": (X[:200], Y[:200]), "validation": (X[200:], Y[200:]), "test": (X_TEST, Y_TEST)},
    ):
        data = from_user(value)
        np.testing.assert_array_equal(data.validation_labels, Y[200:])
        assert len(data.train_labels) == 200 and len(data.test_labels) == 100


def test_what_is_classification_data_already_is_left_alone():
    data = from_user((X, Y, X_TEST, Y_TEST))
    assert isinstance(data, ClassificationData) and from_user(data) is data


def test_a_sampler_of_ones_own_gives_what_one_pass_gives_and_the_same_each_time():
    loader = DataLoader(tensors(X, Y), batch_size=50, sampler=WeightedRandomSampler(np.where(Y < 5, 1.0, 0.0), 400))
    first, again = (from_user((loader, (X_TEST % 5, Y_TEST % 5))) for _ in range(2))
    assert len(first.train_labels) == 400 and first.n_outputs == 5
    assert torch.equal(first.train_inputs, again.train_inputs)


@pytest.mark.parametrize(
    ("y", "y_test", "n_outputs", "expected", "kind"),
    [
        (np.array([0, 2, 1]), np.array([2]), 3, torch.tensor([0, 2, 1]), "classes"),
        (np.array([0, 1, 1], np.uint8), np.array([1], np.uint8), 2, torch.tensor([0, 1, 1]), "classes"),
        (np.array([False, True, True]), np.array([True]), 1, torch.tensor([0, 1, 1]), "classes"),
        (np.array([[0], [1], [1]]), np.array([[1]]), 1, torch.tensor([0, 1, 1]), "classes"),
        (np.array([[0, 1], [1, 1], [0, 0]]), np.array([[1, 0]]), 2, torch.tensor([[0, 1], [1, 1], [0, 0]]), "several"),
        (np.array([0.5, 1, 2]), np.array([0.0]), 1, torch.tensor([[0.5], [1], [2]]).double(), "targets"),
        (np.ones((3, 4), np.float32), np.ones((1, 4), np.float32), 4, torch.ones(3, 4), "targets"),
    ],
)
def test_what_labels_are_follows_from_type_and_shape(y, y_test, n_outputs, expected, kind):
    data = from_user((np.zeros((3, 2)), y, np.zeros((1, 2)), y_test))
    assert data.n_outputs == n_outputs
    assert torch.equal(data.train_labels, expected) and data.train_labels.dtype == expected.dtype
    assert (data.is_regression, data.is_multilabel) == (kind == "targets", kind == "several")


@pytest.mark.parametrize(
    ("given", "expected"),
    [(np.float16, torch.float32), (np.float32, torch.float32), (np.float64, torch.float64), (np.uint8, torch.float32),
     (bool, torch.float32), (np.int32, torch.int64), (np.int64, torch.int64)],
)  # fmt: skip
def test_inputs_are_real_numbers_or_tokens(given, expected):
    x = np.array([[0, 1], [1, 0]]).astype(given)
    data = from_user((x, [0, 1], x, [0, 1]))
    assert data.train_inputs.dtype == expected and data.train_inputs.tolist() == [[0, 1], [1, 0]]


def test_class_weights_are_kept_and_checked():
    split = {"train": (X, Y), "test": (X_TEST, Y_TEST)}
    assert from_user({**split, "class_weights": np.arange(10)}).class_weights.tolist() == list(range(10))
    for wrong in ([1.0] * 9, [-1.0] + [1.0] * 9, [0.0] * 10, [float("nan")] * 10):
        with pytest.raises(LazyRegimeError, match="give 10 numbers >= 0, one a class"):
            from_user({**split, "class_weights": wrong})
    with pytest.raises(LazyRegimeError, match="belong to classes"):
        from_user({"train": (X, Y * 1.0), "test": (X_TEST, Y_TEST * 1.0), "class_weights": [1]})


def with_nan(x: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(x))[:, None, None, None] == 7, np.nan, x)


class NoPairs(Pairs):
    def __getitem__(self, i: int):
        return self.x[i]


class Words(Pairs):
    def __getitem__(self, i: int):
        return object(), 1


class Ragged(Pairs):
    def __getitem__(self, i: int):
        return torch.zeros(1 + i % 2), 1


class NoLength(Dataset):
    def __getitem__(self, i: int):
        return torch.zeros(1), 1


WRONG = [
    (None, r"mine.digits is a NoneType; give \(x, y, x_test, y_test\)"),
    ("digits", "is a str; give"),
    (X, "is a ndarray; give"),
    ((X, Y), r"is a tuple of 2 \(ndarray, ndarray\); give"),
    ((X, Y, X_TEST), r"is a tuple of 3 \(ndarray, ndarray, ndarray\); give"),
    ((X, Y, X_TEST, Y_TEST, X), "is a tuple of 5"),
    (tensors(X, Y), "is one TensorDataset, and the test set is missing"),
    (DataLoader(tensors(X, Y)), "is one DataLoader, and the test set is missing"),
    ({"train": (X, Y)}, "is a dict with the keys train; give"),
    ({"train": (X, Y), "test": (X_TEST, Y_TEST), "valid": (X, Y)}, "keys train, test, valid; give"),
    ({"train": X, "test": (X_TEST, Y_TEST)}, "the training set is a ndarray; give a pair"),
    ((X, Y[:-1], X_TEST, Y_TEST), "the training set has 300 inputs and 299 labels; give one label a sample"),
    ((X, Y, X_TEST, Y_TEST[:5]), "the test set has 100 inputs and 5 labels"),
    ((X, 3, X_TEST, Y_TEST), "the training set has 300 inputs and 1 labels"),
    ((X, Y, X_TEST[:0], Y_TEST[:0]), "the test set has no samples"),
    ((X[:, 0, 0, 0], Y, X_TEST, Y_TEST), r"inputs have shape \(300,\); give \(n, ..\)"),
    ((X, Y, X_TEST[:, :, :4], Y_TEST), r"shape \(1, 8, 8\), one of the test set float64 of shape \(1, 4, 8\)"),
    ((X, Y, X_TEST.astype("f4"), Y_TEST), "a training input is float64 .* test set float32"),
    ((with_nan(X), Y, X_TEST, Y_TEST), "the training set's inputs are not all finite: 1 of 300 .* number 7"),
    ((X, Y, np.full_like(X_TEST, np.inf), Y_TEST), "the test set's inputs are not all finite: 100 of 100"),
    ((X, np.where(Y > 8, np.inf, Y), X_TEST, 1.0 * Y_TEST), "the targets of the train set are not all finite"),
    ((X, Y - 1, X_TEST, Y_TEST), "a label is -1; classes are numbered 0, 1"),
    ((X, Y + 1, X_TEST, Y_TEST + 1), "training classes go from 1 to 10; number them from 0"),
    ((X, Y * 1000, X_TEST, Y_TEST), "a label is 9000, and there are 10 classes"),
    ((X, Y * 0, X_TEST, Y_TEST * 0), "all training labels are 0"),
    ((X, Y % 5, X_TEST, Y_TEST), "the test set has the class 9, and the training classes are 0 to 4"),
    ((X, Y, X_TEST, 1.0 * Y_TEST), r"labels are int64 \(300,\) for training and float64 \(100,\) in the test set"),
    ((X, Y[:, None, None], X_TEST, Y_TEST[:, None, None]), r"give \(n,\) or \(n, k\)"),
    ((X, Y[:, None], X_TEST, Y_TEST[:, None]), "several labels a sample are 0 or 1, .* from 0 to 9"),
    ((X, np.zeros((300, 0), int), X_TEST, np.zeros((100, 0), int)), r"labels of shape \(n, 0\)"),
    ((X, DIGITS.target_names[Y].astype(str), X_TEST, Y_TEST), "labels .* are no array of numbers"),
    (([[1.0], [1.0, 2.0]], [0, 1], [[1.0]], [0]), "the training set's inputs .* are no array of numbers"),
    ((X + 1j, Y, X_TEST, Y_TEST), "inputs are complex; give a dense array"),
    ((torch.eye(3).to_sparse(), [0, 1, 2], torch.eye(3), [0, 1, 2]), "inputs are sparse; give a dense array"),
    ((NoPairs(X, Y), Pairs(X_TEST, Y_TEST)), "gives a Tensor a sample; let it give pairs"),
    ((Words(X, Y), Pairs(X_TEST, Y_TEST)), r"cannot be made a tensor .*=ToTensor\(\)"),
    ((Ragged(X, Y), Pairs(X_TEST, Y_TEST)), "samples have different shapes"),
    ((NoLength(), Pairs(X_TEST, Y_TEST)), "a Dataset without a length"),
    ((Pairs(X[:0], Y[:0]), Pairs(X_TEST, Y_TEST)), "the training set has no samples"),
]


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize(("value", "says"), WRONG, ids=range(len(WRONG)))
def test_what_cannot_be_meant_is_a_sentence(value, says):
    with pytest.raises(LazyRegimeError, match=says) as caught:
        from_user(value, origin="mine.digits")
    assert str(caught.value).startswith("mine.digits") and str(caught.value).endswith(".")


def test_examples():
    assert doctest.testmod(own).failed == 0
