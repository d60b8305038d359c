"""What scikit-learn asks of an estimator, without scikit-learn: parameters by name, arrays checked, tags on request."""

import inspect
import sys
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lazyregime.errors import LazyRegimeError

Array = Any  # numpy arrays and what becomes one, or tensors


class AbstractEstimator(ABC):
    """fit(x, y) and predict(x) on numpy arrays or tensors; a prediction is of the kind that it was asked with."""

    @abstractmethod
    def fit(self, x: Array, y: Array) -> "AbstractEstimator":
        """Fit to samples x (n, ...) and targets y (n,) or (n, k)."""

    @abstractmethod
    def predict(self, x: Array) -> Array:
        """Targets of samples x, with the shape that y had."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            name: getattr(self, name) for name in inspect.signature(type(self).__init__).parameters if name != "self"
        }

    def set_params(self, **params: Any) -> "AbstractEstimator":
        """Change some of them.

        Raises:
            LazyRegimeError: If there is no such parameter.
        """
        for name, value in params.items():
            if name not in self.get_params():
                raise LazyRegimeError(f"There is no parameter {name!r}; choose from {', '.join(self.get_params())}.")
            setattr(self, name, value)
        return self

    def score(self, x: Array, y: Array) -> float:
        """R^2, one minus the risk over that of the mean."""
        truth, predicted = as_matrix(y), as_matrix(self.predict(x))
        return float(1 - (truth - predicted).square().sum() / (truth - truth.mean(0)).square().sum())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.get_params().items())})"

    def __sklearn_tags__(self) -> Any:
        """For scikit-learn alone, which asks for them."""
        from sklearn.utils import InputTags, RegressorTags, Tags, TargetTags  # pyright: ignore

        return Tags(
            estimator_type="regressor",
            target_tags=TargetTags(required=True, multi_output=True),
            regressor_tags=RegressorTags(),
            input_tags=InputTags(),
        )


def as_samples(x: Array, owner: str, expected: tuple[int, ...] | None = None) -> Tensor:
    """Samples as a tensor of their own floating dtype, whatever they came as.

    Raises:
        LazyRegimeError: For samples that are not finite real numbers of shape (n, d, ...), or not as many numbers each
            as the fit had.
    """
    if hasattr(x, "toarray"):
        raise LazyRegimeError(f"{owner} takes dense arrays, and not sparse ones; give x.toarray().")
    tensor = x.detach() if isinstance(x, Tensor) else _from_numpy(x, "x")
    if tensor.is_complex():
        raise LazyRegimeError("Complex data not supported: x must be real.")
    if tensor.ndim < 2:
        raise LazyRegimeError(
            f"x has shape {tuple(tensor.shape)}, but samples stand in rows, (n, d). Reshape your data: "
            "x.reshape(-1, 1) if it has one feature, x.reshape(1, -1) if it is one sample."
        )
    if expected is not None and tuple(tensor.shape[1:]) != expected:
        raise LazyRegimeError(
            f"X has {tensor[0].numel() if len(tensor) else tensor.shape[1]} features, but {owner} is expecting "
            f"{torch.Size(expected).numel()} features as input (shape {tuple(tensor.shape)} where the fit had "
            f"(n, {', '.join(map(str, expected))}))."
        )
    if tensor.shape[0] == 0 or tensor.numel() == 0:
        what = "sample(s)" if tensor.shape[0] == 0 else "feature(s)"
        raise LazyRegimeError(f"x has 0 {what} (shape={tuple(tensor.shape)}) while a minimum of 1 is required.")
    tensor = tensor if tensor.is_floating_point() else tensor.double()
    bad = int((~torch.isfinite(tensor)).sum())
    if bad:
        raise LazyRegimeError(f"x has {bad} entries that are NaN or infinity; remove those samples or fill them in.")
    return tensor


def as_targets(y: Array, n: int, owner: str) -> tuple[Tensor, tuple[int, ...]]:
    """Targets as a float64 matrix (n, k), and the shape of one of them, (k,) or ().

    Raises:
        LazyRegimeError: If they are missing, not finite, or not n.
    """
    if y is None:
        raise LazyRegimeError(f"{owner} requires y to be passed, but the target y is None.")
    tensor = y.detach() if isinstance(y, Tensor) else _from_numpy(y, "y")
    if tensor.ndim not in (1, 2) or len(tensor) != n:
        raise LazyRegimeError(f"y has shape {tuple(tensor.shape)}, but there are {n} samples; give (n,) or (n, k).")
    matrix = as_matrix(tensor)
    bad = int((~torch.isfinite(matrix)).sum())
    if bad:
        raise LazyRegimeError(f"y has {bad} entries of {matrix.numel()} that are NaN or infinity; drop those samples.")
    return matrix, tuple(tensor.shape[1:])


def as_matrix(y: Array) -> Tensor:
    """Targets as (n, k) in float64."""
    tensor = y if isinstance(y, Tensor) else _from_numpy(y, "y")
    return tensor.double().reshape(len(tensor), -1)


def like(values: Tensor, asked: Array) -> Array:
    """Values as a tensor where the question was one, on its device, else as a numpy array."""
    return values.to(asked.device) if isinstance(asked, Tensor) else values.cpu().numpy()


def not_fitted(owner: str) -> Exception:
    """The error of a prediction before a fit: scikit-learn's own where it is in use."""
    kind = getattr(sys.modules.get("sklearn.exceptions"), "NotFittedError", LazyRegimeError)
    return kind(f"This {owner} was not fitted yet; call fit first.")


def _from_numpy(x: Array, name: str) -> Tensor:
    array = np.asarray(x)
    if np.iscomplexobj(array):
        raise LazyRegimeError(f"Complex data not supported: {name} must be real.")
    if array.dtype.kind not in "fiub":
        try:
            array = array.astype(np.float64)
        except TypeError as error:  # scikit-learn wants this kind
            raise TypeError(f"{name} is no array of numbers: its argument must be a string or a number.") from error
        except ValueError as error:
            raise LazyRegimeError(f"{name} is no array of numbers: {error}.") from error
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        array = array.astype(np.float64)
    return torch.from_numpy(np.array(array, copy=True, order="C"))
