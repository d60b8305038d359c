"""A configuration asks for a parameterization; a run says what the network has."""

import pytest
import torch
from torch import nn

import lazyregime
from lazyregime.app.compose.build import build_network, build_regime
from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.train.command import TrainCommand
from lazyregime.errors import LazyRegimeError
from lazyregime.networks import parameterization_of
from lazyregime.regimes import laziness


def compose(*overrides):
    return TrainCommand.source.compose_job(["data=sphere", "loss=mse", "arch.depth=1", "width=16", *overrides])


def foreign():
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 1))


def said(config, network):
    module = build_regime(config, network)
    return parameterization_of(module.network), laziness(module.alpha, module.network)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["regime=regular"], ("standard", 4.0)),
        (["regime=feature"], ("ntk", 1.0)),
        (["regime=scaled", "alpha=3", "parameterization=mean_field"], ("mean_field", 3.0)),
        (["regime=scaled", "laziness=3", "parameterization=mup"], ("mup", 3.0)),
        (["regime=regular", "arch.parameterization=ntk"], ("ntk", 4.0)),  # whatever the word beside it
    ],
)
def test_a_run_says_what_its_network_has(overrides, expected):
    config = compose(*overrides)
    word, lam = said(config, build_network(config))
    assert (word, lam) == (expected[0], pytest.approx(expected[1]))


@pytest.mark.parametrize(
    "overrides",
    [
        ["regime=regular"], ["regime=lazy", "parameterization=unknown"],
        ["regime=scaled", "alpha=3", "parameterization=standard"],
    ],
)  # fmt: skip
def test_a_foreign_network_is_called_unknown(overrides):
    assert said(compose(*overrides), foreign()) == ("unknown", None)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["regime=lazy"], r"parameterization=ntk is asked for, but that of arch=mlp is unknown, since .*\(Linear\)"),
        (["regime=scaled", "alpha=3", "parameterization=mean_field"], "parameterization=mean_field is asked for"),
        (["regime=feature", "parameterization=unknown"], "give alpha itself"),
        (["regime=scaled", "laziness=3", "parameterization=unknown"], "laziness=3 cannot be turned into an alpha"),
    ],
)
def test_what_would_need_its_scales_is_refused(overrides, message):
    with pytest.raises(LazyRegimeError, match=message):
        build_regime(compose(*overrides), foreign())


def test_the_result_says_so_too(runs_dir):
    own = ["debug=fdr", "data=sphere", "loss=mse", "regime=lazy", "ntk=none"]
    result = lazyregime.run(*own, "parameterization=mup", "width=16", "arch.depth=1", quiet=True)
    assert (result["parameterization"], result["laziness"]) == ("mup", 1.0)


def test_no_network_of_ours_is_unknown():
    with torch.device("meta"), pytest.raises(LazyRegimeError, match="choose one of standard, ntk"):
        build_network(compose("parameterization=unknown"))
    with pytest.raises(ConfigError, match=r"parameterization=ntk is asked for, but that of arch=mlp is mup; give"):
        config = compose("regime=lazy", "arch.parameterization=mup")
        build_regime(config, build_network(config))


@pytest.mark.parametrize(("regime", "lr"), [("feature", 1.0), ("scaled", 1.0), ("lazy", 3.0)])
def test_the_learning_rate_follows_the_parameterization(regime, lr):
    for parameterization, expected in (("ntk", lr), ("mup", lr), ("standard", 0.001), ("unknown", 0.001)):
        assert compose(f"regime={regime}", f"parameterization={parameterization}")["lr"] == expected
    assert compose(f"regime={regime}", "lr=0.5")["lr"] == 0.5
