"""However often a run is interrupted, what wandb has of it in the end is metrics.csv: no row lost, none twice."""

from types import SimpleNamespace
from typing import Any

import pytest
from test_tracking import configured
from wandb_file import history, wandb_runs

from lazyregime.tracking._wandb import WandbBackend
from lazyregime.tracking.names import tracked_names
from lazyregime.tracking.tracking import open_tracking

ROWS = [{"epoch": i, "step": 10 * i, "train_loss": 1 / (1 + i), **({"kernel": 0.5} if i % 2 else {})} for i in range(6)]


@pytest.mark.parametrize(("rows", "axis"), [(ROWS, "step"), ([{"time": t, "risk": 1.0} for t in (0.0, 0.5)], "time")])
def test_offline_the_last_part_has_the_whole_history(tmp_path, rows, axis):
    config, folder = configured(tmp_path)
    for count in (1, len(rows) // 2, len(rows)):
        with open_tracking(config, folder, print) as recording:
            for known in range(count + 1):
                recording.log_rows(rows[:known])
            recording.log_table("result", ["quantity", "value"], [["kernel", "0.9"]])
    parts = wandb_runs(folder.path.parent)
    assert len({part.run.run_id for part in parts}) == 1
    assert [len(part.rows) for part in parts] == [1, len(rows) // 2, len(rows)]
    assert history(parts[-1]) == [tracked_names(row) for row in rows]
    assert [row["_step"] for row in parts[-1].rows] == list(range(len(rows)))
    assert parts[-1].metrics["*"] == axis


class Server:
    """wandb's run as it resumes: the server has the first rows already."""

    def __init__(self, rows: int) -> None:
        self.starting_step, self.rows, self.media = rows, [dict[str, Any](row) for row in ROWS[:rows]], {}
        self.summary = SimpleNamespace(update=self.media.update)

    def define_metric(self, *_: Any, **__: Any) -> None:
        pass

    def log(self, row: dict[str, Any], step: int) -> None:
        assert step >= self.starting_step, "wandb would warn and drop it"
        if step == len(self.rows):
            self.rows.append({})
        self.rows[step] |= row


@pytest.mark.parametrize("there", range(len(ROWS) + 1))
def test_online_what_the_server_has_is_left_out(tmp_path, there):
    backend = WandbBackend(*configured(tmp_path))
    backend.run = server = Server(there)
    for number, row in enumerate(ROWS):
        backend.log_row(row, number)
    backend.log_table("result", ["quantity", "value"], [["kernel", "0.9"]])
    media = server.media if there == len(ROWS) else server.rows[-1]
    assert "result" in media
    assert [{k: v for k, v in row.items() if k != "result"} for row in server.rows] == ROWS
