"""`lazyregime.sweep` is the command line's -m: the same runs, checked first, and a table of what became of them."""

import pytest
from torch import nn

import lazyregime
from lazyregime.app.compose.quoting import as_sweep
from lazyregime.errors import LazyRegimeError
from lazyregime.train import main

SMALL = ["data=sphere", "loss=mse", "arch.depth=1", "trainer.max_epochs=1", "data.n_train=64", "data.n_test=32",
         "ntk.anchors_per_class=8", "ntk.null=0", "tracking=csv"]  # fmt: skip


def test_lists_are_swept_over_and_lists_in_them_are_values():
    given = {"width": [8, 16], "seed": range(2), "ntk": {"at": {"epochs": [[1, 2]]}}, "lr": 0.1, "name": ["a,b"]}
    assert as_sweep(given) == ["width=8,16", "seed=0,1", "ntk.at.epochs=[1,2]", "lr=0.1", "name='a,b'"]
    with pytest.raises(LazyRegimeError, match="a sweep over no values"):
        as_sweep({"width": []})


def test_it_is_the_command_line(runs_dir, capsys):
    table = lazyregime.sweep(*SMALL, width=[8, 4], quiet=True)
    assert list(table["width"]) == [8, 4]
    assert set(table["status"]) == {"complete"} and not capsys.readouterr().out
    with pytest.raises(SystemExit) as done:
        main(["-m", *SMALL, "width=8,4"])
    assert done.value.code == 0 and capsys.readouterr().out.count("is complete already") == 2


def test_what_is_wrong_is_found_before_the_first_run(runs_dir):
    with pytest.raises(LazyRegimeError, match="job 2 of 2"):
        lazyregime.sweep(*SMALL, width=[4, -1], quiet=True)
    assert not runs_dir.exists()
    with pytest.raises(LazyRegimeError, match="hydra/launcher=joblib starts other processes"):
        lazyregime.sweep(*SMALL, "hydra/launcher=joblib", width=[4, 8])


def test_a_run_that_fails_is_a_row_and_the_others_go_on(runs_dir):
    # the second learning rate is beyond what float32 holds
    table = lazyregime.sweep(*SMALL, width=4, lr=[1e-3, 1e30], seed=[0], optimizer="sgd", quiet=True)
    assert list(table["status"]) == ["complete", "failed"] and table["reason"][1]


def test_a_network_of_ones_own(runs_dir):
    def network():
        return nn.Sequential(nn.Linear(30, 8), nn.Tanh(), nn.Linear(8, 1))

    small = [word for word in SMALL if not word.startswith("arch")]
    table = lazyregime.sweep(*small, network=network, seed=[0, 1], quiet=True)
    assert len(table) == 2 and table["test_loss"].nunique() == 2


def test_data_may_be_a_word_or_settings(runs_dir):
    rest = {"loss": "mse", "width": 4, "tracking": "csv", "ntk": "none", "trainer": {"max_epochs": 1}}
    few = {"data.n_train": 64, "data.n_test": 32}
    assert lazyregime.run(**rest, **few, data="sphere", quiet=True)["n_train"] == 64
    sizes = {"n_train": [64, 32], "n_test": 32}
    assert list(lazyregime.sweep("data=sphere", **rest, data=sizes, quiet=True)["n_train"]) == [64, 32]
