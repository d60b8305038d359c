"""On what a run is computed: one device, several of a node, several nodes; and what cannot be."""

from importlib.metadata import version
from typing import Any

from lazyregime.app.compose.config import ConfigDict
from lazyregime.app.compose.hints import ConfigError, unknown_name

ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")


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
    if trainer["accelerator"] not in ACCELERATORS:
        raise ConfigError(
            unknown_name(
                f"trainer.accelerator={trainer['accelerator']} is not known", trainer["accelerator"], ACCELERATORS
            )
        )
    if trainer["precision"] == "bf16" and config["regime"]["centred"]:
        raise ConfigError(
            f"trainer.precision=bf16 is not safe in the {config['regime']['name']} regime: f - f0 is a small "
            "difference of numbers that are rounded to 3 digits; use trainer.precision=float32, or regime=regular."
        )
    count = num_processes(config)
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
    if not _is_here(trainer["accelerator"]):
        raise ConfigError(
            f"trainer.accelerator={trainer['accelerator']} is asked for, and this machine has none that torch "
            f"{version('torch')} can use; give trainer.accelerator=cpu, or auto, which takes what there is."
        )
    options: dict[str, Any] = {key: trainer[key] for key in ("accelerator", "devices", "num_nodes")}
    if trainer["precision"] == "bf16":
        options["precision"] = "bf16-mixed"
    if num_processes(config) > 1:
        from pytorch_lightning.strategies import DDPStrategy

        # The tangent model is trained by way of its delta: the network's own parameters stay out of the loss.
        unused = config["regime"]["linearized"]
        options["strategy"] = DDPStrategy(find_unused_parameters=unused, gradient_as_bucket_view=True)
    return options | {"plugins": _plugins()}


def _is_here(accelerator: str) -> bool:
    import torch

    if accelerator in ("gpu", "cuda"):
        return torch.cuda.is_available()
    return accelerator != "mps" or torch.backends.mps.is_available()


def _plugins() -> list[Any]:
    """Under srun, Lightning's SLURM environment, without its requeueing: LastCheckpoint and the launcher do that."""
    from pytorch_lightning.plugins.environments import SLURMEnvironment

    return [SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else []
