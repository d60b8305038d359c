"""The types of a configuration: what conf/ may say and a user may set. Groups that name a class are checked by it.

The default of a key stands in conf/ and nowhere else; here it is MISSING, or None where only some files have the key.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from omegaconf import MISSING


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
    inverse = "inverse"
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

    max_epochs: int = MISSING
    batch_size: int | None = MISSING
    schedule: Schedule = MISSING
    monitor: str | None = MISSING
    patience: int | None = MISSING
    diverged_above: float | None = MISSING
    select: Select = MISSING
    precision: Precision = MISSING
    accelerator: str = MISSING
    devices: int = MISSING
    num_nodes: int = MISSING
    strategy: Strategy = MISSING
    limit_batches: int | None = MISSING
    profile: bool = MISSING


@dataclass
class At:
    """When the probe looks in between."""

    epochs: list[int] = MISSING
    steps: list[int] = MISSING
    per_decade: int | None = MISSING
    loss_fractions: list[float] = MISSING


@dataclass
class NTK:
    """conf/ntk."""

    enabled: bool = MISSING
    anchors_per_class: int = MISSING
    n_test: int | None = MISSING
    n_held_out: int | None = MISSING
    null: int | None = MISSING
    protocol: Protocol = MISSING
    ridge: float = MISSING
    at: At = field(default_factory=At)
    per_layer: bool | None = MISSING
    memory_budget: int | None = MISSING
    block_rows: int = MISSING


@dataclass
class Tracking:
    """conf/tracking."""

    kind: TrackingKind = MISSING
    project: str | None = None  # these four of wandb alone
    entity: str | None = None
    mode: WandbMode | None = None
    artifacts: bool | None = None


@dataclass
class CommonConfig:
    """conf/common.yaml: the keys of every command."""

    tracking: Tracking = field(default_factory=Tracking)
    seed: int = MISSING
    init_seed: int = MISSING
    data_seed: int = MISSING
    group: str = MISSING
    name: str | None = MISSING
    tags: list[str] = MISSING
    data_dir: str = MISSING
    runs_dir: str = MISSING
    rerun: bool = MISSING
    progress: ProgressKind = MISSING
    device: str = MISSING
    num_threads: int | None = MISSING
    trust: Any = MISSING


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

    width: int | None = MISSING  # null: the network of one's own decides
    alpha: float | None = MISSING
    laziness: float | None = MISSING
    parameterization: Parameterization = MISSING
    lr: float = MISSING
    batch_seed: int = MISSING
