"""The runs of fit and train in one table, the claims that read it, and the figures."""

import json
import math

import pytest
from fake_runs import told
from omegaconf import OmegaConf

from lazyregime.reports import load_runs
from lazyregime.reports.claims import adh19, gmmm19, gmmm20
from lazyregime.reports.figures.adh19 import draw as figure_of_adh19
from lazyregime.reports.results import measure
from lazyregime.reports.sections import linearized
from lazyregime.reports.tables.linearized import linearized_runs


def write(folder, result, data):
    folder.mkdir(parents=True)
    base = {"data": data.get("name"), "init_seed": 0}
    (folder / "result.json").write_text(json.dumps(told(**base | result)))
    OmegaConf.save(OmegaConf.create({"data": data, "seed": 0}), folder / "config.yaml")


def fit(folder, group, machine, data, **rest):
    write(folder, {"command": "fit", "group": group, "machine": machine, **rest}, data)


def net(folder, group, data, **rest):
    write(
        folder,
        {"command": "train", "group": group, "regime": "regular", "arch": "two_layer", "width": 30, **rest},
        data,
    )


@pytest.fixture
def runs(tmp_path):
    noise = {"name": "fashion_mnist_noise", "tau": 0.0}
    accuracies = {"krr_rf": (0.90, 0.80), "krr_ntk": (0.91, 0.81), "rf": (0.9, 0.8), "rf_nt": (0.9, 0.8)}
    accuracies |= {"quadratic": (0.89, 0.805), "linear": (0.82, 0.81)}
    for model, values in accuracies.items():
        for tau, value in zip((0.0, 3.0), values, strict=True):
            where = tmp_path / f"{model}{tau}"
            fit(where, "gmmm20_noise", model, noise | {"tau": tau}, test_accuracy=value, test_risk=1 - value, n_train=9)
    for tau, value in ((0.0, 0.88), (3.0, 0.85)):
        net(tmp_path / f"net{tau}", "gmmm20_noise", noise | {"tau": tau}, test_accuracy=value, test_loss=0.1)
    spiked = {"name": "spiked", "dimension": 64, "target_powers": [0.0, 0.0, 1.0, 1.0, 1.0]}
    for kappa, risk, loss in ((0.0, 0.97, 1.2), (0.9, 0.1, 0.9)):
        powers = {f"target_power_{k}": p for k, p in enumerate((0, 0, 1, 1, 1))}
        data = spiked | {"kappa": kappa}
        fit(tmp_path / f"s{kappa}", "gmmm20_spiked", "krr_sphere", data, test_risk=risk, n_train=3000, **powers)
        net(tmp_path / f"sn{kappa}", "gmmm20_spiked", data, test_loss=loss, n_train=3000)
    sphere = {"name": "sphere", "dimension": 30, "target": "gegenbauer"}
    mixed = {f"target_power_{k}": p for k, p in enumerate((0, 0.4, 0.3, 0.3))}
    for n, risk in ((5, 0.99), (164, 0.63), (4930, 0.5)):
        more = {"test_risk": risk, "num_features": n, "shift": 0.5, "population": True, **mixed}
        fit(tmp_path / f"g{n}", "gmmm19", "rf", sphere, **more)
    net(tmp_path / "gn", "gmmm19", sphere | {"target": "neuron", "neuron": "relu"}, test_loss=0.001)
    return load_runs(tmp_path)


def test_a_network_has_the_risk_of_twice_its_loss(runs):
    table = linearized_runs(runs, "gmmm20_spiked")
    nets = table[table.model == "net"].sort_values("kappa")
    assert list(nets.risk) == pytest.approx([2 * 1.2 / 3, 2 * 0.9 / 3])
    assert linearized_runs(runs, "gmmm19").set_index("model").risk["net"] == pytest.approx(0.004)
    noise = linearized_runs(runs, "gmmm20_noise")
    assert list(noise[noise.model == "net"].risk) == pytest.approx([0.2, 0.2])


def test_kernels_are_compared_on_the_same_test_images(tmp_path):
    claim = next(c for c in adh19.CLAIMS if c.id == "adh19.mnist.convolutions")
    for model, tests, accuracy in (("cntk", 500, 0.80), ("mlp_ntk", 2000, 0.77), ("mlp_ntk", 500, 0.81)):
        data = {"name": "mnist", "n_test": tests}
        fit(tmp_path / f"{model}{tests}", "adh19", model, data, n_train=300, test_accuracy=accuracy)
        found = measure(load_runs(tmp_path), claim)
        assert bool(found.at) == ((model, tests) == ("mlp_ntk", 500))
    assert found.at[0].found.value == pytest.approx(-0.01)


