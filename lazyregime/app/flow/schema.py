"""The types of conf/flow.yaml and of its groups, so that a wrong key, word or number is one sentence."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from lazyregime.app.compose.schema import CommonConfig


@dataclass
class Target:
    """conf/target."""

    name: str = MISSING
    num_neurons: int | None = MISSING
    degree: int | None = MISSING
    inputs: str = MISSING
    delta: float | None = MISSING


@dataclass
class Init:
    """conf/init."""

    name: str = MISSING
    a_mean: float = MISSING
    a_std: float = MISSING
    w_std: float = MISSING
    centred: bool = MISSING
    paired: bool = MISSING


@dataclass
class Integrator:
    """conf/integrator."""

    name: str = MISSING
    rtol: float | None = MISSING
    atol: float | None = MISSING
    step: float | None = MISSING
    batch_size: int | None = MISSING


@dataclass
class Scaling:
    """conf/scaling."""

    mean_field: bool = MISSING
    ntk: bool = MISSING


@dataclass
class FlowConfig(CommonConfig):
    """conf/flow.yaml."""

    target: Target = field(default_factory=Target)
    init: Init = field(default_factory=Init)
    integrator: Integrator = field(default_factory=Integrator)
    scaling: Scaling = field(default_factory=Scaling)

    widths: list[int] = MISSING
    reference_width: int | None = MISSING
    num_seeds: int = MISSING
    activation: str = MISSING
    trained: str = MISSING
    in_features: int = MISSING
    n_samples: int = MISSING
    end_time: float = MISSING
    first_time: float = MISSING
    num_times: int = MISSING
    num_snapshots: int = MISSING
    r_max: float = MISSING
    num_cells: int = MISSING
    identities: bool | None = MISSING
