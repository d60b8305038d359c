"""What Lightning logs goes to the run's tracking; Lightning's own wandb logger is left out, with its warnings."""

# ruff: noqa: I001
from argparse import Namespace
from collections.abc import Callable
from typing import Any, final

from typing_extensions import override

from lazyregime.lightning import pl  # first: it makes Lightning importable

from pytorch_lightning.loggers.logger import Logger

__all__ = ["TrackingLogger", "pl"]


@final
class TrackingLogger(Logger):
    """Hands a Trainer's rows on; a Trainer has it in its first process only."""

    def __init__(self, log_scalars: Callable[[dict[str, Any], int], None]) -> None:
        super().__init__()
        self._log_scalars = log_scalars

    @property
    @override
    def name(self) -> str:
        return "lazyregime"

    @property
    @override
    def version(self) -> str:
        return ""

    @override
    def log_metrics(self, metrics: dict[str, Any], step: int | None = None) -> None:
        self._log_scalars(metrics, 0 if step is None else step)

    @override
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Nothing: the tracking has the configuration already."""
