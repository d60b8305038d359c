"""A run folder is data: whatever lies in one, nothing of it is executed, and nothing is written outside of it."""

import json
import os
import textwrap

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from lazyregime.app.api import COMMANDS
from lazyregime.app.compose.quoting import quoted
from lazyregime.app.compose.trust import stored_config, trusted_modules
from lazyregime.app.console import Console
from lazyregime.app.sweeps.record import recorded_sweeps
from lazyregime.app.sweeps.resubmission import overrides_of
from lazyregime.app.sweeps.status import resubmit
from lazyregime.app.trained import load_network
from lazyregime.errors import LazyRegimeError
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.lock import lock

SMALL = ["data=sphere", "loss=mse", "arch.depth=1", "width=16", "ntk=none", "trainer.max_epochs=1", "data.n_train=64",
         "data.n_test=32", "tracking=csv"]  # fmt: skip
ARCH = {"name": "mlp", "_target_": "lazyregime.networks.MLP", "width": 4, "depth": 1, "in_features": 3, "n_outputs": 2}


def run_folder(tmp_path, **arch):
    """A folder whose config.yaml asks for something."""
    folder = tmp_path / "runs" / "g" / "x-00000000"
    folder.mkdir(parents=True)
    config = {"init_seed": 0, "trainer": {"precision": "float32"}, "arch": ARCH | arch, "data": {"name": "x"}}
    config |= {"width": None, "parameterization": "standard"}
    (folder / "config.yaml").write_text(json.dumps(config))
    return folder


def canary(tmp_path):
    return tmp_path / "canary"


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "lazyregime.atomic.atomic_write",  # ours, but no architecture
        "lazyregime.app.sweeps.status.shlex.os.system",  # reached by way of ours
        "lazyregime.networks.layers.torch.load",
        "lazyregime.data.mnist",
        "torch.hub.load",
        "",
        None,
        7,
        ["os.system"],
    ],
)
def test_a_stored_configuration_names_only_our_architectures(tmp_path, target):
    arch = {"_target_": target, "command": f"touch {canary(tmp_path)}", "path": str(canary(tmp_path)), "content": "x"}
    with pytest.raises(LazyRegimeError, match="a folder is not obeyed"):
        load_network(run_folder(tmp_path, **arch))
    assert not canary(tmp_path).exists()


MINE = """
import os
from os import system
from torch import nn

class Net(nn.Linear):
    def __init__(self, **_): super().__init__(3, 2)
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A module of the user's, on the path."""
    (tmp_path / "mine_of_trust.py").write_text(textwrap.dedent(MINE))
    monkeypatch.syspath_prepend(str(tmp_path))


def test_a_module_is_trusted_for_what_it_defines_and_not_for_what_it_imports(tmp_path, mine):
    folder = run_folder(tmp_path, _target_="mine_of_trust.Net")
    with pytest.raises(LazyRegimeError, match="add trust=mine_of_trust"):
        load_network(folder)
    assert load_network(folder, "init", trust="mine_of_trust").in_features == 3
    for number, target in enumerate(("mine_of_trust.system", "mine_of_trust.os.system", "mine_of_trusted.Net")):
        other = run_folder(tmp_path / str(number), _target_=target)
        with pytest.raises(LazyRegimeError, match=r"not obeyed|cannot be imported"):
            load_network(other, trust=["mine_of_trust"])


@pytest.mark.parametrize("trust", [7, [7], [], "a b", "os;x", {"a": 1}, [""]])
def test_trust_names_modules(trust):
    with pytest.raises(LazyRegimeError, match="give the name of a module"):
        trusted_modules(trust)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "- 1",
        "a: &x [1]\nb: *x",  # an alias
        "!!python/object/apply:os.system ['true']",
        "a: " + "[" * 100_000,
        "a: b: c",
        "a: " + "x" * (1 << 20),
        "\x00",
    ],
)
def test_what_is_no_configuration_is_a_sentence(tmp_path, content):
    path = tmp_path / "config.yaml"
    path.write_text(content)
    with pytest.raises(LazyRegimeError, match=r"config\.yaml"):
        stored_config(path)


def record(tmp_path, overrides, command="train", group="sphere", runs=("x-0",), where="sphere"):
    """A folder with the record of a sweep that nobody made."""
    path = tmp_path / "runs" / where / ".sweeps" / "a.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"command": command, "overrides": overrides, "group": group, "runs": runs}))
    return tmp_path / "runs"


