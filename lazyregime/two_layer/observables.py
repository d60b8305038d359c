r"""What is seen of particles: how far each moved, and the marginals of their distribution as densities."""

import torch
from jaxtyping import Float
from torch import Tensor


def displacement(theta_0: Float[Tensor, "s h p"], theta: Float[Tensor, "s h p"]) -> Float[Tensor, " s"]:
    """sqrt((1/N) sum_j |theta_j - theta_j(0)|^2) of each seed."""
    return (theta - theta_0).square().sum(-1).mean(-1).sqrt()


def marginals(
    theta: Float[Tensor, "s h p"], directions: Float[Tensor, "m d"] | None = None
) -> dict[str, Float[Tensor, "s h"]]:
    """||w||, a, and the alignment max_i |<w, beta_i>| / ||w|| with the teacher's unit directions, of each particle."""
    w = theta[..., 1:]
    norms = w.norm(dim=-1)
    columns = {"norm": norms, "a": theta[..., 0]}
    if directions is not None:
        columns["alignment"] = (w @ directions.T).abs().amax(-1) / norms.clamp_min(1e-300)
    return columns


def density(
    samples: Float[Tensor, " k"], *, num_bins: int = 60, low: float | None = None, high: float | None = None
) -> tuple[Float[Tensor, " e"], Float[Tensor, " b"]]:
    """A histogram of unit area: its edges, and the density in each bin."""
    bottom = float(samples.min()) if low is None else low
    top = float(samples.max()) if high is None else high
    edges = torch.linspace(bottom, max(top, bottom + 1e-9), num_bins + 1, dtype=samples.dtype)
    counts = torch.histogram(samples, edges).hist
    return edges, counts / (len(samples) * (edges[1] - edges[0]))
