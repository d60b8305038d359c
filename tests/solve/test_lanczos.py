"""The largest eigenvalue against NumPy's, with the vectors kept or not, of either sign."""

import numpy as np
import pytest
import torch

from lazyregime.solve.lanczos import largest_eigenvalue


@pytest.mark.parametrize("reorthogonalize", [True, False])
def test_it_is_that_of_a_full_decomposition(reorthogonalize):
    a = torch.randn(300, 300, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    a = a + a.T  # its smallest eigenvalue is as large as its largest
    found = largest_eigenvalue(lambda v: a @ v, a, tolerance=1e-3, reorthogonalize=reorthogonalize)
    assert found == pytest.approx(np.linalg.eigvalsh(a.numpy())[-1], rel=1e-4)


def test_copies_of_an_eigenvalue_do_no_harm():
    """300 iterations at rank 200 without reorthogonalization, in float32."""
    q = torch.linalg.qr(torch.randn(200, 200, generator=torch.Generator().manual_seed(1)))[0]
    a = (q * torch.logspace(2, -4, 200)) @ q.T
    found = largest_eigenvalue(lambda v: a @ v, a[0], num_iterations=300, tolerance=0.0, reorthogonalize=False)
    assert found == pytest.approx(100, rel=1e-4)
