"""A network of one's own as a user gives it, from the command line and from Python."""

import json
import os
import signal
import subprocess
import sys
from functools import partial

import pytest
import torch
from torch import nn

import lazyregime
from lazyregime.errors import LazyRegimeError
from lazyregime.sweeps import main as sweeps_main
from lazyregime.train import main as train_main

MINE = """
import torch
from torch import nn
from blocks_of_mine import Block

class ResNet(nn.Module):
    def __init__(self, depth=1, channels=4, n_outputs=10):
        super().__init__()
        self.stem = nn.Conv2d(1, channels, 3, padding=1)
        self.blocks = nn.Sequential(*(Block(channels) for _ in range(depth)))
        self.head = nn.Linear(channels, n_outputs)

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))

class Mixing(ResNet):
    def forward(self, x):
        return super().forward(x - x.mean(0))

class Random(ResNet):
    def forward(self, x):
        return super().forward(x + torch.randn_like(x))

class Flat(ResNet):
    def forward(self, x):
        return super().forward(x).sum(1)

class Breaking(ResNet):
    def forward(self, x):
        raise IndexError("dimension out of range")

class NeedsMore(ResNet):
    def __init__(self, needed):
        super().__init__()

class Failing(ResNet):
    def __init__(self):
        super().__init__(depth="a")

def not_a_module():
    return 3

def images(n=120):
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(n) % 3
    x = torch.randn(n, 1, 8, 8, generator=generator) + y[:, None, None, None]
    return x[: n // 2], y[: n // 2], x[n // 2 :], y[n // 2 :]
"""
BLOCKS = """
from torch import nn

class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm, self.conv = nn.GroupNorm(2, channels), nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.conv(self.norm(x).relu())
"""
OWN = ["arch=own", "arch._target_=mine_net.ResNet", "data=own", "data._target_=mine_net.images"]
FAST = ["trainer.max_epochs=1", "trainer.batch_size=20", "ntk.anchors_per_class=2", "ntk.n_test=8", "tracking=csv"]


@pytest.fixture
def mine(tmp_path, runs_dir, monkeypatch):
    """An empty folder with mine_net.py, in which commands are given."""
    (tmp_path / "mine_net.py").write_text(MINE)
    (tmp_path / "blocks_of_mine.py").write_text(BLOCKS)
    monkeypatch.chdir(tmp_path)
    for name in ("mine_net", "blocks_of_mine"):
        sys.modules.pop(name, None)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def code(main, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return ended.value.code or 0


def results(runs_dir):
    return [json.loads(path.read_text()) for path in sorted(runs_dir.rglob("result.json"))]


@pytest.mark.parametrize("regime", [["regime=lazy"], ["regime=regular"], ["regime=scaled", "alpha=3"]])
def test_it_is_trained_in_every_regime_that_needs_no_scale(mine, runs_dir, regime):
    assert code(train_main, *OWN, *FAST, *regime, "arch.depth=2") == 0
    (result,) = results(runs_dir)
    assert (result["arch"], result["parameterization"], result["laziness"]) == ("mine_net.ResNet", "unknown", None)
    assert result["name"].startswith(f"{regime[0].split('=')[1]}-mine_net.ResNet-")
    assert result["width"] is None and result["kernel_accuracy_adh_init"] > 0


def test_what_needs_a_scale_is_refused_in_a_sentence(mine, runs_dir, capsys):
    for regime in (["regime=feature"], ["regime=scaled", "laziness=3"], ["regime=lazy", "parameterization=mean_field"]):
        assert code(train_main, *OWN, *FAST, *regime) == 2
        assert "ResNet" in capsys.readouterr().err
    assert not results(runs_dir)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["arch._target_=nowhere.Net"], "there is no module of that name here"),
        (["arch._target_=mine_net.ResNte"], "did you mean 'ResNet'?"),
        (["arch._target_=ResNet"], "give MODULE.NAME"),
        (["arch.depht=3"], "mine_net.ResNet has no such argument; did you mean 'depth'?"),
        (["width=64"], "width=64 is asked for, and mine_net.ResNet has no such argument"),
        (["arch._target_=mine_net.NeedsMore"], "cannot be made: TypeError"),
        (["arch._target_=mine_net.Failing"], "cannot be made: TypeError"),
        (["arch._target_=mine_net.not_a_module"], "makes a int; arch wants a torch module"),
        (["arch._target_=mine_net.Mixing"], "mixes its samples, or is random"),
        (["arch._target_=mine_net.Random"], "mixes its samples, or is random"),
        (["arch._target_=mine_net.Flat"], "returns (3,) for inputs (3, 1, 8, 8); the data want (3, 3)"),
        (["arch._target_=mine_net.Breaking"], "cannot take inputs of shape (3, 1, 8, 8) (float32): IndexError"),
        (["arch.n_outputs=4"], "returns (3, 4) for inputs (3, 1, 8, 8); the data want (3, 3)"),
    ],
)
def test_a_wrong_network_is_one_sentence_before_anything_is_written(mine, runs_dir, capsys, arguments, words):
    assert code(train_main, *OWN, *FAST, *arguments) == 2
    err = capsys.readouterr().err
    assert words in err and "Traceback" not in err and len(err.strip().splitlines()) == 1
    assert not runs_dir.exists()


