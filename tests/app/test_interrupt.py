"""Ctrl-C in the first moment of a command, while its modules are imported, is no traceback."""

import importlib
import runpy
import sys

import pytest

FIRST = "lazyregime.app.console"  # of the modules that every command imports
DOORS = ["train", "fit", "flow", "report", "sweeps", "runs", "dashboard"]


class CtrlC:
    """Whoever imports FIRST is interrupted."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == FIRST:
            raise KeyboardInterrupt


@pytest.fixture
def interrupted(monkeypatch):
    for name in [name for name in sys.modules if name == FIRST or name in ("lazyregime.app.door", "lazyregime.train")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [CtrlC, *sys.meta_path])


@pytest.mark.filterwarnings("ignore:'lazyregime.* found in sys.modules")  # another test has imported the door
@pytest.mark.parametrize("door", DOORS)
def test_the_command_ends_with_130(door, interrupted, capsys):
    with pytest.raises(SystemExit) as end:
        runpy.run_module(f"lazyregime.{door}", run_name="__main__", alter_sys=True)
    assert end.value.code == 130
    assert capsys.readouterr() == ("", "")


def test_who_imports_a_command_for_his_own_is_interrupted_himself(interrupted):
    with pytest.raises(KeyboardInterrupt):
        importlib.import_module("lazyregime.train")
