"""What is recorded is what was logged; and no way in which a service fails ends or delays a training."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from wandb_file import history, wandb_runs

from lazyregime.errors import LazyRegimeError
from lazyregime.runs.folder import RunFolder
from lazyregime.tracking import _worker, tracking
from lazyregime.tracking._wandb import WandbBackend, is_logged_in
from lazyregime.tracking.tracking import open_tracking

KEY = "0123456789" * 4


def configured(tmp_path: Path, kind: str = "wandb", **changes: Any) -> tuple[dict[str, Any], RunFolder]:
    config: dict[str, Any] = {
        "arch": {"name": "mlp", "depth": 3, "activation": "relu"},
        "regime": {"name": "lazy"},
        "data": {"name": "mnist"},
        "width": 8,
        "alpha": None,
        "seed": 0,
        "group": "poster",
        "runs_dir": str(tmp_path / "runs"),
        "tags": ["one", "two"],
        "tracking": {"kind": kind, "project": "lazyregime-tests", "entity": None, "mode": "offline"},
        **changes,
    }
    return config, RunFolder.of(config)


@pytest.fixture
def said() -> list[str]:
    return []


def warnings_in(said: list[str]) -> list[str]:
    return [line for line in said if line.startswith("Warning:")]


def test_a_wandb_run_says_what_was_logged(tmp_path, said):
    from PIL import Image

    config, folder = configured(tmp_path)
    folder.write_config("width: 8\n")
    Image.new("RGB", (3, 2)).save(tmp_path / "gram.png")
    with open_tracking(config, folder, said.append) as recording:
        rows: list[dict[str, object]] = [{"epoch": 0, "step": 7, "train_loss": 0.5, "test_accuracy": 0.25}]
        recording.log_rows(rows)
        recording.log_rows([*rows, {"epoch": 1, "step": 8, "train_loss": 0.125}])
        recording.log_image("figures/gram", tmp_path / "gram.png")
        recording.log_table("result", ["quantity", "value"], [["kernel", "0.9"], ["network", "0.98"]])
        recording.summary({"verdict": "lazy", "kernel_change": 0.01})
    (run,) = wandb_runs(folder.path.parent)
    assert (run.run.project, run.run.run_group, run.run.job_type) == ("lazyregime-tests", "", "lazy")
    assert (run.run.display_name, list(run.run.tags)) == (folder.name, ["one", "two"])
    assert run.run.run_id.startswith(folder.id)
    assert run.exit_code == 0
    assert history(run) == [
        {"epoch": 0, "step": 7, "train/loss": 0.5, "test/accuracy": 0.25},
        {"epoch": 1, "step": 8, "train/loss": 0.125},
    ]
    beside = run.rows[-1]  # figures and tables stand with the last row
    assert beside["figures/gram/_type"] == "image-file" and beside["result/_type"] == "table-file"
    table = json.loads((run.folder / "files" / beside["result/path"]).read_text())
    assert table == {"columns": ["quantity", "value"], "data": [["kernel", "0.9"], ["network", "0.98"]]}
    assert (run.folder / "files" / beside["figures/gram/path"]).stat().st_size > 0
    assert (run.summary["verdict"], run.summary["kernel/change"]) == ("lazy", 0.01)
    assert run.metrics["*"] == "step"
    config_seen = {k: v for k, v in run.config.items() if not k.startswith("_")}
    assert config_seen == {
        "regime": "lazy", "arch": "mlp", "data": "mnist", "regime/name": "lazy", "arch/name": "mlp", "arch/depth": 3,
        "arch/activation": "relu", "data/name": "mnist", "width": 8, "seed": 0, "tags": ["one", "two"],
        "runs_dir": config["runs_dir"], "tracking/kind": "wandb", "tracking/mode": "offline",
        "tracking/project": "lazyregime-tests", "folder_group": "poster", "run": folder.path.name,
    }  # fmt: skip
    assert (run.folder / "files" / "lazyregime-config.yaml").read_text() == "width: 8\n"
    assert len(said) == 1 and "wandb sync" in said[0]
    assert folder.status() == "interrupted" and folder.path.parent / "wandb" in folder.path.parent.iterdir()


def test_two_runs_in_one_process_are_two_wandb_runs_and_a_failed_one_says_so(tmp_path, said):
    ids = []
    for seed, failure in ((0, RuntimeError), (1, None), (2, SystemExit), (3, KeyboardInterrupt)):
        config, folder = configured(tmp_path, seed=seed)
        try:
            with open_tracking(config, folder, said.append) as recording:
                recording.log_rows([{"seed": seed}])
                if failure is not None:
                    raise failure
        except (RuntimeError, SystemExit, KeyboardInterrupt):
            assert failure is not None
        ids.append(folder.id)
    runs = wandb_runs(tmp_path / "runs" / "poster")
    assert [run.run.run_id[:8] for run in runs] == ids
    assert [[row["seed"] for row in run.rows] for run in runs] == [[0], [1], [2], [3]]
    assert [run.exit_code for run in runs] == [1, 0, 0, 1]
    assert not warnings_in(said)


def test_the_wandb_id_is_that_of_the_run_and_its_group(tmp_path):
    first, again, other = (
        WandbBackend(*configured(tmp_path / place, group=group)).id
        for place, group in (("a", "x"), ("b", "x"), ("a", "y"))
    )
    assert first == again != other


class Broken:
    """A backend in which one method raises, and the calls that came."""

    name = "wandb"

    def __init__(self, method: str) -> None:
        self.method, self.calls = method, []

    def __getattr__(self, name: str) -> Any:
        def call(*_: Any) -> str:
            self.calls.append(name)
            if name == self.method:
                raise ConnectionResetError("the service\ndied")
            return "it is open"

        return call


@pytest.mark.parametrize("method", ["open", "log_row", "log_image", "log_table", "summary", "finish"])
@pytest.mark.filterwarnings("error")
def test_training_goes_on_whatever_fails_and_one_line_says_so(tmp_path, said, method, monkeypatch):
    broken = Broken(method)
    monkeypatch.setattr(tracking, "_backend", lambda *_: broken)
    reached_the_end = False
    with open_tracking(*configured(tmp_path), said.append) as recording:
        for count in range(1, 4):
            recording.log_rows([{"loss": 1.0}] * count)
        recording.log_image("a", "b.png")
        recording.log_table("a", ["b"], [["c"]])
        recording.summary({"a": 1})
        reached_the_end = True
    assert reached_the_end
    assert warnings_in(said) == [
        "Warning: wandb failed (ConnectionResetError: the service died); the run goes on without it, "
        "and its folder has everything."
    ]
    assert ("finish" in broken.calls) == (method != "open")
    assert ("abandon" in broken.calls) == (method in ("open", "finish"))
    assert broken.calls.count("log_row") == {"open": 0, "log_row": 1}.get(method, 3)


@pytest.mark.parametrize("method", ["init", "log", "finish"])
def test_training_goes_on_when_wandb_itself_raises(tmp_path, said, method, monkeypatch):
    import wandb

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no such luck")

    if method == "init":
        monkeypatch.setattr(wandb, "init", fail)
    else:
        monkeypatch.setattr(wandb.Run, method, fail)
    with open_tracking(*configured(tmp_path), said.append) as recording:
        recording.log_rows([{"loss": 1.0}, {"loss": 2.0}])
    assert len(warnings_in(said)) == 1 and "RuntimeError: no such luck" in warnings_in(said)[0]
    monkeypatch.undo()
    config, folder = configured(tmp_path, group="after")
    with open_tracking(config, folder, said.append) as recording:
        recording.log_rows([{"loss": 3.0}])
    (run,) = wandb_runs(folder.path.parent)
    assert (run.rows[0]["loss"], run.exit_code) == (3.0, 0)
    if method == "log":  # finished all the same
        assert wandb_runs(tmp_path / "runs" / "poster")[0].exit_code == 0


def test_training_goes_on_without_wandb(tmp_path, said, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with open_tracking(*configured(tmp_path), said.append) as recording:
        recording.log_rows([{"loss": 1.0}])
    assert len(said) == 1 and said[0].startswith("Warning: wandb failed (ModuleNotFoundError: import of wandb halted")


def test_a_service_that_hangs_holds_nothing_up(tmp_path, said, monkeypatch):
    hangs, over = threading.Event(), threading.Event()
    monkeypatch.setattr(_worker, "QUEUE_LENGTH", 10)
    monkeypatch.setattr(tracking, "FINISH_SECONDS", 0.2)
    hanging = Broken("nothing")
    hanging.log_row = lambda *_: (hangs.set(), over.wait(30))  # type: ignore[attr-defined]
    monkeypatch.setattr(tracking, "_backend", lambda *_: hanging)
    start = time.monotonic()
    with open_tracking(*configured(tmp_path), said.append) as recording:
        recording.log_rows([{"loss": 1.0}])
        assert hangs.wait(5)
        for count in range(2, 21):
            recording.log_rows([{"loss": 1.0}] * count)
    assert time.monotonic() - start < 5
    assert hanging.calls[-1] == "abandon"  # looked at before the thread that hangs goes on with its queue
    over.set()
    assert len(said) == 2 and "TimeoutError: it does not keep up" in said[1]


SCRIPT = """
import os, signal, sys
from lazyregime.tracking import _wandb, tracking
from lazyregime.runs.folder import RunFolder
what, runs_dir, mode = sys.argv[1:]
_wandb.INIT_SECONDS, tracking.FINISH_SECONDS = 3.0 if mode == "auto" else 30.0, 6.0 if what == "SIGSTOP" else 30.0
for seed in (0, 1):
    config = {"regime": {"name": "lazy"}, "arch": {"name": "mlp"}, "width": 8, "seed": seed, "group": "g",
              "runs_dir": runs_dir, "tracking": {"kind": "wandb", "mode": mode}}
    with tracking.open_tracking(config, RunFolder.of(config), lambda line: print(line, flush=True)) as recording:
        recording.log_rows([{"seed": seed}])
        if seed == 0 and what != "nothing":
            (pid,) = _wandb._service_processes()
            os.kill(pid, getattr(signal, what))
        for count in range(2, 202):
            recording.log_rows([{"seed": seed}] * count)
    print("next", flush=True)
