"""Each metric against its definition, computed another way, in NumPy."""

import importlib

import numpy as np
import pytest
import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.measure import Moment, metric_words
from lazyregime.measure.measuring import measured
from lazyregime.measure.metric import Metric
from lazyregime.measure.metrics import all_metrics, explanation
from lazyregime.measure.words import metric_rows

METRICS = {metric.name: metric for metric in all_metrics()}


def kernel(seed, n=12, features=30, shift=2.0):
    """Of points that have something in common, as images have."""
    x = np.random.default_rng(seed).normal(size=(n, features)) + shift
    return x @ x.T


def moment(seed, **others):
    return Moment(
        gram=torch.from_numpy(kernel(seed)), held_out=torch.from_numpy(kernel(seed + 100, n=9)),
        labels=torch.arange(12) % 3, **others,
    )  # fmt: skip


def value(name, now, first=None):
    return METRICS[name].compute(now, first)


def test_every_file_has_its_metric_under_its_name_and_explains_it():
    assert len(METRICS) >= 9
    for name, metric in METRICS.items():
        module = importlib.import_module(f"lazyregime.measure.metrics.{name}")
        assert module.METRIC is metric
        assert len(explanation(metric)) > 40
        assert metric.words in metric_words().values()
        assert format(0.5, metric.form)


def test_the_angle_is_what_no_multiple_of_the_first_kernel_explains():
    first, now = moment(0), moment(1)
    a, b = kernel(0).ravel(), kernel(1).ravel()
    (_,), (residual,), *_ = np.linalg.lstsq(a[:, None], b, rcond=None)
    sine = value("kernel_angle", now, first)
    assert sine == pytest.approx(np.sqrt(residual) / np.linalg.norm(b), rel=1e-10)
    # and with the distance it is one angle
    assert np.hypot(sine, 1 - value("kernel_distance", now, first)) == pytest.approx(1, rel=1e-12)
    grown = Moment(gram=7 * first.gram)
    assert value("kernel_angle", grown, first) < 1e-15
    assert value("kernel_change", grown, first) == pytest.approx(6)


def test_a_small_angle_is_not_lost_in_rounding():
    first = moment(0)
    across = torch.from_numpy(kernel(1))
    across = across - (across * first.gram).sum() / first.gram.square().sum() * first.gram
    now = Moment(gram=first.gram + 1e-9 * across / across.norm() * first.gram.norm())
    assert value("kernel_angle", now, first) == pytest.approx(1e-9, rel=1e-5)


def test_cka_is_the_cosine_of_centred_kernels_on_points_that_were_not_trained_on():
    first, now = moment(0), moment(1)
    h = np.eye(9) - np.ones((9, 9)) / 9
    a, b = h @ kernel(100, n=9) @ h, h @ kernel(101, n=9) @ h
    expected = 1 - np.trace(a @ b) / np.sqrt(np.trace(a @ a) * np.trace(b @ b))
    assert value("kernel_cka", now, first) == pytest.approx(expected, rel=1e-10)
    # what is common to all points does not count, and it is most of these kernels
    shifted = Moment(held_out=first.held_out + 1000.0)
    assert value("kernel_cka", shifted, first) < 1e-12
    assert value("kernel_cka", first, first) == 0
    assert expected > 3 * value("kernel_distance", Moment(gram=now.held_out), Moment(gram=first.held_out))


def test_displacements_are_norms_and_those_of_layers_make_the_whole():
    rng = np.random.default_rng(0)
    w0 = {"a": rng.normal(size=(3, 4)), "b": rng.normal(size=5), "zero": np.zeros(2)}
    w = {name: each + rng.normal(size=each.shape) for name, each in w0.items()}
    first, now = (Moment(weights={k: torch.from_numpy(v) for k, v in each.items()}) for each in (w0, w))
    everything = np.concatenate([(w[k] - w0[k]).ravel() for k in w0])
    found = value("displacement", now, first)
    assert found[""] == pytest.approx(np.linalg.norm(everything))
    assert found["a"] == pytest.approx(np.linalg.norm(w["a"] - w0["a"]))
    relative = value("parameter_displacement", now, first)
    size = np.linalg.norm(np.concatenate([each.ravel() for each in w0.values()]))
    assert relative[""] == pytest.approx(np.linalg.norm(everything) / size)
    assert relative["b"] == pytest.approx(np.linalg.norm(w["b"] - w0["b"]) / np.linalg.norm(w0["b"]))
    assert "zero" not in relative  # relative to nothing


def test_gates_are_counted_layer_by_layer():
    before = [torch.tensor([[True, False], [True, True]]), torch.tensor([[True]])]
    after = [torch.tensor([[True, True], [True, False]]), torch.tensor([[True]])]
    found = value("relu_unchanged", Moment(gates=lambda: after), Moment(gates=lambda: before))
    assert found == {"": 3 / 5, "layer1": 2 / 4, "layer2": 1.0}


def test_winners_of_pools_stand_beside_the_relus_and_do_not_count_among_them():
    before = [torch.tensor([True, False]), torch.tensor([0, 5, 9, 3])]
    after = [torch.tensor([True, True]), torch.tensor([0, 5, 8, 2])]
    found = value("relu_unchanged", Moment(gates=lambda: after), Moment(gates=lambda: before))
    assert found == {"": 0.5, "layer1": 0.5, "pool1": 0.5}