def test_three_runs_of_one_seed_and_different_pooling_are_not_three_seeds(tmp_path):
    claim = next(c for c in adh19.CLAIMS if c.id == "adh19.mnist.convolutions")
    for pooling in ("none", "average"):
        config = {"name": "mnist", "n_test": 500}
        fit(tmp_path / pooling, "adh19", "cntk", config, n_train=300, test_accuracy=0.8)
        tree = OmegaConf.load(tmp_path / pooling / "config.yaml")
        OmegaConf.save(OmegaConf.merge(tree, {"machine": {"pooling": pooling}}), tmp_path / pooling / "config.yaml")
    fit(tmp_path / "dense", "adh19", "mlp_ntk", {"name": "mnist", "n_test": 500}, n_train=300, test_accuracy=0.7)
    found = measure(load_runs(tmp_path), claim)
    assert not found.at and "machine.pooling average or none" in found.refused


def test_the_gaussian_process_of_a_network_is_another_machine_than_its_tangent_kernel(tmp_path):
    for which, accuracy in (("ntk", 0.36), ("nngp", 0.32)):
        fit(tmp_path / which, "adh19", "cntk", {"name": "cifar10", "n_test": 500}, n_train=300, test_accuracy=accuracy)
        tree = OmegaConf.load(tmp_path / which / "config.yaml")
        OmegaConf.save(OmegaConf.merge(tree, {"machine": {"which": which}}), tmp_path / which / "config.yaml")
    table = linearized_runs(load_runs(tmp_path), "adh19")
    assert dict(zip(table.model, table.accuracy, strict=True)) == {"cntk": 0.36, "cntk_nngp": 0.32}
    (panel,) = figure_of_adh19(table).axes
    assert {line.get_label(): list(line.get_ydata()) for line in panel.lines} == {
        "CNTK, infinite width": [0.36],
        "Gaussian process of the CNN": [0.32],
    }


def test_what_is_left_of_a_neuron_is_less_with_every_degree():
    left = [gmmm19._left_of_neuron(degree) for degree in range(4)]
    assert left[0] == pytest.approx(1 - 1 / math.pi, abs=0.01)  # 1 - (E relu)^2 / E relu^2, for large d
    assert left == sorted(left, reverse=True) and left[2] == pytest.approx(left[3])  # no cubic part


def test_figures_are_drawn_for_the_groups_there_are(runs, tmp_path):
    found = linearized.section(runs, tmp_path / "figures")
    assert {picture.path.stem for picture in found.pictures} == {"gmmm19", "gmmm20_spiked", "gmmm20_noise"}
    assert all(picture.path.stat().st_size > 10_000 for picture in found.pictures)
    assert set(found.data) == {"gmmm19", "gmmm20_spiked", "gmmm20_noise"}
    assert not linearized.section(runs[:0], tmp_path / "none").pictures


def test_the_constant_of_the_quadratic_kernel_is_the_best_of_each_seed(tmp_path):
    claim = next(c for c in gmmm20.CLAIMS if c.id == "gmmm20.noise.quadratic")
    data = {"name": "fashion_mnist_noise", "tau": 3.0}
    for seed in range(3):
        about = {"n_train": 20_000, "seed": seed, "data_seed": seed, "init_seed": seed}
        for c, accuracy in ((0.125, 0.70), (8.0, 0.801 + 0.001 * seed), (2.0, 0.75)):
            folder = tmp_path / f"c{c}s{seed}"
            fit(folder, "gmmm20_noise", "quadratic", data, test_accuracy=accuracy, test_risk=0.5, **about)
            config = OmegaConf.load(folder / "config.yaml")
            more = {"machine": {"constant": c}, "seed": seed}
            OmegaConf.save(OmegaConf.merge(config, more), folder / "config.yaml")
        fit(tmp_path / f"rf{seed}", "gmmm20_noise", "krr_rf", data, test_accuracy=0.80, test_risk=0.4, **about)
    (at,) = measure(load_runs(tmp_path), claim).at
    assert at.found.value == pytest.approx(0.002) and at.found.num_seeds == 3