"""


def run_script(tmp_path: Path, what: str, mode: str = "offline", **environment: str) -> list[str]:
    """The lines of a sweep of two jobs in a process of its own, through a file: an orphan would hold up a pipe."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("WANDB") and k != "NETRC"}
    command = [sys.executable, "-c", SCRIPT, what, str(tmp_path / "runs"), mode]
    with (tmp_path / "output").open("w") as output:
        subprocess.run(
            command, env={**clean, "HOME": str(tmp_path), **environment}, stdout=output, stderr=output, timeout=120,
            check=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    return (tmp_path / "output").read_text().splitlines()


@pytest.mark.parametrize("signal_name", ["SIGSTOP", "SIGKILL"])
def test_a_stopped_or_killed_service_ends_neither_the_run_nor_the_next_and_lets_the_process_end(tmp_path, signal_name):
    lines = [line for line in run_script(tmp_path, signal_name) if not line.startswith("wandb: ERROR")]
    assert [line.split()[0] for line in lines] == ["wandb:", "Warning:", "next", "wandb:", "next"], lines
    last = wandb_runs(tmp_path / "runs" / "g", patience=0)[-1]
    assert (len(last.rows), last.rows[0]["seed"], last.exit_code) == (201, 1, 0)


def test_nobody_logged_in_means_offline_and_one_line(tmp_path):
    lines = run_script(tmp_path, "nothing", "auto")
    assert lines[1::2] == ["next", "next"]
    assert all(
        "not logged in, so this run is recorded offline in" in line or "recorded offline" in line for line in lines[::2]
    )
    assert [run.exit_code for run in wandb_runs(tmp_path / "runs" / "g", patience=0)] == [0, 0]


@pytest.mark.parametrize("home", ["/proc/1", ""])
def test_a_home_that_cannot_be_written_is_not_needed(tmp_path, home):
    lines = run_script(tmp_path, "nothing", HOME=home, XDG_CACHE_HOME="", XDG_DATA_HOME="", XDG_CONFIG_HOME="")
    assert [line.split()[0] for line in lines] == ["wandb:", "next"] * 2, lines
    assert list((tmp_path / "runs" / "g" / "wandb" / "home").rglob("core-debug-*.log"))


def test_logged_in_without_a_connection_means_offline_after_a_short_wait(tmp_path):
    lines = run_script(tmp_path, "nothing", "auto", WANDB_API_KEY=KEY, WANDB_BASE_URL="http://127.0.0.1:9")
    assert lines[1::2] == ["next", "next"], lines
    assert all(line.startswith("wandb: no connection (") and "recorded offline" in line for line in lines[::2])
    offline = [run for run in wandb_runs(tmp_path / "runs" / "g", patience=0) if run.folder.name.startswith("offline")]
    assert [(run.exit_code, len(run.rows)) for run in offline] == [(0, 201), (0, 201)]


@pytest.fixture
def nobody(monkeypatch, tmp_path):
    for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(WandbBackend, "unreachable", "")


@pytest.mark.parametrize("host", ["api.wandb.example", "wandb.uni.example", "other.example"])
def test_credentials_are_found_in_files_and_the_environment(nobody, tmp_path, monkeypatch, host):
    def logged_in() -> bool:
        return is_logged_in("https://api.wandb.example")

    assert not logged_in()
    path = tmp_path / ".netrc"
    path.write_text(f"machine {host}\n  login user\n  password {KEY}\n")
    path.chmod(0o600)
    assert logged_in() == ("wandb" in host)
    monkeypatch.setenv("NETRC", str(tmp_path / "nowhere"))
    assert not logged_in()
    monkeypatch.setenv("NETRC", str(path))
    assert logged_in() == ("wandb" in host)
    path.write_text("machine\nnonsense nonsense")
    assert not logged_in()
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    assert logged_in()


@pytest.mark.parametrize(
    ("asked", "setting", "key", "mode"),
    [
        ("auto", "online", None, "offline"),
        ("auto", "online", KEY, "online"),
        ("auto", "offline", KEY, "offline"),
        ("auto", "dryrun", KEY, "offline"),
        ("auto", "disabled", KEY, "disabled"),
        ("online", "offline", KEY, "online"),
        ("online", "online", None, "offline"),
        ("offline", "online", KEY, "offline"),
        ("disabled", "online", KEY, "disabled"),
    ],
)
def test_the_mode(nobody, tmp_path, asked, setting, key, mode):
    backend = WandbBackend(*configured(tmp_path, tracking={"kind": "wandb", "mode": asked}))
    settings = SimpleNamespace(mode=setting, base_url="https://api.example", api_key=key)
    assert backend._mode(settings)[0] == mode


def test_disabled_wandb_records_nothing(tmp_path, said):
    config, folder = configured(tmp_path, tracking={"kind": "wandb", "mode": "disabled"})
    with open_tracking(config, folder, said.append) as recording:
        recording.log_rows([{"loss": 1.0}])
    assert said == [] and not (folder.path.parent / "wandb").exists()


def test_tensorboard_files_say_what_was_logged(tmp_path, said):
    from PIL import Image
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    config, folder = configured(tmp_path, "tensorboard")
    Image.new("RGB", (3, 2)).save(tmp_path / "gram.png")
    with open_tracking(config, folder, said.append) as recording:
        recording.log_rows([{"step": 7, "train_loss": 0.5}])
    with open_tracking(config, folder, said.append) as recording:  # it was interrupted, and gives all rows again
        recording.log_rows([{"step": 7, "train_loss": 0.5}, {"step": 8, "train_loss": 0.25}])
        recording.log_rows([{"step": 7}, {"step": 8, "train_loss": 0.25, "test_loss": 0.75}])  # known at the end
        recording.log_image("gram", tmp_path / "gram.png")
        recording.summary({"verdict": "lazy", "test_loss": 0.75, "train_loss": 0.25})
    events = EventAccumulator(str(folder.path / "tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("train/loss")] == [(7, 0.5), (8, 0.25)]
    assert [(event.step, event.value) for event in events.Scalars("test/loss")] == [(8, 0.75)]
    assert (events.Images("gram")[0].width, events.Images("gram")[0].height) == (3, 2)
    assert "result/text_summary" in events.Tags()["tensors"]
    told = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    started = plugin_data_pb2.HParamsPluginData.FromString(told).session_start_info.hparams
    assert (started["width"].number_value, started["regime/name"].string_value) == (8, "lazy")
    told = events.summary_metadata["_hparams_/experiment"].plugin_data.content
    experiment = plugin_data_pb2.HParamsPluginData.FromString(told).experiment
    assert [metric.name.tag for metric in experiment.metric_infos] == ["test/loss"]
    assert not warnings_in(said)


def test_tensorboard_that_is_not_installed_is_a_sentence(tmp_path, said, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    message = r"not installed; give `pip install 'lazyregime\[tensorboard\]'`"
    with (
        pytest.raises(LazyRegimeError, match=message),
        open_tracking(*configured(tmp_path, "tensorboard"), said.append),
    ):
        pass


def test_csv_is_nothing_beside_the_local_files(tmp_path, said):
    with open_tracking(*configured(tmp_path, "csv"), said.append) as recording:
        recording.log_rows([{"loss": 1.0}])
        recording.summary({"a": 1})
    assert said == [] and not (tmp_path / "runs").exists()


def test_of_several_processes_of_one_run_only_the_first_records(tmp_path, said, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    with open_tracking(*configured(tmp_path), said.append) as recording:
        recording.log_rows([{"loss": 1.0}])
    assert said == [] and not (tmp_path / "runs").exists()


def test_an_unknown_kind_is_refused(tmp_path, said):
    with pytest.raises(LazyRegimeError, match="give wandb, tensorboard, or csv"):
        open_tracking(*configured(tmp_path, "wandbb"), said.append).__enter__()
