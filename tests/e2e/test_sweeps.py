"""python -m lazyregime.sweeps: what has become of a sweep, and the rest of it once more."""

import json
import os
import time

import pytest
from test_train import train

from lazyregime.runs.folder import RunFolder
from lazyregime.sweeps import main

SWEEP = ["-m", "debug=fdr", "width=4", "data.n_train=64", "trainer.batch_size=8", "loss=mse", "optimizer=sgd"]


def sweeps(*arguments):
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return exit_.value.code or 0


def test_the_table_tells_failed_from_complete_and_resubmit_computes_only_the_rest(runs_dir, capsys):
    assert train(*SWEEP, "lr=1e30,0.01,0.02") == 1
    done = [path for path in runs_dir.rglob("result.json")]
    assert len(done) == 2
    (runs_dir / "debug" / done[0].parent.name / "result.json").unlink()
    capsys.readouterr()
    assert sweeps("status", runs_dir) == 0
    table = capsys.readouterr().out
    assert "3 runs:" in table and "1 failed" in table and "1 complete" in table and "1 interrupted" in table
    assert "not finite at step" in table
    assert "lazyregime.sweeps resubmit" in table
    kept = done[1].stat().st_mtime_ns
    assert sweeps("resubmit", runs_dir) == 1  # one of them fails again
    assert "2 of 3 runs: python -m lazyregime.train -m debug=fdr" in capsys.readouterr().out
    assert done[0].exists()
    assert done[1].stat().st_mtime_ns == kept


def test_nothing_is_left_to_do(runs_dir, capsys):
    assert train(*SWEEP, "lr=0.01") == 0
    assert sweeps("resubmit", runs_dir) == 0
    assert "Nothing is left to do" in capsys.readouterr().out


def test_a_folder_without_runs(tmp_path, capsys):
    assert sweeps("status", tmp_path) == 2
    assert "neither a run nor a sweep" in capsys.readouterr().err


SLOW = pytest.mark.slow
DAMAGES = {
    "flipped": lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", ["flipped", "gone", *(pytest.param(d, marks=SLOW) for d in ("cut", "empty"))])
def test_every_damaged_file_is_named_and_mended(runs_dir, capsys, damage):
    """One file of each kind in a run of its own; afterwards all files but times are what they were."""
    names = ["kernels.safetensors", "metrics.csv", "config.yaml", "result.json", "figures/summary.png",
             "checkpoints/last.ckpt"]  # fmt: skip
    command = [*SWEEP, "ntk.null=0", f"seed={','.join(map(str, range(len(names))))}", "lr=0.01"]
    assert train(*command) == 0
    assert sweeps("verify", runs_dir) == 0
    folders = sorted(path.parent for path in runs_dir.rglob("config.yaml"))
    kept = {folder / name: (folder / name).read_bytes() for folder in folders for name in names}
    scalars = {folder: told(folder) for folder in folders}
    for folder, name in zip(folders, names, strict=True):
        DAMAGES[damage](folder / name)
    capsys.readouterr()
    assert sweeps("verify", runs_dir) == 1
    out = capsys.readouterr().out
    hidden = damage == "gone"  # a run without a result is interrupted, and one without a configuration has no row
    assert all(name in out for name in names if not (hidden and name == "result.json")), out
    assert sweeps("resubmit", runs_dir) == 0
    assert sweeps("verify", runs_dir) == 0
    assert {folder: told(folder) for folder in folders} == scalars
    for path in kept:
        if path.name in ("kernels.safetensors", "config.yaml"):
            assert path.read_bytes() == kept[path], path


def told(folder):
    """What a result says, but for times and what depends on them."""
    result = json.loads((folder / "result.json").read_text())
    return {key: value for key, value in result.items()
            if not key.startswith(("seconds", "started", "finished", "checksums", "sha256"))}  # fmt: skip


def test_metrics_that_are_no_text_do_not_hide_the_other_runs(runs_dir, capsys):
    """One flipped bit in metrics.csv was a traceback of status, verify and resubmit."""
    assert train(*SWEEP, "ntk.null=0", "lr=0.01") == 0
    (metrics,) = runs_dir.rglob("metrics.csv")
    metrics.write_bytes(b"\xff" + metrics.read_bytes())
    assert sweeps("status", runs_dir) == 0
    assert sweeps("verify", runs_dir) == 1
    assert "metrics.csv" in capsys.readouterr().out
    metrics.unlink()
    os.mkfifo(metrics)  # nobody waits for what never comes
    assert sweeps("status", runs_dir) == 0


def test_a_run_under_way_has_given_a_sign_of_life(runs_dir, capsys):
    assert train(*SWEEP, "lr=0.01") == 0
    run = next(runs_dir.rglob("result.json")).parent
    (run / "result.json").unlink()
    with RunFolder.named(run).locked():
        seen = time.time() - 42
        os.utime(run / "lock", (seen, seen))
        capsys.readouterr()
        assert sweeps("status", runs_dir) == 0
    table = capsys.readouterr().out
    assert "sign of life" in table and ("42 s ago" in table or "43 s ago" in table)
    assert sweeps("status", runs_dir) == 0
    assert "sign of life" not in capsys.readouterr().out