@pytest.mark.parametrize(
    "overrides",
    [
        ["~arch.width", "~arch.depth", "~arch.in_features", "arch._target_=os.system", "+arch.command=touch CANARY"],
        ["--experimental-rerun", "CANARY"],
        ["-cd=CANARY"],
        ["hydra.launcher._target_=os.system"],
        ["hydra.sweeper._target_=os.system"],
        ["hydra.searchpath=[file://CANARY]"],
        ["hydra/launcher=slurm", 'hydra.launcher.setup=["touch CANARY"]'],
        ["hydra.launcher.partition='a\\n touch CANARY'"],
        ["group=../../elsewhere"],
        ["group=elsewhere"],
        ["data_dir=CANARY"],
        ["data._target_=os.makedirs", "data.name=CANARY"],
        ["]]]"],
    ],
)
def test_a_record_of_a_sweep_is_not_obeyed(tmp_path, monkeypatch, capsys, overrides):
    monkeypatch.chdir(tmp_path)
    told = [override.replace("CANARY", str(canary(tmp_path))) for override in overrides]
    folder = record(tmp_path, [*SMALL, *told])
    code, told = resubmit(folder, Console(quiet=True)), capsys.readouterr().err
    if code == 2:
        assert any(words in told for words in ("obeyed", "no override", "cannot be the name of a folder"))
    else:  # what was left out is told
        assert "is not taken from a folder" in told
    assert not canary(tmp_path).exists()
    assert not (tmp_path / "elsewhere").exists() and not (tmp_path / "runs" / "elsewhere").exists()


def test_a_record_that_is_not_obeyed_holds_up_no_other_sweep(tmp_path, capsys):
    record(tmp_path, ["--experimental-rerun", "x"])
    folder = record(tmp_path, [*SMALL, "group=other"], group="other", where="other", runs=("regular-mlp-w16-0",))
    assert resubmit(folder, Console()) == 2
    out, err = capsys.readouterr()
    assert "is not obeyed" in err and "lazyregime.train -m" in out and list(folder.rglob("result.json"))


@pytest.mark.parametrize(
    "change",
    [
        {"runs": ["../../x"]},
        {"runs": [".."]},
        {"runs": "x"},
        {"runs": [1]},
        {"group": "other"},
        {"group": "../sphere"},
        {"command": 1},
        {"overrides": None},
    ],
)
def test_a_record_that_says_nonsense_is_passed_over_with_a_sentence(tmp_path, change):
    complaints = []
    asked = {"overrides": list(SMALL), **change}
    assert recorded_sweeps(record(tmp_path, asked.pop("overrides"), **asked), complaints.append) == []
    (complaint,) = complaints
    assert "a.json is passed over" in complaint


@pytest.mark.parametrize("content", ["", "[]", "{}", "{" * 10_000, "\ufffe", '{"command": "train"}'])
def test_a_record_that_cannot_be_read_is_passed_over_with_a_sentence(tmp_path, content):
    path = record(tmp_path, []) / "sphere" / ".sweeps" / "a.json"
    path.write_text(content, encoding="utf-16")
    complaints = []
    assert recorded_sweeps(tmp_path, complaints.append) == [] and len(complaints) == 1


@pytest.mark.parametrize("name", ["e=3", "a,b", "a(1)", "x y", "it's", "${x}", "~", "a\\", "a\\'b", "[b]{c}", "größe"])
def test_a_folder_of_any_name_is_read_as_it_stands(tmp_path, name):
    (parsed,) = OverridesParser.create().parse_overrides([f"runs_dir={quoted(name)}"])
    assert not parsed.is_sweep_override()
    path = tmp_path / name
    folder = record(path, SMALL)
    (sweep,) = recorded_sweeps(folder, print)
    overrides, _ = overrides_of(sweep, COMMANDS["train"], [])
    config = COMMANDS["train"].source.compose_job(overrides)
    assert config["runs_dir"] == str(folder.resolve())


def test_nothing_is_written_through_a_link(tmp_path):
    target = tmp_path / "target"
    target.write_text("precious")
    path = tmp_path / "run" / "lock"
    path.parent.mkdir()
    path.symlink_to(target)
    with pytest.raises(LazyRegimeError, match="is a link"), lock(path):
        pass
    assert target.read_text() == "precious"
    for name in ("checkpoints", "figures", "blocks"):
        folder = RunFolder(tmp_path / f"run-{name}", "0", "run", "g")
        folder.path.mkdir()
        os.symlink(tmp_path, folder.path / name)
        with pytest.raises(LazyRegimeError, match="is a link"), folder.locked():
            pass


def test_control_characters_do_not_reach_the_terminal(capsys):
    console = Console()
    console.say("a\x1b]0;owned\x07b")
    console.warn("c\x1b[2Jd\x9b31m")
    console.table(["\u202eword"], [["\x1b[31mred\rx"]])
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err and "\x07" not in out and "\x9b" not in err and "\r" not in out
    assert r"\x1b]0;owned" in out
