"""python -m lazyregime.sweeps: what has become of a sweep, and the rest of it once more."""

import pytest
from test_train import train

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
