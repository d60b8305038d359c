"""On what a run is computed: one device, several of a node, several nodes; and what cannot be."""

from typing import TYPE_CHECKING, Any

from lazyregime.app.compose.config import ConfigDict
from lazyregime.app.compose.hints import ConfigError, unknown_name
from lazyregime.app.compose.system import memory_of_this_machine
from lazyregime.runs.clock import version_of

if TYPE_CHECKING:  # it takes seconds, and most of a command's life has no need of it
    import torch

DEVICES = ("auto", "cpu", "cuda")
ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")


def check_device(config: ConfigDict) -> None:
    """Refuse a device that is not known; whether it is there is seen where the run is computed.

    Raises:
        ConfigError: Naming those that are, or what contradicts it.
    """
    wanted, accelerator = config["device"], (config.get("trainer") or {}).get("accelerator", "auto")
    if wanted not in DEVICES:
        raise ConfigError(unknown_name(f"device={wanted} is not known", wanted, DEVICES))
    if accelerator not in ACCELERATORS:
        raise ConfigError(unknown_name(f"trainer.accelerator={accelerator} is not known", accelerator, ACCELERATORS))
    if "auto" not in (wanted, accelerator) and wanted != _kind(accelerator):
        raise ConfigError(
            f"device={wanted} and trainer.accelerator={accelerator} contradict each other; leave one of them out "
            "(trainer=cpu and trainer=gpu set the second)."
        )


def device_of(config: ConfigDict) -> "torch.device":
    """Where this process computes a run of any command.

    Raises:
        ConfigError: If it is not in this machine; the plan may have been made on another one.
    """
    import torch

    key, wanted = _asked(config)
    kind = _kind(wanted)
    if kind == "auto":
        return torch.device("cuda" if is_there("cuda") else "cpu")
    if not is_there(kind):
        raise ConfigError(
            f"{key}={wanted} is asked for, and this machine has none that torch {version_of('torch')} can use; give "
            "device=cpu, or device=auto, which takes what there is."
        )
    return torch.device(kind)


def is_there(kind: str) -> bool:
    """Whether torch can use such a device in this machine; the tests have machines of their own."""
    import torch

    if kind == "cuda":
        return torch.cuda.is_available()
    return kind == "cpu" or torch.backends.mps.is_available()


def memory_of(config: ConfigDict) -> tuple[float, str]:
    """Bytes of the device on which a run would be computed here, and whose they are in words."""
    kind = _kind(_asked(config)[1])
    if kind in ("auto", "cuda") and is_there("cuda"):
        return _memory_of_gpu(), "its GPU"
    return memory_of_this_machine(), "this machine"


def _memory_of_gpu() -> float:
    import torch

    return float(torch.cuda.get_device_properties(0).total_memory)


def _asked(config: ConfigDict) -> tuple[str, str]:
    """The key that decides, and what it says: trainer.accelerator follows device unless it was set by itself."""
    accelerator = (config.get("trainer") or {}).get("accelerator")
    if accelerator in (None, config["device"]):
        return "device", config["device"]
    return "trainer.accelerator", accelerator


def _kind(accelerator: str) -> str:
    return "cuda" if accelerator == "gpu" else accelerator


def num_processes(config: ConfigDict) -> int:
    """How many processes work on one run; 1 for commands that have no trainer."""
    trainer = config.get("trainer") or {}
    return trainer.get("devices", 1) * trainer.get("num_nodes", 1)


def check_devices(config: ConfigDict) -> None:
    """Refuse what would be wrong or would hang.

    Raises:
        ConfigError: A sentence about the first thing that is wrong.
    """
    trainer = config["trainer"]
    if trainer["precision"] == "bf16" and config["regime"]["centred"]:
        raise ConfigError(
            f"trainer.precision=bf16 is not safe in the {config['regime']['name']} regime: f - f0 is a small "
            "difference of numbers that are rounded to 3 digits; use trainer.precision=float32, or regime=regular."
        )
    count = num_processes(config)
    if config["optimizer"]["name"] == "gradient_flow" and trainer["accelerator"] == "mps":
        raise ConfigError("optimizer=gradient_flow judges its steps in float64, which mps has not; give device=cpu.")
    if count == 1:
        if trainer["strategy"] == "ddp":
            raise ConfigError(
                "trainer.strategy=ddp is for several processes, and there is one; set trainer.devices or "
                "trainer.num_nodes, or leave out trainer.strategy."
            )
        return
    if config["optimizer"]["name"] == "gradient_flow":
        raise ConfigError(
            f"optimizer=gradient_flow takes one device, not {count}: each of its steps is judged on all the data; set "
            "trainer.devices=1 trainer.num_nodes=1."
        )
    if trainer["batch_size"] is not None and trainer["batch_size"] < count:
        raise ConfigError(
            f"trainer.batch_size={trainer['batch_size']} cannot be divided among {count} processes "
            "(trainer.devices x trainer.num_nodes); use a batch of at least that size."
        )


def trainer_options(config: ConfigDict) -> dict[str, Any]:
    """What Lightning's Trainer is told of devices, processes and precision.

    Raises:
        ConfigError: If the accelerator is not in this machine; the plan may have been made on another one.
    """
    trainer = config["trainer"]
    device_of(config)
    options: dict[str, Any] = {key: trainer[key] for key in ("accelerator", "devices", "num_nodes")}
    if trainer["precision"] == "bf16":
        options["precision"] = "bf16-mixed"
    if num_processes(config) > 1:
        from pytorch_lightning.strategies import DDPStrategy

        # The tangent model is trained by way of its delta: the network's own parameters stay out of the loss.
        unused = config["regime"]["linearized"]
        options["strategy"] = DDPStrategy(find_unused_parameters=unused, gradient_as_bucket_view=True)
    return options | {"plugins": _plugins()}


def _plugins() -> list[Any]:
    """Under srun, Lightning's SLURM environment, without its requeueing: LastCheckpoint and the launcher do that."""
    from pytorch_lightning.plugins.environments import SLURMEnvironment

    return [SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else []
