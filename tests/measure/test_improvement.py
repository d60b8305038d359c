"""The poster's schedule, patience and the best weights; checkpoints from which a run goes on exactly."""

import pytest
import torch
from problem import fit, recorder, small_data, small_regime

from lazyregime.data import Batches
from lazyregime.errors import LazyRegimeError
from lazyregime.lightning import pl
from lazyregime.measure.checkpoints import LastCheckpoint
from lazyregime.measure.improvement import Improvement
from lazyregime.regimes import evaluate
from lazyregime.runs.checkpoints import Checkpoints


def schedule(accuracies, patience):
    """The rate of each epoch and the number of epochs, by the rule as it is written."""
    best, waited, rate, rates = -1.0, 0, 1.0, []
    for accuracy in accuracies:
        rates.append(rate)
        if accuracy > best:
            best, waited = accuracy, 0
        else:
            waited, rate = waited + 1, rate / 2
        if waited == patience:
            break
    return rates


def test_the_rate_is_halved_and_training_stopped_as_the_poster_says(tmp_path):
    data = small_data()
    watch, rows = Improvement("test_accuracy", best=Checkpoints(tmp_path), patience=3, halve=True), recorder(data)
    module = small_regime(schedule="plateau")
    fit(module, data, [rows, watch], epochs=60)
    accuracies = [row["test_accuracy"] for row in rows.rows[1:]]
    rates = schedule(accuracies, 3)
    assert len(accuracies) == len(rates) < 60
    assert [row["learning_rate"] / 0.01 for row in rows.rows[1:]] == pytest.approx(rates)
    assert watch.best == max(accuracies)
    assert accuracies[watch.best_epoch - 1] == watch.best
    watch.restore_best(module)
    assert evaluate(module, data.test_inputs, data.test_labels)["accuracy"] == watch.best


def test_a_run_that_had_stopped_does_not_train_on(tmp_path):
    data = small_data()

    def run(resume):
        watch, rows = Improvement("test_accuracy", best=Checkpoints(tmp_path), patience=2, halve=True), recorder(data)
        module = small_regime(schedule="plateau")
        last = LastCheckpoint(Checkpoints(tmp_path))
        fit(module, data, [rows, watch, last], epochs=60, resume=resume)
        return rows.rows, module

    first, module = run(None)
    again, resumed = run(tmp_path / "last.ckpt")
    assert again == first
    for a, b in zip(module.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("schedule_", ["constant", "linear", "cosine"])
def test_a_resumed_run_is_the_undisturbed_one(schedule_, tmp_path):
    data = small_data()

    def run(epochs, resume=None, until=None):
        module, rows = small_regime(schedule=schedule_), recorder(data)
        stop = [Stop(until)] if until else []
        fit(module, data, [rows, *stop, LastCheckpoint(Checkpoints(tmp_path))], epochs=epochs, resume=resume)
        return rows.rows, [p.detach() for p in module.parameters()]

    rows, weights = run(6)
    run(6, until=3)
    resumed_rows, resumed = run(6, resume=tmp_path / "last.ckpt")
    assert [{**r, "seconds": 0} for r in resumed_rows] == [{**r, "seconds": 0} for r in rows]
    assert all(torch.equal(a, b) for a, b in zip(weights, resumed, strict=True))


def test_checkpoints_hold_plain_values_only(tmp_path):
    data = small_data()
    fit(small_regime(), data, [recorder(data), LastCheckpoint(Checkpoints(tmp_path))], epochs=1)
    torch.load(tmp_path / "last.ckpt", weights_only=True)


def test_the_order_of_an_epoch_depends_on_nothing_but_seed_and_epoch():
    data = small_data()

    def order(seed, epoch):
        batches = Batches(data.train_inputs, torch.arange(120), batch_size=50, seed=seed)
        batches.set_epoch(epoch)
        return torch.cat([labels for _, labels in batches])

    assert torch.equal(order(0, 2), order(0, 2))
    assert not torch.equal(order(0, 2), order(0, 3))
    assert not torch.equal(order(0, 2), order(1, 2))
    assert sorted(order(0, 2).tolist()) == list(range(120))
    assert len(Batches(data.train_inputs, data.train_labels, batch_size=50)) == 3
    assert len(Batches(data.train_inputs, data.train_labels, batch_size=50, limit=2)) == 2
    assert len(Batches(data.train_inputs, data.train_labels, batch_size=None)) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"monitor": "accuracy"}, "choose one of test_accuracy"),
        ({"monitor": "train_loss", "patience": 0}, "must be at least 1"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(LazyRegimeError, match=message):
        Improvement(**{"patience": None, "best": None, "halve": False, **options})


class Stop(pl.Callback):
    """Ends the fit after some epochs, as an interruption does."""

    def __init__(self, epochs):
        self.epochs = epochs

    def on_train_epoch_end(self, trainer, pl_module):
        if trainer.current_epoch + 1 >= self.epochs:
            trainer.should_stop = True
