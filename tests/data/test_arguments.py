"""Arguments are refused without loading or drawing anything, by the sentence with which the function itself refuses."""

import doctest
import time

import pytest

from lazyregime.data import (
    arguments,
    check_arguments,
    cifar2,
    cifar10,
    cifar10_noise,
    cifar10_pair,
    fashion_mnist,
    fashion_mnist_noise,
    mnist,
    modular_addition,
    parity,
    sphere,
    spiked,
    teacher_student,
)  # fmt: skip
from lazyregime.errors import LazyRegimeError

STORED = (mnist, fashion_mnist, cifar10, fashion_mnist_noise, cifar2, cifar10_noise, parity, cifar10_pair)
DRAWN = (sphere, spiked, teacher_student, modular_addition)

REFUSED = [
    *((f, {"n_train": n}) for f in (*STORED, *DRAWN) for n in (0, -3, 1.5, "many", True)),
    *((f, {"n_test": 0}) for f in (*STORED, *DRAWN)),
    *((f, {"data_seed": seed}) for f in (*STORED[:6], *DRAWN) for seed in (-1, 2**63, 0.5)),
    *((f, {"n_validation": -1}) for f in (*STORED[:6], sphere, spiked)),
    *((f, {"n_train": 50_001}) for f in (cifar10, cifar10_noise, cifar2, parity) if f is not parity),
    *((f, {"train_seed": -1}) for f in (parity, cifar10_pair)),
    (mnist, {"n_validation": 1, "n_train": 60_000}),
    (mnist, {"n_test": 10_001}),
    (mnist, {"subset": "first"}),
    (mnist, {"normalization": "cob19"}),
    (cifar2, {"n_train": 10_001}),
    (cifar2, {"n_test": 2_001}),
    (cifar2, {"tau": -1}),
    (cifar10_noise, {"cutoff": 33}),
    (fashion_mnist_noise, {"band": "low", "tau": 1.0}),
    (parity, {"source": "mnits"}),
    (parity, {"components": 785}),
    (parity, {"pca": "white"}),
    (parity, {"n_train": 62_000}),  # of fives there are 6313
    (cifar10_pair, {"pair": "dog_cat"}),
    (cifar10_pair, {"components": 3073}),
    (cifar10_pair, {"pair": "cat_dog", "n_train": 10_000}),
    (sphere, {"target_powers": ["a"]}),
    (sphere, {"dimension": 2}),
    (spiked, {"signal_dimension": 2}),
    (teacher_student, {"scale": "one"}),
    (modular_addition, {"modulus": 1}),
    (modular_addition, {"terms": 0}),
    (modular_addition, {"n_train": 1331}),
    (teacher_student, {"teacher_width": 0}),
]


@pytest.mark.parametrize(("function", "options"), REFUSED)
def test_refused_early_and_by_the_function_itself_in_the_same_words(function, options, tmp_path):
    given = options if function in DRAWN else {"data_dir": tmp_path, "offline": True, **options}
    began = time.process_time()
    with pytest.raises(LazyRegimeError) as early:
        check_arguments(function, **given)
    assert time.process_time() - began < 0.5
    with pytest.raises(LazyRegimeError) as late:
        function(**given)
    assert str(early.value) == str(late.value)
    assert f"data.{list(options)[-1]}" in str(early.value) or "belongs" in str(early.value)


@pytest.mark.parametrize("function", [*STORED, *DRAWN])
def test_defaults_are_possible(function, tmp_path):
    check_arguments(function, **({} if function in DRAWN else {"data_dir": tmp_path}))
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_is_no_argument():
    with pytest.raises(LazyRegimeError, match="cannot be called so: got an unexpected keyword argument 'n_trian'"):
        check_arguments(sphere, n_trian=3)


def test_a_function_of_ones_own_may_have_a_check():
    def digits(n: int = 10) -> None:
        raise AssertionError("it must not be called")

    check_arguments(digits, n=-1)
    digits.check = lambda *, n: arguments.whole("n", n, 1)
    with pytest.raises(LazyRegimeError, match=r"data\.n=-1"):
        check_arguments(digits, n=-1)


def test_examples():
    assert doctest.testmod(arguments).failed == 0