def test_what_is_not_there_is_not_measured():
    warnings = []
    empty = measured(Moment(), Moment(), "final", warnings.append)
    assert (empty.of_moment, empty.moved, warnings) == ({}, {}, [])


def test_a_metric_without_meaning_is_null_with_a_warning_and_takes_no_other_with_it():
    warnings = []
    alike = Moment(gram=torch.ones(4, 4).double(), labels=torch.tensor([0, 0, 1, 1]))
    found = measured(alike, alike, "final", warnings.append)
    assert found.of_moment["kernel_alignment"] is None
    assert found.of_moment["effective_rank"] == pytest.approx(1)
    assert found.moved["kernel_change"] == 0 and found.moved["kernel_angle"] < 1e-15
    assert found.of_moment["kernel_task_power"] is None
    assert sorted(warning.partition(" ")[0] for warning in warnings) == ["kernel_alignment", "kernel_task_power"]
    assert warnings[0].startswith("kernel_alignment has no value at final: The alignment has no meaning")


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), LazyRegimeError("No such thing."), KeyError("layer")])
def test_whatever_a_metric_does_the_others_have_their_values(monkeypatch, wrong):
    def compute(now, first):
        if isinstance(wrong, Exception):
            raise wrong
        return {"": 1.0, "layer": wrong}

    mine = Metric("mine", "mine", ".3g", "moment", compute)
    monkeypatch.setattr("lazyregime.measure.measuring.all_metrics", lambda: [mine, METRICS["kernel_angle"]])
    warnings = []
    found = measured(moment(1), moment(0), "epoch_3", warnings.append)
    assert found.moved["kernel_angle"] > 0
    assert found.of_moment in ({"mine": None}, {"mine": 1.0, "mine/layer": None})
    assert len(warnings) == 1 and "has no value at epoch_3" in warnings[0]


def test_rows_of_a_table_show_both_ends_and_the_range_over_layers(monkeypatch):
    mine = Metric("mine", "my metric", ".2f", "moment", lambda now, first: None)
    monkeypatch.setattr("lazyregime.measure.words.all_metrics", lambda: [mine, METRICS["kernel_change"]])
    result = {"mine_init": 1.0, "mine_final": None, "kernel_change": 0.12345}
    assert metric_rows(result) == [("my metric", "1.00 → none"), (METRICS["kernel_change"].words, "0.123")]
    assert metric_rows({"mine_final/a": 1.0, "mine_final/b": 3.0}) == [("my metric", "1.00 to 3.00 (2 layers)")]
    assert metric_rows({}) == []


def test_gcv_is_its_formula_and_estimates_the_error_on_new_points():
    rng = np.random.default_rng(0)
    n = 1000
    x = rng.normal(size=(2 * n, 20)) / np.sqrt(20)
    y = x @ rng.normal(size=20) + 0.5 * rng.normal(size=2 * n)
    k = x[:n] @ x[:n].T + 0.3 * np.eye(n)
    ours = value("kernel_gcv", Moment(gram=torch.from_numpy(k), labels=torch.from_numpy(y[:n])[:, None]))
    h = np.linalg.inv(k + 1e-3 * k.diagonal().mean() * np.eye(n))
    centred = y[:n] - y[:n].mean()
    kare = (centred @ h @ h @ centred / n) / (np.trace(h) / n) ** 2
    assert ours == pytest.approx(kare / centred.var())
    errors = (x[n:] @ x[:n].T @ h @ centred + y[:n].mean() - y[n:]) ** 2
    assert ours * centred.var() == pytest.approx(errors.mean(), rel=3 * np.sqrt(2 * 2 / n))  # three standard errors


def test_task_power_is_one_for_a_kernel_of_the_labels_and_little_for_another():
    labels = torch.arange(60) % 3
    y = torch.nn.functional.one_hot(labels).double()
    noise = torch.from_numpy(kernel(0, n=60, features=80, shift=0.0))
    assert value("kernel_task_power", Moment(gram=100 * y @ y.T + 1e-3 * noise, labels=labels)) == pytest.approx(
        1, 1e-3
    )
    k = noise.numpy()
    h = np.eye(60) - 1 / 60
    top = np.linalg.svd(h @ k @ h)[0][:, :3]
    expected = np.linalg.norm(top.T @ h @ y.numpy()) ** 2 / np.linalg.norm(h @ y.numpy()) ** 2
    found = value("kernel_task_power", Moment(gram=noise, labels=labels))
    assert found == pytest.approx(expected) and found < 0.3


def test_the_top_eigenvalue_is_where_gradient_descent_diverges():
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(12, 30)))
    top = value("kernel_top_eigenvalue", Moment(gram=x @ x.T))
    for factor, ends in ((0.99, 0.0), (1.01, np.inf)):  # of mean |x w - y|^2 / 2
        w = torch.zeros(30).double()
        for _ in range(3000):
            w = w - factor * 2 / top * x.T @ (x @ w - 1) / 12
        loss = float((x @ w - 1).square().mean())
        assert loss < 1e-6 if ends == 0 else loss > 1e6
