"""The types of conf/flow.yaml and of its groups, so that a wrong key, word or number is one sentence."""

from dataclasses import dataclass, field

from lazyregime.app.compose.schema import CommonConfig


@dataclass
class Target:
    """conf/target."""

    name: str = "teacher"
    num_neurons: int | None = None
    degree: int | None = None
    inputs: str = "sphere"
    delta: float | None = None


@dataclass
class Init:
    """conf/init."""

    name: str = "antisymmetric"
    a_mean: float = 0.0
    a_std: float = 1.0
    w_std: float = 1.0
    centred: bool = False
    paired: bool = False


@dataclass
class Integrator:
    """conf/integrator."""

    name: str = "adaptive"
    rtol: float | None = None
    atol: float | None = None
    step: float | None = None
    batch_size: int | None = None


@dataclass
class Scaling:
    """conf/scaling."""

    mean_field: bool = True
    ntk: bool = True


@dataclass
class FlowConfig(CommonConfig):
    """conf/flow.yaml."""

    target: Target = field(default_factory=Target)
    init: Init = field(default_factory=Init)
    integrator: Integrator = field(default_factory=Integrator)
    scaling: Scaling = field(default_factory=Scaling)

    widths: list[int] = field(default_factory=list)
    reference_width: int | None = None
    num_seeds: int = 4
    activation: str = "tanh"
    trained: str = "both"
    in_features: int = 10
    n_samples: int = 100
    end_time: float = 60.0
    first_time: float = 0.1
    num_times: int = 25
    num_snapshots: int = 5
    r_max: float = 2.5
    num_cells: int = 1600
    identities: bool | None = None
