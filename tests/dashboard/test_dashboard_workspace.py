"""The wandb workspace without an account: built, serialized, and every name in it is one that a run logs."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest
from wandb_file import wandb_runs

import lazyregime.dashboard as door
from lazyregime.app.dashboard import workspace
from lazyregime.app.dashboard.where import Project, place
from lazyregime.errors import LazyRegimeError
from lazyregime.tracking import login
from lazyregime.train import main as train

OURS = Project("someone", "lazyregime")
SMALL = (
    *("data=mnist_parity", "data.n_train=60", "data.n_test=30", "loss=mse", "width=8", "arch.depth=1", "group=g"),
    *("regime=scaled", "alpha=2", "trainer.max_epochs=1", "num_threads=1", "tracking=wandb"),
    *("ntk.anchors_per_class=10", "ntk.n_test=30"),
)


def told(sections=None):
    return workspace.as_json(workspace.build_workspace(OURS))


def test_every_panel_shows_what_a_run_logs(runs_dir, monkeypatch):
    with pytest.raises(SystemExit) as stop:
        train(list(SMALL))
    assert not stop.value.code
    (run,) = wandb_runs(runs_dir / "g")
    history = {key.removesuffix("/_type") for row in run.rows for key in row}
    logged = history | set(run.summary) | {f"config:{key}" for key in run.config}
    assert workspace.unknown_keys(told(), logged) == {}
    panels = [panel for panels in workspace.SECTIONS.values() for panel in panels]
    assert {key for panel in panels for key in panel.y} <= logged
    for panel in panels:  # and each name in each of them is looked at
        for part in ("y", "x", "by"):
            value = getattr(panel, part)
            if value:
                wrong = ("no/such", *value[1:]) if part == "y" else f"{value}_no_such"
                monkeypatch.setattr(workspace, "SECTIONS", {"A": [dataclasses.replace(panel, **{part: wrong})]})
                assert len(workspace.unknown_keys(told(), logged)) == 1, (panel.title, part)


def test_it_is_what_wandb_takes():
    made = told()
    assert (made["entity"], made["project"], made["displayName"]) == ("someone", "lazyregime", "lazyregime")
    sections = made["spec"]["section"]["panelBankConfig"]["sections"]
    assert [section["name"] for section in sections] == ["Regime by width", "Kernel turn", "Alpha sweep", "Ledger"]
    kinds = [panel["viewType"] for section in sections for panel in section["panels"]]
    assert len(kinds) == 18 and set(kinds) >= {"Run History Line Plot", "Scatter Plot", "Bar Chart", "Media Browser"}
    from wandb_workspaces.workspaces import Workspace
    from wandb_workspaces.workspaces.internal import View

    again = Workspace._from_model(View.model_validate(json.loads(json.dumps(made))))
    assert [len(section.panels) for section in again.sections] == [6, 6, 4, 2]
    assert "[COB19]" in str(sections[-1]["panels"][-1])


@pytest.mark.parametrize("given", ["someone/lazyregime", "a-team/mnist.2", "runs/typo"])
def test_what_is_no_folder_may_be_a_project(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = place(given)
    assert isinstance(found, Project) and str(found) == given
    Path(given).mkdir(parents=True)
    assert place(given) == Path(given), "what is a folder here is that folder"


@pytest.mark.parametrize("given", ["typo", "./a/b", "/a/b", "a/b/c", "a//b", "../a", "a/b?c", "~/x", "", "a/"])
def test_what_is_neither_is_a_sentence(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if given:  # "" is the folder one is in
        with pytest.raises(LazyRegimeError, match="ENTITY/PROJECT"):
            place(given)


def exit_of(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        door.main(list(arguments))
    return stop.value.code, capsys.readouterr()


def test_without_an_account_it_says_what_to_do(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workspace, "is_logged_in", lambda *_: False)
    code, said = exit_of(capsys, "runs/typo")
    assert code == 2 and "runs/typo is no folder here" in said.err and "`wandb login`" in said.err
    assert "Traceback" not in said.err and not said.out
    door.main(["someone/lazyregime", "--json"])
    assert json.loads(capsys.readouterr().out)["entity"] == "someone"


def test_without_the_package_it_says_which(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "wandb_workspaces", None)
    code, said = exit_of(capsys, "someone/lazyregime")
    assert code == 2 and "pip install 'lazyregime[dashboards]'" in said.err


def test_what_wandb_refuses_is_a_sentence(monkeypatch):
    class Refused:
        def save(self):
            raise ValueError("entity not\nfound")

    monkeypatch.setattr(workspace, "build_workspace", lambda project: Refused())
    monkeypatch.setattr(workspace, "is_logged_in", lambda *_: True)
    with pytest.raises(LazyRegimeError, match="did not save the workspace of someone/lazyregime: entity not found"):
        workspace.make_workspace(OURS)


def test_options_that_do_nothing_are_refused(capsys, tmp_path):
    assert "--json" in exit_of(capsys, str(tmp_path), "--json")[1].err
    assert "--port" in exit_of(capsys, "a/b", "--port", "0")[1].err
    assert login.is_logged_in("https://x", "key")
