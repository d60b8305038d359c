"""The types of a configuration: what conf/ may say and a user may set. Groups that name a class are checked by it."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


# Choices are words in the result; an Enum lets the composition refuse another word, and list the right ones.
class Parameterization(Enum):
    """Init, multiplier and step of each layer."""

    standard = "standard"
    ntk = "ntk"
    mean_field = "mean_field"
    mup = "mup"
    unknown = "unknown"  # of a network whose layers do not say


class Schedule(Enum):
    """How the learning rate falls."""

    constant = "constant"
    linear = "linear"
    cosine = "cosine"
    plateau = "plateau"


class Select(Enum):
    """Which weights are measured."""

    last = "last"
    best = "best"


class Precision(Enum):
    """Of data and weights; bf16 is float32 with the products of training in bfloat16."""

    float32 = "float32"
    float64 = "float64"
    bf16 = "bf16"


class Strategy(Enum):
    """How several devices work on one run."""

    auto = "auto"
    ddp = "ddp"


class ProgressKind(Enum):
    """How a person sees progress."""

    auto = "auto"
    lines = "lines"
    none = "none"


class Protocol(Enum):
    """Of the kernel regression."""

    adh = "adh"
    poster = "poster"


class TrackingKind(Enum):
    """Where numbers go besides the run folder."""

    wandb = "wandb"
    tensorboard = "tensorboard"
    csv = "csv"


class WandbMode(Enum):
    """As wandb has them, and auto: online where logged in."""

    auto = "auto"
    online = "online"
    offline = "offline"
    disabled = "disabled"


@dataclass
class Trainer:
    """conf/trainer."""

    max_epochs: int = 5
    batch_size: int | None = 128
    schedule: Schedule = Schedule.linear
    monitor: str | None = None
    patience: int | None = None
    select: Select = Select.last
    precision: Precision = Precision.float32
    accelerator: str = "auto"
    devices: int = 1
    num_nodes: int = 1
    strategy: Strategy = Strategy.auto
    limit_batches: int | None = None
    profile: bool = False


@dataclass
class NTK:
    """conf/ntk."""

    enabled: bool = True
    anchors_per_class: int = 30
    n_test: int | None = None
    n_held_out: int | None = None
    protocol: Protocol = Protocol.adh
    ridge: float = 0.0
    at_epochs: list[int] = field(default_factory=list)
    at_loss_fractions: list[float] = field(default_factory=list)
    memory_budget: int | None = None
    block_rows: int = 2500


@dataclass
class Tracking:
    """conf/tracking."""

    kind: TrackingKind = TrackingKind.wandb
    project: str = "lazyregime"
    entity: str | None = None
    mode: WandbMode = WandbMode.auto


@dataclass
class CommonConfig:
    """conf/common.yaml: the keys of every command."""

    tracking: Tracking = field(default_factory=Tracking)
    seed: int = 0
    init_seed: int = 0
    data_seed: int = 0
    group: str = "default"
    name: str | None = None
    tags: list[str] = field(default_factory=list)
    data_dir: str = "data"
    runs_dir: str = "runs"
    rerun: bool = False
    progress: ProgressKind = ProgressKind.auto
    num_threads: int | None = None
    trust: Any = None


@dataclass
class TrainConfig(CommonConfig):
    """conf/train.yaml."""

    arch: Any = None
    data: Any = None
    loss: Any = None
    optimizer: Any = None
    regime: Any = None
    trainer: Trainer = field(default_factory=Trainer)
    ntk: NTK = field(default_factory=NTK)
    experiment: Any = None
    debug: Any = None

    width: int = 1024
    alpha: float | None = None
    laziness: float | None = None
    parameterization: Parameterization = Parameterization.standard
    lr: float = 1e-3
    batch_seed: int = 0
