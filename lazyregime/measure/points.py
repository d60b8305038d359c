"""Where a network is looked at: anchors from the training set, test points, and held-out points, the first of those."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from lazyregime.data import ClassificationData, first_per_class
from lazyregime.errors import LazyRegimeError


@final
@dataclass(frozen=True, eq=False)
class Points:
    """Inputs with their labels.

    Attributes:
        anchors: Points of the training set.
        anchor_labels: Class numbers, or real targets.
        raw_anchors: The anchors as pixels 0..255; None where inputs are no pixels.
        test_inputs: Points that were not trained on.
        test_labels: Of those.
        num_held_out: So many of the test points, the first, are the held-out points, whose kernel is kept.
        num_classes: 2 for a binary problem, whatever the network's outputs; None for real targets.
        notes: What was asked for and is not there, a sentence each.
    """

    anchors: Shaped[Tensor, "n *d"]
    anchor_labels: Int[Tensor, " n"] | Float[Tensor, "n k"]
    raw_anchors: Shaped[Tensor, "n *d"] | None
    test_inputs: Shaped[Tensor, "m *d"]
    test_labels: Int[Tensor, " m"] | Float[Tensor, "m k"]
    num_held_out: int
    num_classes: int | None
    notes: tuple[str, ...] = ()

    @property
    def held_out(self) -> Shaped[Tensor, "q *d"]:
        """The first test points."""
        return self.test_inputs[: self.num_held_out]

    @property
    def held_out_labels(self) -> Int[Tensor, " q"] | Float[Tensor, "q k"]:
        """Of those."""
        return self.test_labels[: self.num_held_out]


def points_of(
    data: ClassificationData, *, anchors_per_class: int = 30, n_test: int | None = None, n_held_out: int | None = None
) -> Points:
    """The points of a data set: its own `kernel_inputs` as anchors, else the first of the training set.

    Args:
        data: The data set.
        anchors_per_class: Anchors of each class; of real targets, so many in all.
        n_test: Test points; None for all.
        n_held_out: Held-out points; None for as many as there are anchors.

    Raises:
        LazyRegimeError: If there are not so many points.
    """
    if n_test is not None and n_test < 1:
        raise LazyRegimeError(f"ntk.n_test={n_test} is not possible; it must be at least 1, or null for all.")
    if data.is_multilabel:
        data = _with_signs(data)
    anchors, labels = _anchors(data, anchors_per_class)
    test = data.test_inputs[:n_test]
    if n_held_out is not None and not 2 <= n_held_out <= len(test):
        raise LazyRegimeError(
            f"ntk.n_held_out={n_held_out} is not possible: the held-out points are the first of the {len(test)} test "
            "points of the probe; give at least 2 and at most so many, or null for as many as there are anchors."
        )
    return Points(
        anchors=anchors,
        anchor_labels=labels,
        raw_anchors=None if data.std is None else data.raw(anchors),
        test_inputs=test,
        test_labels=data.test_labels[:n_test],
        num_held_out=min(len(anchors), len(test)) if n_held_out is None else n_held_out,
        num_classes=None if data.is_regression else max(2, data.n_outputs),
        notes=tuple(_notes(data, anchors_per_class, n_test)),
    )


def _notes(data: ClassificationData, anchors_per_class: int, n_test: int | None) -> Iterator[str]:
    """Where there are fewer points than asked for and all are taken; classes with too few anchors are refused."""
    there = len(data.test_inputs)
    if n_test is not None and n_test > there:
        yield f"ntk.n_test={n_test} is more than the {there} test points that there are; the kernel is tested on those."
    there = len(data.train_inputs)
    if data.is_regression and data.kernel_inputs is None and anchors_per_class > there:
        yield f"ntk.anchors_per_class={anchors_per_class} is more than the {there} training points; all are anchors."


def _with_signs(data: ClassificationData) -> ClassificationData:
    """Several labels a sample as real targets +-1."""
    dtype = data.train_inputs.dtype if data.train_inputs.is_floating_point() else torch.float32
    train, test = ((2 * labels - 1).to(dtype) for labels in (data.train_labels, data.test_labels))
    return replace(data, train_labels=train, validation_labels=train[:0], test_labels=test,
                   validation_inputs=data.train_inputs[:0])  # fmt: skip


def _anchors(data: ClassificationData, per_class: int) -> tuple[Tensor, Tensor]:
    if data.kernel_inputs is not None and data.kernel_labels is not None:
        return data.kernel_inputs, data.kernel_labels
    if data.is_regression:
        if min(per_class, len(data.train_labels)) < 2:
            raise LazyRegimeError(
                f"ntk.anchors_per_class={per_class} of real targets is so many anchors in all, and a kernel of one "
                "point has no direction; give at least 2."
            )
        return data.train_inputs[:per_class], data.train_labels[:per_class]
    fewest = int(data.train_labels.unique(return_counts=True)[1].min())
    if fewest < per_class:
        raise LazyRegimeError(
            f"ntk.anchors_per_class={per_class}, but the smallest class has {fewest} of the {len(data.train_labels)} "
            f"training points; set ntk.anchors_per_class={fewest} or less, or a larger data.n_train."
        )
    chosen = first_per_class(data.train_labels, per_class)
    return data.train_inputs[chosen], data.train_labels[chosen]
