"""Small float64 problems for the flows: points on which a few networks can be fitted."""

import torch

from lazyregime.gradient_flow import Flow, FlowProblem, FlowSettings, NetworkFunction
from lazyregime.networks import MLP, parameter_scales
from lazyregime.regimes import SoftHinge

N, D, WIDTH = 16, 4, 24
SETTINGS = FlowSettings(max_dgrad=1e-2, max_steps=150)


def points(seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(N, D, dtype=torch.float64, generator=generator)
    return x, (x[:, 0] + 0.5 * x[:, 1] > 0).long()


def network(seed=0, parameterization="ntk", activation="tanh", bias=True, width=WIDTH):
    torch.manual_seed(seed)
    return MLP(
        width, depth=2, in_features=D, n_outputs=1, activation=activation, parameterization=parameterization, bias=bias
    ).double()  # fmt: skip


def stacked(networks):
    return [torch.stack(ps).detach() for ps in zip(*(list(m.parameters()) for m in networks), strict=True)]


def rates(network):
    return [s.sgd_bias if name.endswith("bias") else s.sgd for name, s in parameter_scales(network).items()]


def problem(networks, alphas, *, loss=None, x=None, y=None, **options):
    points_, labels = points()
    x, labels = (points_ if x is None else x), (labels if y is None else y)
    initial = stacked(networks)
    function = NetworkFunction(networks[0], x, initial, rates=rates(networks[0]), **options)
    labels = labels if options.get("own_inputs") else labels.expand(len(networks), *labels.shape)
    return FlowProblem(function, labels, torch.tensor(alphas, dtype=torch.float64), loss or SoftHinge()), initial


def flow_to_the_end(problem_, start, settings=SETTINGS, **options):
    """The last snapshot of every member."""
    ends = {}
    flow = Flow(problem_, start, settings, **options)
    assert flow.run(lambda s: ends.__setitem__(s.member, s))
    return [ends[i] for i in sorted(ends)]
