"""The teacher-student data against the definition."""

import pytest
import torch

from lazyregime.data import teacher_student
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


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"n_test": 0}, "data.n_test=0"),
        ({"scale": float("nan")}, "data.scale=nan"),
        ({"data_seed": -1}, "data_seed=-1"),
    ],
)
def test_what_cannot_be_is_refused(options, says):
    with pytest.raises(LazyRegimeError, match=says):
        teacher_student(**options)
