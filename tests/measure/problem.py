"""A small classification problem, and a Trainer that says nothing."""

import contextlib

import torch

from lazyregime.data import Batches, ClassificationData
from lazyregime.lightning import pl
from lazyregime.measure.recorder import Recorder
from lazyregime.networks import MLP
from lazyregime.regimes import Adam, Regular


def small_data(n_train=120, n_test=40, dtype=torch.float64):
    """Three classes of noisy 5 x 5 pictures, in pixels that survive normalization exactly."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(n_train + n_test) % 3
    prototypes = torch.randint(0, 200, (3, 1, 5, 5), generator=generator)
    noise = torch.randint(0, 56, (n_train + n_test, 1, 5, 5), generator=generator)
    inputs = (((prototypes[labels] + noise) / 255).float() - 0.3).to(dtype) / 0.5
    nothing = slice(0, 0)
    return ClassificationData(
        "small", inputs[:n_train], labels[:n_train], inputs[nothing], labels[nothing], inputs[n_train:],
        labels[n_train:], n_outputs=3, mean=0.3, std=0.5,
    )  # fmt: skip


def small_network(width=16, seed=0):
    torch.manual_seed(seed)
    return MLP(width, depth=2, in_features=25, n_outputs=3).double()


def small_regime(**options):
    return Regular(small_network(), optimizer=options.pop("optimizer", Adam(lr=0.01)), **options)


def fit(module, data, callbacks, *, epochs=3, path=None, resume=None):
    """A Trainer over the data with these callbacks."""
    trainer = pl.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, callbacks=callbacks, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=path, enable_checkpointing=resume is not None or any(
            isinstance(c, pl.callbacks.Checkpoint) for c in callbacks
        ),
    )  # fmt: skip
    batches = Batches(data.train_inputs, data.train_labels, batch_size=20, seed=1)
    trainer.fit(module, train_dataloaders=batches, ckpt_path=resume, weights_only=True)
    return trainer


def recorder(data):
    return Recorder(data, lambda rows: None)


@contextlib.contextmanager
def no_progress(title):
    yield lambda done, total: None
