"""One flow, three ways, from the same weights on the same data: a training run, the particles, and scipy."""

import numpy as np
import torch
from flow_reference import velocity
from scipy.integrate import solve_ivp

import lazyregime
from lazyregime.app.compose.build import build_network, load_data
from lazyregime.app.train.command import TRAIN
from lazyregime.reports.reading.folder import read_kernels
from lazyregime.two_layer import DormandPrince, ParticleField

WIDTH, END = 12, 2.0
OVERRIDES = [
    *("arch=two_layer", "arch.activation=tanh", f"width={WIDTH}", "parameterization=mean_field"),
    *("data=teacher_student", "data.scale=30", "data.n_train=15", "data.n_test=5", "loss=mse"),
    *("regime=scaled", "alpha=1", "optimizer=gradient_flow", f"optimizer.max_time={END}", "optimizer.margin=null"),
    *("optimizer.max_dgrad=1e-8", "optimizer.max_dout=1e-3", "optimizer.initial_step=1e-3", "ntk=none", "tracking=csv"),
]


def particles(state) -> torch.Tensor:
    """(a, w) of each hidden unit, from the weights of a `TwoLayer`."""
    w, a = [value for value in state.values() if value.ndim == 2]
    return torch.cat([a.T, w], 1)


def test_training_particles_and_scipy_agree(runs_dir):
    """The regime is centred, so the targets of the flow are y + f_0; w sees x / sqrt(d); dL = u^2 / 2."""
    config = TRAIN.source.compose_job(OVERRIDES)
    start = particles(build_network(config).state_dict())
    data = load_data(config)
    x, y = data.train_inputs.double() / 100**0.5, data.train_labels.double()[:, 0]
    y = y + ParticleField(x, y, activation="tanh").output(start[None])[0]
    flowed = DormandPrince(1e-10, 1e-12).run(
        ParticleField(x, y, activation="tanh"), start[None], [0.0, END], lambda *_: None
    )[0]

    def slope(_, flat):
        return velocity(torch.from_numpy(flat).view_as(start), x, y, "tanh", 1.0).numpy().ravel()

    other = solve_ivp(slope, (0, END), start.numpy().ravel(), method="DOP853", rtol=1e-11, atol=1e-13).y[:, -1]
    np.testing.assert_allclose(flowed.numpy().ravel(), other, rtol=0, atol=1e-8)
    assert float((flowed - start).norm()) > 0.1
    lazyregime.run(*OVERRIDES, quiet=True)
    test = ParticleField(data.test_inputs.double() / 100**0.5, data.test_labels.double()[:, 0], activation="tanh")
    expected = (test.output(flowed[None]) - test.output(start[None]))[0]
    outputs = torch.from_numpy(read_kernels(TRAIN.folder(config).kernels)["test_outputs"]).reshape(-1)
    # the training's steps are Euler's: their error is of the order of a step, some 1e-3
    assert float((outputs - expected).norm() / expected.norm()) < 5e-3
