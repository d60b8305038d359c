"""What is printed while a real Trainer trains a tiny network, and what a step of it costs."""

import re
import time
from typing import Any

import pytest
import torch

from lazyregime.app.console import Console
from lazyregime.app.train import progress as progress_module
from lazyregime.app.train.progress import TrainingProgress
from lazyregime.lightning import pl


class Tiny(pl.LightningModule):
    """One weight; logs what the regimes log."""

    def __init__(self, fails_at: int | None = None, accuracy: float = 0.5) -> None:
        super().__init__()
        self.layer, self.fails_at, self.accuracy = torch.nn.Linear(1, 1), fails_at, accuracy

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        if self.global_step == self.fails_at:
            raise RuntimeError("the loss is NaN")
        loss = self.layer(batch[0]).square().mean()
        self.log("train_loss", loss.detach() * 0 + 0.25, on_epoch=True, on_step=False)
        self.log("test_loss", 0.125, on_epoch=True, on_step=False)
        self.log("test_accuracy", self.accuracy, on_epoch=True, on_step=False)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class OnATerminal(Console):
    """A console that believes it has a terminal, and keeps what it would show."""

    def __init__(self) -> None:
        super().__init__()
        self.bars, self.shows_progress, self.shown, self.said = True, True, [], []

    def progress(self, description: str, total: int | None = None) -> Any:
        import contextlib

        @contextlib.contextmanager
        def bar():
            self.shown.append((description, total))
            yield lambda done, status="": self.shown.append((done, status))
            self.shown.append("closed")

        return bar()

    def say(self, text: str = "") -> None:
        self.said.append(text)


def fit(
    callback: pl.Callback, epochs: int = 2, module: pl.LightningModule | None = None, **settings: Any
) -> pl.Trainer:
    data = torch.utils.data.TensorDataset(torch.ones(8, 1))
    trainer = pl.Trainer(
        max_epochs=epochs, logger=False, enable_checkpointing=False, enable_progress_bar=False, callbacks=[callback],
        enable_model_summary=False, accelerator="cpu", **settings,
    )  # fmt: skip
    trainer.fit(module or Tiny(), torch.utils.data.DataLoader(data, batch_size=2))
    return trainer


pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers.*"),
    pytest.mark.filterwarnings("ignore:.*srun.*"),
]


def test_without_a_terminal_there_is_a_line_an_epoch(capsys):
    fit(TrainingProgress(Console()))
    first, second = capsys.readouterr().out.splitlines()
    seconds = r"\d+ s"  # of a machine that may be busy
    metrics = "train loss 0.2500, test accuracy 0.5000"
    assert re.fullmatch(f"epoch 1/2: {metrics}, {seconds}, about {seconds} left", first)
    assert re.fullmatch(f"epoch 2/2: {metrics}, {seconds}", second)


def test_where_targets_are_no_classes_the_test_loss_is_shown(capsys):
    fit(TrainingProgress(Console()), epochs=1, module=Tiny(accuracy=float("nan")))
    assert capsys.readouterr().out.startswith("epoch 1/1: train loss 0.2500, test loss 0.1250, ")


def test_a_long_epoch_has_lines_within(capsys, monkeypatch):
    monkeypatch.setattr(progress_module, "_LINE_SECONDS", 0.0)
    fit(TrainingProgress(Console()), epochs=1)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[:2] for line in lines[:4]] == [["epoch 1/1", f" {p}%"] for p in (25, 50, 75, 100)]
    assert re.search(r"about \d+ s left", lines[0])
    assert len(lines) == 5


def test_on_a_terminal_the_bar_covers_all_epochs(monkeypatch):
    monkeypatch.setattr(progress_module, "_LOOK_SECONDS", 0.0)
    console = OnATerminal()
    fit(TrainingProgress(console), epochs=2)
    assert console.shown[0] == ("Training", 8) and console.shown[-1] == "closed"
    updates = console.shown[1:-1]
    assert [done for done, _ in updates] == list(range(1, 9))
    assert updates[0][1].startswith("epoch 1/2, ") and updates[0][1].endswith(" steps/s")
    assert updates[-1][1].startswith("epoch 2/2, ")
    assert updates[-1][1].endswith(" steps/s, train loss 0.2500, test accuracy 0.5000")
    assert console.said == ["Trained 8 steps in 0 s: train loss 0.2500, test accuracy 0.5000"]


def test_the_total_is_what_stops_first():
    console = OnATerminal()
    fit(TrainingProgress(console), epochs=5, max_steps=6)
    assert console.shown[0] == ("Training", 6)
    console = OnATerminal()
    fit(TrainingProgress(console), epochs=-1, max_steps=3)
    assert console.shown[0] == ("Training", 3)


def test_the_bar_is_taken_away_when_training_fails():
    console = OnATerminal()
    with pytest.raises(RuntimeError, match="NaN"):
        fit(TrainingProgress(console), module=Tiny(fails_at=2))
    assert console.shown[-1] == "closed" and console.said == []


@pytest.mark.parametrize("console", [Console(), OnATerminal()])
def test_a_step_costs_less_than_twenty_microseconds(console):
    callback = TrainingProgress(console)
    trainer: Any = pl.Trainer(max_epochs=3, logger=False, enable_checkpointing=False, enable_progress_bar=False)
    start_hook = TrainingProgress.on_train_start
    step_hook = TrainingProgress.on_train_batch_end
    while hasattr(step_hook, "__wrapped__"):  # without the type checks that pytest adds
        step_hook, start_hook = step_hook.__wrapped__, start_hook.__wrapped__
    start_hook(callback, trainer, None)
    start = time.process_time()
    for index in range(20_000):
        step_hook(callback, trainer, None, None, None, index)
    cost = (time.process_time() - start) / 20_000
    callback._open.close()
    print(f"{cost * 1e6:.2f} microseconds a step")
    assert cost < 20e-6