def test_changed_code_is_another_run_also_where_it_is_imported(mine, runs_dir):
    command = [sys.executable, "-m", "lazyregime.train", *OWN, *FAST, "progress=none"]

    def ids():
        subprocess.run(command, check=True, capture_output=True)
        return {result["id"] for result in results(runs_dir)}

    first = ids()
    assert ids() == first
    (mine / "blocks_of_mine.py").write_text(BLOCKS.replace("relu", "tanh"))
    assert len(ids()) == 2
    (mine / "blocks_of_mine.py").write_text(BLOCKS)
    assert len(ids()) == 2


def test_a_sweep_that_is_killed_goes_on_and_its_folder_is_obeyed_only_with_trust(mine, runs_dir, capsys):
    arguments = ["-m", *OWN, *FAST, "seed=0,1", "trainer.max_epochs=30", "progress=none"]
    process = subprocess.Popen([sys.executable, "-m", "lazyregime.train", *arguments], stdout=subprocess.DEVNULL)
    while process.poll() is None and not list(runs_dir.rglob("last.ckpt")):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    capsys.readouterr()
    assert code(sweeps_main, "resubmit", str(runs_dir)) == 2
    assert "add trust=mine_net" in capsys.readouterr().err
    assert code(sweeps_main, "resubmit", str(runs_dir), "trust=mine_net") == 0
    assert sorted(result["seed"] for result in results(runs_dir)) == [0, 1]


def test_a_trained_network_is_loaded_again_by_one_call(mine, runs_dir):
    assert code(train_main, *OWN, *FAST) == 0
    (run,) = [path.parent for path in runs_dir.rglob("result.json")]
    with pytest.raises(LazyRegimeError, match="add trust=mine_net"):
        lazyregime.load_network(run)
    network = lazyregime.load_network(run, trust="mine_net")
    state = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert torch.equal(network.head.weight, state["network.head.weight"])
    assert not torch.equal(network.head.weight, lazyregime.load_network(run, "init", trust="mine_net").head.weight)


def data():
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(60, 5, generator=generator), torch.arange(60) % 3
    return x[:40] + y[:40, None], y[:40], x[40:] + y[40:, None], y[40:]


def net(width=8):
    return nn.Sequential(nn.Linear(5, width), nn.ReLU(), nn.Linear(width, 3))


SETTINGS = {"trainer": {"max_epochs": 1, "batch_size": 20}, "ntk": {"anchors_per_class": 2}, "tracking": "csv"}


def run(**settings):
    return lazyregime.run(**{"data": data(), "quiet": True, **SETTINGS, **settings})


def test_from_python_a_factory_draws_from_the_seeds_and_a_module_is_one_draw(runs_dir):
    drawn = [run(network=net, regime="lazy", init_seed=seed) for seed in (0, 1)]
    assert drawn[0]["kernel_accuracy_adh_init"] is not None and drawn[0]["test_loss"] != drawn[1]["test_loss"]
    module = net()
    before = {name: p.clone() for name, p in module.named_parameters()}
    once = [run(network=module, init_seed=seed)["test_loss"] for seed in (0, 1)]
    assert once[0] == once[1]
    assert all(torch.equal(p, before[name]) for name, p in module.named_parameters())
    loaded = lazyregime.load_network(next(runs_dir.rglob(f"*{drawn[0]['id']}")), "init", network=net)
    assert isinstance(loaded, nn.Sequential)


def test_from_python_runs_are_known_by_what_was_given(runs_dir):
    ids = {run(network=partial(net, width=width))["id"] for width in (8, 9, 8)}
    assert len(ids) == 2
    other = list(data())
    other[0] = other[0] + 1e-3
    assert run(network=partial(net, width=8), data=tuple(other))["id"] not in ids
    scope: dict = {"nn": nn}
    cells = ["def cell(): return nn.Linear(5, 3)", "def cell(): return nn.Sequential(nn.Linear(5, 3), nn.Tanh())"]
    made = []
    for cell in [*cells, cells[0]]:  # as in a notebook: no file holds their source
        exec(cell, scope)
        made.append(run(network=scope["cell"])["id"])
    assert made[0] == made[2] != made[1]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"network": 3}, "give a torch module, or a class or function"),
        ({"network": lambda: 3}, "it must make a torch module"),
        ({"network": lambda: 1 / 0}, "network= failed when it was called: ZeroDivisionError"),
        ({"network": nn.Linear(4, 3)}, "cannot take inputs of shape (3, 5)"),
        ({"network": net, "command": "flow"}, "takes no network="),
        ({"network": net, "trainer": {"devices": 3}}, "starts this script 2 times more"),
        ({"data": data()[:3]}, "give (x, y, x_test, y_test)"),
        ({"width": "a"}, "is not a whole number"),
        ({"width": object()}, "give a number, a word, a list, or None"),
    ],
)
def test_from_python_mistakes_are_sentences(runs_dir, settings, words):
    with pytest.raises(LazyRegimeError) as error:
        run(**settings)
    assert words in str(error.value)
    assert not runs_dir.exists()


def test_words_with_anything_in_them_are_taken_as_they_stand(runs_dir):
    result = run(network=net, name="größe = a,b (1)", tags=["x,y", "~"])
    assert result["name"] == "größe = a,b (1)"
    assert os.path.isdir(runs_dir / "given" / f"größe = a,b (1)-{result['id']}")
