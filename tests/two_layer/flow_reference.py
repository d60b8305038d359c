"""The particle flow by its definition: -(N / (2 alpha^2)) grad R by autograd, nothing shared with the library."""

import torch

SIGMAS = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "gelu": torch.nn.functional.gelu,
    "silu": torch.nn.functional.silu,
    "softplus": torch.nn.functional.softplus,
    "erf": torch.erf,
    "quadratic": lambda z: z**2,
    "mmn18": lambda z: torch.where(z <= 0.5, -2.5, torch.where(z >= 1.5, 7.5, 10 * (z - 0.5) - 2.5)),
}


def output(theta, x, sigma, alpha):
    """f_{alpha,N}(x) of one cloud (N, 1 + d)."""
    return sum(a_w[0] * SIGMAS[sigma](x @ a_w[1:]) for a_w in theta) * alpha / len(theta)


def risk(theta, x, y, sigma, alpha):
    return ((y - output(theta, x, sigma, alpha)) ** 2).mean()


def velocity(theta, x, y, sigma, alpha):
    theta = theta.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(risk(theta, x, y, sigma, alpha), theta)
    return -len(theta) / (2 * alpha**2) * gradient


def kernel(theta, x, sigma):
    """(1/N) sum_j <grad sigma*(x; theta_j), grad sigma*(x'; theta_j)>."""
    total = torch.zeros(len(x), len(x), dtype=theta.dtype)
    for a_w in theta:
        rows = []
        for point in x:
            leaf = a_w.clone().requires_grad_()
            rows.append(torch.autograd.grad(leaf[0] * SIGMAS[sigma](leaf[1:] @ point), leaf)[0])
        total += torch.stack(rows) @ torch.stack(rows).T
    return total / len(theta)
