"""python -m lazyregime.train as a user types it, on real MNIST with a small network."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lazyregime.train import main

FAST = ["debug=fdr"]


def train(*arguments):
    """The exit code of the command."""
    with pytest.raises(SystemExit) as exit_:
        main([*arguments])
    return exit_.value.code or 0


def only(runs_dir):
    """The one run folder there is."""
    (folder,) = [path.parent for path in runs_dir.rglob("config.yaml")]
    return folder


def test_a_run_leaves_what_it_promises_and_is_not_repeated(runs_dir, capsys):
    assert train(*FAST) == 0
    printed = capsys.readouterr().out
    folder = only(runs_dir)
    for words in (
        "kernel regression at initialization",
        "kernel regression after training",
        "two initializations",
        "Next: ",
    ):
        assert words in printed
    assert str(folder) in printed
    for name in ("config.yaml", "result.json", "metrics.csv", "kernels.safetensors", "figures/summary.png"):
        assert (folder / name).stat().st_size > 0
    assert "\x1b[" not in printed  # no terminal, no colours
    result = json.loads((folder / "result.json").read_text())
    assert result["status"] == "complete"
    assert result["num_params"] == 784 * 16 + 16 + 2 * (16 * 16 + 16) + 16 * 10 + 10
    assert 0 < result["kernel_accuracy_adh_final"] <= 1
    assert result["kernel_change"] > 0
    rows = list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    written = (folder / "result.json").stat().st_mtime_ns
    assert train(*FAST, "--explain") == 0
    told = capsys.readouterr().out
    assert "complete already" in told and "sine of the angle" in told and "Below 0.33 the network is" in told
    assert "Below 0.33" not in printed
    assert (folder / "result.json").stat().st_mtime_ns == written
    assert train(*FAST, "rerun=true") == 0
    assert (folder / "result.json").stat().st_mtime_ns > written


def test_a_regression_tells_its_loss_and_is_told_of_again(runs_dir, capsys):
    small = ["-m", "experiment=gmmm20_spiked_net", "width=8", "data.n_train=40", "data.n_test=20", "seed=0,1"]
    assert train(*small, "trainer.max_epochs=2") == 0
    printed = capsys.readouterr()
    losses = [json.loads(path.read_text())["test_loss"] for path in sorted(runs_dir.rglob("result.json"))]
    assert len(losses) == 2 and "nan" not in printed.out and "Warning" not in printed.err
    assert printed.out.count("network, loss on the test set") == 2
    assert train(*small, "trainer.max_epochs=2") == 0
    again = capsys.readouterr().out
    assert again.count("complete already (rerun=true") == 2
    assert "test loss" in again and all(f"{loss:.4f}" in again for loss in losses)
    assert train(*small[1:-1], "trainer.max_epochs=2", "ntk=default") == 0
    assert "kernel moved by" in capsys.readouterr().out


def test_the_lazy_kernel_stays_and_the_feature_kernel_moves(runs_dir, capsys):
    assert train("-m", *FAST, "regime=lazy,feature", "lr=0.3", "trainer.max_epochs=3", "tags=[a,b]") == 0
    printed = capsys.readouterr().out
    assert "2 runs, 0 of them complete already, 2 to do" in printed
    results = [json.loads(path.read_text()) for path in runs_dir.rglob("result.json")]
    by_regime = {result["regime"]: result for result in results}
    assert by_regime["lazy"]["kernel_change"] == 0
    assert by_regime["lazy"]["verdict"] == "lazy"
    assert by_regime["lazy"]["parameter_displacement"] > 0
    assert by_regime["feature"]["kernel_change"] > 0.01
    assert by_regime["feature"]["laziness"] == pytest.approx(1.0)


def test_probes_in_between_are_rows_and_kernels(runs_dir):
    from safetensors.torch import load_file

    looks = ["ntk.at.epochs=[2]", "ntk.at.steps=[3]", "ntk.at.per_decade=1", "ntk.at.loss_fractions=[0.95]"]
    options = [*looks, "trainer.max_epochs=50", "data.n_train=320"]
    assert train(*FAST, *options) == 0
    folder = only(runs_dir)
    kernels = load_file(folder / "kernels.safetensors")
    looked = {"init", "epoch_2", "step_3", "time_1", "time_10", "time_100", "loss_0.95", "final"}
    assert {f"gram_{tag}" for tag in looked} | {"spectrum_final"} <= set(kernels)
    rows = list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))
    per_epoch = max(int(row["step"]) for row in rows) // 50
    probed = {int(row["step"]): float(row["epoch"]) for row in rows if row["kernel_accuracy_adh"] != ""}
    assert {0, 1, 3, 10, 100, 2 * per_epoch, 50 * per_epoch} <= set(probed)
    assert all(epoch == pytest.approx(step / per_epoch, abs=1e-4) for step, epoch in probed.items())
    epochs = [row for row in rows if row["test_accuracy"] != ""]
    assert [int(row["epoch"]) for row in epochs] == list(range(51))
    assert epochs[1]["kernel_accuracy_adh"] == "" != epochs[2]["kernel_accuracy_adh"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["widht=3"], 2, "did you mean 'width'?"),
        (["arch=mpl"], 2, "did you mean 'mlp'?"),
        (["width=abc"], 2, "'abc' is not a whole number"),
        (["width=-3"], 2, "width=-3 is not possible"),
        (["alpha=0"], 2, "alpha=0 is not possible"),
        (["alpha=5"], 2, "use regime=scaled"),
        (["regime=scaled"], 2, "needs an alpha"),
        (["regime=scaled", "alpha=2", "laziness=2"], 2, "say the same thing twice"),
        (["arch.dpeth=3"], 2, "did you mean 'depth'?"),
        (["arch.depth=deep"], 2, "it must be a whole number"),
        (["arch.activation=rleu"], 2, "choose one of relu"),
        (["max_epochs=3"], 2, "what other projects call so is trainer.max_epochs here"),
        (["trainer.schedule=lin"], 2, "did you mean 'linear'?"),
        (["trainer.patience=3"], 2, "needs trainer.monitor"),
        (["trainer.monitor=validation_accuracy"], 2, "data.n_validation=5000"),
        (["trainer.max_epochs=0"], 2, "must be at least 1"),
        (["num_threads=0"], 2, "must be at least 1"),
        (["regime.linearized=true"], 2, "contradicts this regime"),
        (["+foo=3"], 2, "There is no key 'foo'"),
        (["experiment=posters"], 2, "did you mean 'poster_table'?"),
        (["width=1,2"], 2, "sweep over them with -m"),
        (["a=3=4,{"], 2, "cannot be read"),
        (["width=null"], 2, "width=null is not possible; it must be a whole number"),
        (["~arch"], 2, "has no arch"),
        (["name=a/b"], 2, "cannot be the name of a folder"),
        (["-m", "width=8,-1"], 2, "job 2 of 2"),
        (["lr=-1"], 2, "lr=-1"),
        (["-m", "data=sphere", "loss=mse", "seed=0,-1"], 2, "seed=-1 is not possible"),
        (["data.n_train=0"], 2, "data.n_train=0 is not possible; give a whole number from 1 to 60000, or null for all"),
        (["data.n_test=10001"], 2, "data.n_test=10001 is not possible"),
        (["data=sphere", "loss=mse", "data.target_powers=[a]"], 2, "give a list of 1 to 9 numbers >= 0"),
        (["data=cifar10", "data.normalization=mean"], 2, "choose one of cob19, adh19, pixels"),
    ],
)
def test_a_wrong_command_is_one_sentence(arguments, code, words, runs_dir, capsys):
    assert train(*arguments) == code
    captured = capsys.readouterr()
    assert words in captured.err
    assert "Traceback" not in captured.err + captured.out
    assert len(captured.err.strip().splitlines()) == 1
    assert not list(runs_dir.rglob("config.yaml"))


def test_a_loss_that_is_not_finite_fails_the_run_at_its_step(runs_dir, capsys):
    assert train(*FAST, "optimizer=sgd", "lr=1e30", "loss=mse", "trainer.batch_size=8") == 1
    captured = capsys.readouterr()
    assert "not finite at step" in captured.err
    assert "Traceback" not in captured.err
    failure = json.loads((only(runs_dir) / "failure.json").read_text())
    assert "not finite at step" in failure["message"]
    assert failure["step"] is not None
    assert not (only(runs_dir) / "result.json").exists()


def test_one_failing_job_does_not_stop_the_sweep(runs_dir, capsys):
    arguments = ["-m", *FAST, "optimizer=sgd", "lr=1e30,0.01", "loss=mse", "trainer.batch_size=8"]
    assert train(*arguments) == 1
    assert "1 of 2 runs have no result" in capsys.readouterr().out
    assert len(list(runs_dir.rglob("result.json"))) == 1
    assert len(list(runs_dir.rglob("failure.json"))) == 1


@pytest.mark.parametrize("damage", ["missing", "corrupt"])
def test_data_that_cannot_be_used_are_named(damage, runs_dir, tmp_path, capsys):
    raw = tmp_path / "data" / "MNIST" / "raw"
    if damage == "corrupt":
        raw.mkdir(parents=True)
        (raw / "train-images-idx3-ubyte").write_bytes(b"not an image")
    assert train(*FAST, f"data_dir={tmp_path / 'data'}", "data.offline=true") == 1
    captured = capsys.readouterr()
    assert "train-images-idx3-ubyte" in captured.err
    assert "Traceback" not in captured.err


def test_a_run_that_another_process_writes_is_left_alone(runs_dir, capsys):
    from lazyregime.app.train.command import TRAIN

    folder = TRAIN.folder(TRAIN.source.compose_job(FAST))
    holder = (
        "import sys; from pathlib import Path; from lazyregime.runs.lock import lock\n"
        "with lock(Path(sys.argv[1]), command='train'):\n    print('held', flush=True); sys.stdin.read()"
    )
    folder.path.mkdir(parents=True)
    process = subprocess.Popen(
        [sys.executable, "-c", holder, str(folder.lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert train(*FAST) == 1
        assert f"process {process.pid}" in capsys.readouterr().err
        process.kill()
    assert train(*FAST) == 0


SCIENCE = ("train_loss", "test_loss", "test_accuracy", "kernel_accuracy_adh_init", "kernel_accuracy_adh_final",
           "kernel_change", "parameter_displacement", "epochs", "steps", "relu_unchanged")  # fmt: skip


def test_killed_at_any_moment_it_ends_as_if_undisturbed(runs_dir, tmp_path):
    options = [*FAST, "trainer.max_epochs=40", "data.n_train=6000", "arch.normalize_activation=true"]
    command = [sys.executable, "-m", "lazyregime.train", *options]
    for rows, stop in ((2, signal.SIGINT), (8, signal.SIGKILL), (16, signal.SIGKILL)):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ)
        wait_for_rows(runs_dir, rows, process)
        time.sleep(0.005 * rows)
        process.send_signal(stop)
        printed, _ = process.communicate()
        if stop == signal.SIGINT:
            assert process.returncode == 130
            assert "Interrupted; the same command goes on" in printed
            assert "Traceback" not in printed
    assert not list(runs_dir.rglob("result.json"))
    resumed = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    assert "Resuming from" in resumed.stdout
    undisturbed = {**os.environ, "LAZYREGIME_RUNS": str(tmp_path / "other")}
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=undisturbed)
    (a,), (b,) = (list(Path(d).rglob("result.json")) for d in (runs_dir, tmp_path / "other"))
    killed, whole = json.loads(a.read_text()), json.loads(b.read_text())
    assert {k: killed[k] for k in SCIENCE} == {k: whole[k] for k in SCIENCE}
    assert metrics_of(a) == metrics_of(b)
    assert (a.parent / "kernels.safetensors").read_bytes() == (b.parent / "kernels.safetensors").read_bytes()


def metrics_of(result: Path):
    rows = list(csv.DictReader((result.parent / "metrics.csv").read_text().splitlines()))
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


def wait_for_rows(runs_dir, rows, process):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        for path in runs_dir.rglob("metrics.csv"):
            if len(path.read_text().splitlines()) > rows:
                return
        time.sleep(0.005)
    raise AssertionError(f"no {rows} rows: the run ended early or hangs")


@pytest.mark.parametrize("mode", ["fdr", "overfit", "limit", "profile"])
def test_every_debug_mode_runs(mode, runs_dir):
    assert train(f"debug={mode}", "width=8", "ntk.n_test=20", "data.n_test=50") == 0
    result = json.loads((only(runs_dir) / "result.json").read_text())
    if mode == "limit":
        assert result["steps"] == 20 * 5
    if mode == "profile":
        assert list(only(runs_dir).glob("*profile*.txt"))


def test_overfitting_reaches_every_training_label(runs_dir):
    assert train("debug=overfit", "width=64", "ntk=none", "data.n_test=50") == 0
    assert json.loads((only(runs_dir) / "result.json").read_text())["train_accuracy"] == 1


def test_a_cnn_on_fashion_mnist_in_the_feature_regime_with_the_posters_trainer(runs_dir):
    options = ["arch=cnn", "data=fashion_mnist", "regime=feature", "trainer=poster", "width=4", "trainer.max_epochs=3"]
    assert train(*FAST, *options, "trainer.batch_size=64", "loss=softhinge", "arch.last_activation=false") == 0
    result = json.loads((only(runs_dir) / "result.json").read_text())
    assert result["selected_on"] == "test"
    assert (only(runs_dir) / "checkpoints" / "best.ckpt").exists()


def test_the_probe_takes_two_classes_with_one_output_and_real_targets(runs_dir, capsys):
    assert train(*FAST, "data=mnist_parity", "data.n_train=64", "data.n_test=64", "data.n_kernel=20") == 0
    small = ["width=8", "data.n_train=40", "data.n_test=20", "trainer.max_epochs=2", "ntk.anchors_per_class=10"]
    assert train("data=sphere", "data.dimension=5", "loss=mse", "tracking=csv", *small) == 0
    printed = capsys.readouterr().out
    assert "kernel regression after training, squared error" in printed
    assert printed.count("two initializations differ by") == 2 and "No verdict" not in printed
    results = {r["data"]: r for r in (json.loads(path.read_text()) for path in runs_dir.rglob("result.json"))}
    assert all(result["warnings"] == [] for result in results.values())
    assert 0.3 < results["mnist_parity"]["kernel_accuracy_adh_init"] <= 1
    assert results["mnist_parity"]["num_anchors"] == 20
    assert results["sphere"]["kernel_risk_adh_final"] > 0
    assert "kernel_accuracy_adh_final" not in results["sphere"]


def test_real_targets_have_no_accuracy_and_that_is_no_warning(runs_dir):
    small = ["data.dimension=5", "data.n_train=40", "data.n_test=20", "width=8", "trainer.max_epochs=1", "ntk=none"]
    assert train("data=sphere", "loss=mse", "tracking=csv", *small) == 0
    result = json.loads((only(runs_dir) / "result.json").read_text())
    assert result["test_accuracy"] is None and result["test_loss"] > 0 and result["non_finite"] == []
