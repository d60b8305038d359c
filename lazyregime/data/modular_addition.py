"""(a_1, .., a_m) -> a_1 + .. + a_m mod p: sequences of tokens with the next one, split at random.

A lazy network fits it without generalizing, and one that learns features can find the rule (grokking: Power et al.,
arXiv 2201.02177; as a passage from lazy to rich, Kumar et al., arXiv 2310.06110; by a two-layer network on one-hot
inputs, Gromov, arXiv 2301.02679).
"""

from typing import Any

import torch
from jaxtyping import Int64
from torch import Tensor
from torch.nn.functional import one_hot as indicator

from lazyregime.data._classification import ClassificationData
from lazyregime.data._regression import check_samples, generators
from lazyregime.data.arguments import checked_by, whole
from lazyregime.errors import LazyRegimeError

_MOST_SEQUENCES = 2**24


def _check(
    *, modulus: Any, terms: Any, n_train: Any, n_validation: Any, n_test: Any, one_hot: object, data_seed: Any
) -> None:
    check_samples(n_train=n_train, n_validation=n_validation, n_test=n_test, noise_std=0.0, data_seed=data_seed)
    whole("modulus", modulus, 2, _MOST_SEQUENCES)
    whole("terms", terms, 1, 24)
    wanted, total = n_train + n_validation + n_test, modulus**terms
    if wanted > total or total > _MOST_SEQUENCES:
        raise LazyRegimeError(
            f"data.n_train + n_validation + n_test is {wanted}, and there are {total} sequences of {terms} numbers "
            f"below {modulus}; give no more, and a modulus and terms of at most {_MOST_SEQUENCES} sequences."
        )


@checked_by(_check)
def modular_addition(
    *,
    modulus: int = 11,
    terms: int = 3,
    n_train: int = 660,
    n_validation: int = 0,
    n_test: int = 660,
    one_hot: bool = False,
    data_seed: int = 0,
) -> ClassificationData:
    """Different sequences of `terms` numbers below `modulus`, and their sum.

    Args:
        modulus: p, the number of tokens and of classes.
        terms: m, the length of a sequence.
        n_train: Training sequences.
        n_validation: Held-out sequences.
        n_test: Test sequences; the three sets are disjoint.
        one_hot: Inputs as m p real numbers, an indicator of p a term, for networks and machines that take no tokens.
        data_seed: Draws the split; test, validation and training sequences are drawn in this order.

    Raises:
        LazyRegimeError: If a count is out of range, or there are not that many sequences.
    """
    wanted, total = n_train + n_validation + n_test, modulus**terms
    order = torch.randperm(total, generator=generators(data_seed)["train"])
    test, validation, train = order[:wanted].split([n_test, n_validation, n_train])

    def split(numbers: Int64[Tensor, " n"]) -> tuple[Tensor, Tensor]:
        tokens = torch.stack([numbers // modulus**i % modulus for i in range(terms)], 1)
        x = indicator(tokens, modulus).flatten(1).float() if one_hot else tokens
        return x, tokens.sum(1) % modulus

    (x, y), (x_validation, y_validation), (x_test, y_test) = split(train), split(validation), split(test)
    return ClassificationData(
        name="modular_addition",
        train_inputs=x, train_labels=y,
        validation_inputs=x_validation, validation_labels=y_validation,
        test_inputs=x_test, test_labels=y_test,
        n_outputs=modulus, mean=0.0, std=None,
    )  # fmt: skip
