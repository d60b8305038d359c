"""What wandb has of a sweep: names that tell its runs apart, one group, all settings, both ends, media, one table."""

import json

import pytest
from wandb_file import history, wandb_runs

from lazyregime.app.called import called_by
from lazyregime.app.sweeps.record import swept_keys
from lazyregime.runs.folder import RunFolder
from lazyregime.runs.identity import TRAINING
from lazyregime.runs.tables import read_rows
from lazyregime.tracking.names import flat, tracked_name, tracked_names
from lazyregime.train import main as train

SMALL = (
    *("data=sphere", "data.n_train=60", "data.n_test=30", "loss=mse", "width=8", "arch.depth=1", "group=g"),
    *("trainer.max_epochs=3", "ntk.at.epochs=[1]", "num_threads=1", "tracking=wandb", "tracking.artifacts=true"),
)


@pytest.fixture
def swept(runs_dir, capsys):
    with pytest.raises(SystemExit) as stop:
        train(["-m", *SMALL, "lr=0.01,0.1", "trainer.batch_size=20"])
    assert not stop.value.code
    return wandb_runs(runs_dir / "g"), runs_dir / "g", capsys.readouterr().out


def test_a_sweep_in_wandb(swept):
    runs, group, said = swept
    names = {run.run.display_name for run in runs}
    assert names == {f"regular-mlp-w8-sphere-n60-depth1-s0 lr={lr}" for lr in ("0.01", "0.1")}
    table = said[said.index("The sweep") :]
    assert all(name in table for name in names), "the console calls them the same"
    (record,) = (group / ".sweeps").glob("*.json")
    assert {run.run.run_group for run in runs} == {f"g-lr-{record.stem}"}
    assert {run.run.job_type for run in runs} == {"regular"}
    for run in runs:
        folder = group / run.config["run"]
        assert (run.config["folder_group"], run.config["trainer/batch_size"]) == ("g", 20)
        assert run.config["lr"] in (0.01, 0.1) and run.config["ntk/at/epochs"] == [1] and "group" not in run.config
        rows = read_rows(folder / "metrics.csv")
        seen = history(run)
        assert [row["epoch"] for row in seen] == [0, 1, 2, 3]
        assert as_numbers(seen) == as_numbers(map(tracked_names, rows))
        assert_both_ends(seen, run, folder)
        assert_media(run, folder)


def as_numbers(rows):
    """Exactly, but a number that is none is one that is none."""
    return [{key: repr(float(value)) for key, value in row.items()} for row in rows]


def assert_both_ends(seen, run, folder):
    result = RunFolder.at(folder).read_result()
    for name in ("kernel_alignment", "effective_rank", "kernel_risk_adh"):
        key = tracked_name(name)
        assert [row["epoch"] for row in seen if key in row] == [0, 1, 3]
        assert (seen[0][key], seen[-1][key]) == (result[f"{name}_init"], result[f"{name}_final"])
        assert run.summary[key] == result[f"{name}_final"], "not what it was on the way"
    assert run.summary["test/loss"] == result["test_loss"] == seen[-1]["test/loss"]
    assert seen[-1]["kernel/distance"] == result["kernel_distance"]


def assert_media(run, folder):
    last = run.rows[-1]
    kinds = {key.removesuffix("/_type"): value for key, value in last.items() if key.endswith("/_type")}
    assert kinds == {
        "kernel/gram_init": "image-file", "kernel/gram_final": "image-file", "summary": "image-file",
        "kernel/spectrum": "table-file", "results": "table-file",
    }  # fmt: skip
    for key in kinds:
        assert (run.folder / "files" / last[f"{key}/path"]).stat().st_size > 0
    table = json.loads((run.folder / "files" / last["results/path"]).read_text())
    ((run_name, *_),) = table["data"]
    assert run_name == folder.name and len(table["columns"]) == len(table["data"][0]) > 20
    spectrum = json.loads((run.folder / "files" / last["kernel/spectrum/path"]).read_text())
    shares = list(zip(*spectrum["data"], strict=True))
    assert spectrum["columns"] == ["rank", "init", "final"] and shares[0][0] == 1
    assert sum(shares[1]) == pytest.approx(1) and sum(shares[2]) == pytest.approx(1)
    assert [(name.split("-")[0], kind) for name, kind in run.artifacts if kind == "kernels"] == [("kernels", "kernels")]


def test_a_run_of_no_sweep_has_no_group(runs_dir):
    with pytest.raises(SystemExit):
        train([*SMALL, "ntk=none", "tracking.artifacts=false"])
    (run,) = wandb_runs(runs_dir / "g")
    assert (run.run.run_group, run.run.display_name) == ("", "regular-mlp-w8-sphere-n60-depth1-s0")
    assert not any(kind == "kernels" for _, kind in run.artifacts)


@pytest.mark.parametrize(
    ("swept", "changes", "name"),
    [
        (["alpha"], {"alpha": 1.0}, "lazy-mlp-w8-s0 alpha=1"),  # ordinary, so the folder's name leaves it out
        (["alpha"], {"alpha": 4.0}, "lazy-mlp-w8-alpha4-s0"),
        (["init_seed", "seed"], {"init_seed": 0}, "lazy-mlp-w8-s0 init_seed=0"),
        (["init_seed", "seed"], {"init_seed": 1}, "lazy-mlp-w8-s0-i1"),
        (["regime", "width", "arch", "data"], {}, "lazy-mlp-w8-s0 data=mnist"),
        (
            ["optimizer.lr", "ntk"],
            {"optimizer": {"lr": 1e-05}, "ntk": {"name": "few"}},
            "lazy-mlp-w8-s0 lr=1e-05 ntk=few",
        ),
        (["width"], {"name": "mine"}, "mine width=8"),
    ],
)
def test_a_name_says_what_was_swept_and_says_it_once(swept, changes, name, tmp_path):
    config = {"regime": {"name": "lazy"}, "arch": {"name": "mlp"}, "data": {"name": "mnist"}, "width": 8, "seed": 0}
    config |= {"group": "a/b", "runs_dir": str(tmp_path)} | changes
    folder = RunFolder.of(config)
    record = {"command": "train", "overrides": [], "group": "a/b", "runs": [folder.path.name], "swept": swept}
    (folder.path.parent / ".sweeps").mkdir(parents=True)
    (folder.path.parent / ".sweeps" / "12345678.json").write_text(json.dumps(record))
    called = called_by(TRAINING, config, folder)
    last = [key.rpartition(".")[2] for key in swept]
    assert (called.name, called.sweep) == (name, "-".join(["a-b", *last, "12345678"]))


def test_swept_is_what_differs():
    jobs = [["+a=1", "b=2", "c=x=1"], ["a=1", "b=3", "c=x=2"], ["a=1", "b=2", "c=x=1"]]
    assert swept_keys(jobs) == ["b", "c"]


def test_names_have_a_space_and_lose_nothing():
    names = (
        "train_loss",
        "kernel_alignment",
        "effective_rank",
        "epoch",
        "learning_rate",
        "feature_cka/fc1",
        "ntk_8_risk",
    )
    assert [tracked_name(name) for name in names] == [
        "train/loss", "kernel/alignment", "kernel/effective_rank", "epoch", "learning_rate", "feature/cka/fc1",
        "ntk/8_risk",
    ]  # fmt: skip
    assert flat({"a": {"b": 1, "c": {"d": None, "e": (1, 2)}}, "f": None}) == {"a/b": 1, "a/c/e": [1, 2]}
