"""F(x) = alpha h(x) trained on l(F, y) / alpha^2, where h is the network, f - f0, or the tangent model J(w0) (w - w0).

[COB19, section 1.1] for the scaling; the regimes differ in h and alpha only, which is their `choice`.
"""

import math
from typing import Any, ClassVar, cast

import torch
import torch.distributed as dist
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from lazyregime import gradient_flow
from lazyregime.data import Batches
from lazyregime.errors import LazyRegimeError
from lazyregime.lightning import pl
from lazyregime.networks import Centred, Linearized, check_scales, parameter_scales
from lazyregime.regimes.choice import Choice
from lazyregime.regimes.laziness import check_alpha
from lazyregime.regimes.losses import AbstractLoss, CrossEntropy, Labels, num_correct
from lazyregime.regimes.optimizers import AbstractOptimizer, Adam

SCHEDULES = ("constant", "linear", "cosine", "inverse", "plateau")
CHECK_EVERY = 50  # steps between two looks for a loss that is not finite: a look waits for the device


class AbstractRegime(pl.LightningModule):
    """What every regime shares: the alpha head, the loss over alpha^2, the co-scaled optimizer, the epoch's sums.

    Args:
        network: f(x; w) at its initialization w0.
        alpha: Output scale; positive. For this and the next two None leaves it to the regime.
        centred: Subtract f(x; w0).
        linearized: Replace f by its tangent model at w0 (which is centred by construction).
        loss: l(F, y).
        optimizer: The recipe of the steps.
        schedule: constant, linear or cosine (both to zero), inverse (lr / (1 + e / 3) in epoch e = 0, 1, .., that
            of [COB19]), or plateau (steered by a callback).

    Raises:
        LazyRegimeError: If alpha cannot be, the choices contradict each other, or the network's scales do.
    """

    choice: ClassVar[Choice]

    def __init__(
        self,
        network: nn.Module,
        *,
        alpha: float | None = None,
        centred: bool | None = None,
        linearized: bool | None = None,
        loss: AbstractLoss | None = None,
        optimizer: AbstractOptimizer | None = None,
        schedule: str = "constant",
    ) -> None:
        super().__init__()
        alpha = self.choice.alpha(alpha, network)
        centred = self.choice.centred if centred is None else centred
        linearized = self.choice.linearize(linearized)
        check_alpha(alpha)
        check_scales(network)
        if linearized and not centred:
            raise LazyRegimeError(
                "regime.linearized=true with regime.centred=false is a contradiction: the tangent model is "
                "J(w0) (w - w0), which starts at zero; set regime.centred=true, or regime.linearized=false."
            )
        if schedule not in SCHEDULES:
            raise LazyRegimeError(f"schedule={schedule!r} is not known; choose one of {', '.join(SCHEDULES)}.")
        self.network = network
        self.function = _function(network, centred=centred, linearized=linearized)
        self.alpha, self.centred, self.linearized = float(alpha), centred, linearized
        self.loss, self.optimizer = loss or CrossEntropy(), optimizer or Adam()
        self.schedule = schedule
        self.latest_outputs: Tensor | None = None  # of the latest training step
        self.latest_loss: Tensor | None = None  # of it too, not divided by alpha^2
        self._sums: Tensor | None = None  # loss, correct predictions, samples of this epoch
        self._bad_step: Tensor | None = None  # the first step whose loss was not finite; -1 if there was none
        self._steps_before, self._num_steps = 0, 0  # of earlier processes, and of this one

    @property
    def trained(self) -> nn.Module:
        """The function whose gradients make the kernel: the tangent model where linearized, else the network."""
        return self.function if self.linearized else self.network

    def forward(self, x: Shaped[Tensor, "n *d"]) -> Float[Tensor, "n k"]:
        """F(x) = alpha h(x)."""
        outputs = self.function(x)
        return outputs if self.alpha == 1 else self.alpha * outputs

    def objective(
        self, outputs: Float[Tensor, "n k"], initial: Float[Tensor, "n k"], labels: Labels
    ) -> Float[Tensor, ""]:
        """l(F, y) / alpha^2 from the network's outputs now and at w0."""
        return self.loss(self.alpha * (outputs - initial if self.centred else outputs), labels) / self.alpha**2

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """l(F, y) / alpha^2."""
        x, y = batch
        outputs = self(x)
        loss = self.loss(outputs, y)
        self.latest_outputs = detached = outputs.detach()
        self.latest_loss = loss.detach()
        self._count(detached, y, self.latest_loss)
        if batch_idx % CHECK_EVERY == 0:
            self.check_finite()
        return loss / (self.alpha**2 / self._weight(len(y), batch_idx))

    def configure_optimizers(self) -> Any:
        """The co-scaled optimizer, and its schedule, by step or by epoch."""
        optimizer = self.optimizer.build(self.scaled_parameters(), alpha=self.alpha)
        if isinstance(optimizer, gradient_flow.GradientFlow):  # it bounds the change of the outputs too
            optimizer.outputs = lambda: cast(Tensor, self.latest_outputs)
        if self.schedule in ("constant", "plateau"):
            return optimizer
        if self.schedule == "inverse":
            by_epoch = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch / 3))
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": by_epoch, "interval": "epoch"}}
        steps = float(self.trainer.estimated_stepping_batches)

        def factor(step: int) -> float:
            left = max(0.0, 1.0 - step / steps)
            return left if self.schedule == "linear" else 0.5 * (1 - math.cos(math.pi * left))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def epoch_means(self) -> dict[str, float]:
        """Mean training loss and accuracy of the epoch so far, and begin anew."""
        self.check_finite()
        assert self._sums is not None, "no step was taken"
        if dist.is_initialized():
            dist.all_reduce(self._sums)
        loss, correct, count = self._sums.tolist()
        self._sums = None
        return {"train_loss": loss / count, "train_accuracy": correct / count}

    def check_finite(self) -> None:
        """Stop at a loss that was not finite.

        Raises:
            LazyRegimeError: Naming the first such step, alpha, the learning rate and the width.
        """
        step = self._first_bad_step()
        if step is None:
            return
        lr = getattr(self.optimizer, "lr", None)
        width = getattr(self.network, "width", None)
        raise LazyRegimeError(
            f"The training loss was not finite at step {step} (alpha={self.alpha:g}, lr={lr}, width={width}); "
            "use a smaller lr, or trainer.precision=float64 if alpha is large."
        )

    def on_train_start(self) -> None:
        """Count steps from those of the checkpoint."""
        self._steps_before, self._num_steps = self.trainer.global_step, 0

    def on_train_epoch_start(self) -> None:
        """Begin the epoch's sums anew."""
        self._sums = None

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the epoch's sums, a row a process: added up already, the mean could differ in its last digit."""
        checkpoint["epoch_sums"] = None if self._sums is None else _of_each_process(self._sums)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with the sums of an epoch that was left in the middle."""
        rows = checkpoint.get("epoch_sums")
        if rows is not None and len(rows) != self.trainer.world_size:  # the first process takes all
            rows = torch.stack([rows.sum(0), *[torch.zeros_like(rows[0])] * (self.trainer.world_size - 1)])
        self._sums = None if rows is None else rows[self.trainer.global_rank]

    def _weight(self, count: int, batch_idx: int) -> float:
        """Of a process's mean in the plain mean over processes, which are to give the mean over samples: 1 for one."""
        trainer = self._trainer
        if trainer is None or trainer.world_size == 1:
            return 1.0
        batches = trainer.train_dataloader
        assert isinstance(batches, Batches)
        return count * trainer.world_size / batches.num_samples(batch_idx)

    def _first_bad_step(self) -> int | None:
        if self._bad_step is None:
            return None
        bad = torch.where(self._bad_step < 0, torch.iinfo(torch.int64).max, self._bad_step)
        if dist.is_initialized():  # all processes stop, or none
            dist.all_reduce(bad, op=dist.ReduceOp.MIN)
        return None if int(bad) == torch.iinfo(torch.int64).max else int(bad)

    @torch.no_grad()
    def _count(self, outputs: Tensor, labels: Tensor, loss: Tensor) -> None:
        n = labels.shape[0]
        correct = num_correct(outputs, labels)
        sums = torch.stack([loss.double() * n, correct.double(), torch.full_like(loss, n, dtype=torch.float64)])
        self._sums = sums if self._sums is None else self._sums + sums
        bad = torch.where(torch.isfinite(loss), -1, self._steps_before + self._num_steps)
        self._bad_step = bad if self._bad_step is None else torch.where(self._bad_step < 0, bad, self._bad_step)
        self._num_steps += 1

    def scaled_parameters(self) -> list[tuple[str, nn.Parameter, Any]]:
        """What is trained, by the names of the network's own parameters, with the scales of their steps."""
        # The tangent model's parameters stand in the order of the network's, under other names.
        scales = parameter_scales(self.network)
        named = [(name, scales[name]) for name, _ in self.network.named_parameters()]
        parameters = self.function.delta if isinstance(self.function, Linearized) else self.network.parameters()
        return [(name, p, scale) for (name, scale), p in zip(named, parameters, strict=True)]


def _of_each_process(values: Tensor) -> Tensor:
    """A row a process, in all of them."""
    if not dist.is_initialized():
        return values[None]
    rows = values.new_zeros(dist.get_world_size(), *values.shape)
    rows[dist.get_rank()] = values
    dist.all_reduce(rows)
    return rows


def _function(network: nn.Module, *, centred: bool, linearized: bool) -> nn.Module:
    if linearized:
        return Linearized(network)
    return Centred(network) if centred else network


@torch.no_grad()
def evaluate(
    module: AbstractRegime,
    inputs: Shaped[Tensor, "n *d"],
    labels: Labels,
    *,
    chunk: int = 2000,
) -> dict[str, float]:
    """Mean loss (not divided by alpha^2) and accuracy of F on these points; nan for real targets."""
    loss, correct = 0.0, 0.0
    for x, y in zip(inputs.split(chunk), labels.split(chunk), strict=True):
        outputs = module(x)
        loss += float(module.loss(outputs, y)) * len(y)
        correct += float(num_correct(outputs, y))
    return {"loss": loss / len(labels), "accuracy": correct / len(labels)}
