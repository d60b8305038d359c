"""Every file of conf/arch as a user types it, in every regime; modular addition; what does not go together."""

import pytest
from network_cases import ARCHITECTURES, composed

import lazyregime
from lazyregime.train import main

SMALL = [
    "debug=fdr", "width=16", "data.n_train=200", "data.n_test=50", "trainer.limit_batches=2", "trainer.batch_size=20",
    "ntk.anchors_per_class=2", "ntk.n_test=10", "tracking=csv",
]  # fmt: skip
REGIMES = {
    "regular": ["ntk=none"],
    "feature": ["ntk=none"],
    "lazy": [],
    "scaled": ["alpha=3", "parameterization=mean_field"],
}


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_architecture_trains_in_every_regime(arch, runs_dir):
    data = composed(arch)["data"]["name"]
    for regime, more in REGIMES.items():
        result = lazyregime.run(
            *SMALL, f"arch={arch}", f"data={data}", f"regime={regime}", "ntk.null=0", *more, quiet=True
        )  # fmt: skip
        assert result["arch"] == arch
        assert result["laziness"] is not None
        if not more or regime == "scaled":
            assert (result["kernel_change"] == 0) == (regime == "lazy")


def test_tokens_have_a_flow_too(runs_dir):
    result = lazyregime.run(
        "arch=transformer", "data=modular_addition", "data.n_train=30", "data.n_test=20", "width=16", "loss=softhinge",
        "regime=scaled", "laziness=10", "optimizer=gradient_flow", "optimizer.max_steps=20", "tracking=csv",
        "ntk.anchors_per_class=1", quiet=True,
    )  # fmt: skip
    assert result["steps"] == 20


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["arch=transformer"], "needs data.num_tokens, which this data does not have"),
        (["arch=cnn", "data=modular_addition"], "needs data.in_channels, which this data does not have"),
        (["data=modular_addition"], "needs data.in_features"),
        (["arch=vit", "arch.patch_size=5"], "image_size=28 is not a multiple of patch_size=5"),
        (["arch=vit", "width=40"], "width=40 is not a multiple of head_size=16"),
        (["arch=resnet18", "width=6"], "6 channels are not divisible by 4 groups"),
        (["arch=resnet18", "arch.norm=layer"], "choose one of group, batch, none"),
    ],
)
def test_what_does_not_go_together_is_refused(overrides, message, capsys, runs_dir):
    with pytest.raises(SystemExit) as exit_:
        main(overrides)
    assert exit_.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not runs_dir.exists()
