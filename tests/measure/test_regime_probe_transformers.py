"""The probe in a Trainer of Hugging Face: curves and verdict of a bare loop, and a model made of a configuration."""

import torch
from problem import small_data
from test_regime_probe import assert_as_in_a_bare_loop, made, probe_of
from torch import nn
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainerCallback, TrainingArguments

from lazyregime import RegimeProbe


class EachEpoch(TrainerCallback):
    """What docs/verdict.md shows."""

    def __init__(self, probe):
        self.probe = probe

    def on_epoch_end(self, args, state, control, **kwargs):
        self.probe.step()


class WithLoss(nn.Module):
    """As a Trainer wants it: a dictionary in, a dictionary with the loss out."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x, labels):
        outputs = self.network(x)
        return {"loss": nn.functional.cross_entropy(outputs, labels), "logits": outputs}


def fit(model, rows, folder, *, callbacks=(), lr=0.1, epochs=3):
    """Full-batch gradient descent by the Trainer."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    Trainer(
        model,
        TrainingArguments(
            str(folder), num_train_epochs=epochs, per_device_train_batch_size=len(rows), use_cpu=True, report_to="none",
            save_strategy="no", logging_strategy="no", disable_tqdm=True, max_grad_norm=0.0,
            remove_unused_columns=False, dataloader_pin_memory=False,
        ),
        train_dataset=rows,
        optimizers=(optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)),
        callbacks=list(callbacks),
    ).train()  # fmt: skip


def test_it_has_the_curves_and_the_verdict_of_a_bare_loop(tmp_path):
    data, theirs, bare = small_data(), made(), made()
    rows = [{"x": x, "labels": y} for x, y in zip(data.train_inputs, data.train_labels, strict=True)]
    probes = probe_of(theirs, draw=made), probe_of(bare, draw=made)
    fit(WithLoss(theirs), rows, tmp_path, callbacks=[EachEpoch(probes[0])])
    assert_as_in_a_bare_loop(probes[0], bare, probes[1])
    assert probes[0].warnings == []


class Logits(nn.Module):
    """Tokens to logits: what the probe looks at, of a model whose outputs are an object."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids):
        return self.model(ids).logits


def test_a_model_of_the_hub_is_watched_through_its_logits(tmp_path):
    """The class is whether token 1 is among the six; from a configuration, so that nothing is fetched."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=12, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=8, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, num_labels=2,
    )  # fmt: skip
    model = BertForSequenceClassification(config)
    ids = torch.randint(1, 12, (80, 6))
    labels = (ids == 1).any(1).long()
    probe = RegimeProbe(Logits(model), ids[:24], labels[:24])
    rows = [{"input_ids": x, "labels": y} for x, y in zip(ids[24:], labels[24:], strict=True)]
    fit(model, rows, tmp_path, callbacks=[EachEpoch(probe)], epochs=5)
    assert [row["kernel_angle"] > 0 for row in probe.curves] == [True] * 5
    assert probe.verdict().word in ("lazy", "in between", "feature learning")
    assert probe.warnings == []
