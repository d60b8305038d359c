"""One run is one wandb run, whose history is metrics.csv: grouped by sweep, an id that the same command gives again.

wandb's group is the sweep, its job type the regime. The group of our folders is `folder_group` in the configuration.

wandb's own step is the number of the row. A run that was interrupted gives all its rows again: offline, each part is a
file of its own with the whole history, and the last one is all there is to upload; online, what the server has is left
out.
"""

import contextlib
import hashlib
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, final

from lazyregime.runs.folder import RunFolder
from lazyregime.runs.identity import look_up
from lazyregime.tracking._backend import Picture
from lazyregime.tracking._wandb_home import settle_home
from lazyregime.tracking._worker import Worker
from lazyregime.tracking.called import Called
from lazyregime.tracking.login import is_logged_in
from lazyregime.tracking.names import flat

INIT_SECONDS = 30.0  # wandb's own patience; the tracking has a little more
_TEARDOWN_SECONDS = 2.0
_AXES = ("step", "time", "ridge")  # the first that a row has is the axis of every plot

_CHOICES = ("regime", "arch", "data", "loss", "optimizer", "machine")  # by name, beside all their settings


@final
class WandbBackend:
    """Weights & Biases, online where the user is logged in and offline elsewhere."""

    name = "wandb"
    unreachable: ClassVar[str] = ""  # why, once this process has waited for a connection in vain

    def __init__(self, config: Mapping[str, Any], folder: RunFolder, called: Called | None = None) -> None:
        self.config, self.folder, self.called = config, folder, called or Called(folder.name)
        self.folder_of_wandb = folder.path.parent.absolute()  # one for the runs of a sweep: `wandb leet` shows them all
        self.id = f"{folder.id}-{hashlib.sha256(folder.group.encode()).hexdigest()[:6]}"
        self.run: Any = None
        self.last = -1  # number of the last row

    def open(self) -> str | None:
        """Begin the wandb run; if it cannot be online, offline."""
        settle_home(self.folder_of_wandb / "wandb" / "home")
        import wandb

        settings = wandb.setup(settings=wandb.Settings(show_info=False, quiet=True)).settings
        mode, reason = self._mode(settings)
        if mode == "disabled":
            return None
        if mode == "online":
            try:
                self.run = self._init("online")
                return f"wandb: recorded online, {self.run.url}"
            except Exception as error:  # whatever it is, offline is the next best
                reason = WandbBackend.unreachable = f"no connection ({type(error).__name__}: {first_line(error)})"
                self._kill_service()  # it would try on until the end of time, and hold the run's id
                self.abandon()
                wandb.setup(settings=wandb.Settings(show_info=False, quiet=True))
        self.run = self._init("offline")
        where = Path(self.run.dir).parent
        with contextlib.suppress(ValueError):
            where = where.relative_to(Path.cwd())
        return f"wandb: {reason}, so this run is recorded offline; `wandb sync {where}` uploads it"

    def log_row(self, row: Mapping[str, object], number: int) -> None:
        """A row, unless the server has it."""
        if self.last < 0 and (axis := next((name for name in _AXES if name in row), None)) is not None:
            self.run.define_metric(axis, hidden=True)
            self.run.define_metric("*", step_metric=axis)
        self.last = number
        if number >= self.run.starting_step:
            self.run.log(dict(row), step=number)

    def log_image(self, name: str, picture: Picture) -> None:
        """A figure."""
        import wandb

        self._log_beside(name, wandb.Image(str(picture) if isinstance(picture, Path) else picture))

    def log_table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table."""
        import wandb

        self._log_beside(name, wandb.Table(columns=list(columns), data=[list(row) for row in rows]))

    def log_file(self, name: str, kind: str, path: Path) -> None:
        """An artifact of its own, which the run has made."""
        import wandb

        artifact = wandb.Artifact(f"{name}-{self.id}", type=kind)
        artifact.add_file(str(path))
        self.run.log_artifact(artifact)

    def _log_beside(self, name: str, what: Any) -> None:
        """With the last row, so that there are as many rows as in metrics.csv."""
        if self.last >= self.run.starting_step:
            self.run.log({name: what}, step=self.last)
        else:
            self.summary({name: what})

    def summary(self, values: Mapping[str, object]) -> None:
        """The run's scalars in the table of runs."""
        self.run.summary.update(dict(values))

    def finish(self, exit_code: int) -> None:
        """End the wandb run, so that the next job of a sweep has its own."""
        if self.run is not None:
            self.run.finish(exit_code=exit_code)

    def abandon(self) -> None:
        """End wandb's service, which else hangs at the end of the process, and let the next run start another."""
        import wandb

        worker = Worker("wandb-teardown")
        for _ in range(2):
            try:
                worker.call(wandb.teardown, _TEARDOWN_SECONDS)
            except TimeoutError:
                self._kill_service()  # which ends the call that hangs
            except (Exception, SystemExit):  # it is gone: that is what was wanted
                return

    def _kill_service(self) -> None:
        import wandb

        if wandb.run is None:  # else it serves somebody else too, in a notebook
            for pid in _service_processes():
                os.kill(pid, signal.SIGKILL)

    def _mode(self, settings: Any) -> tuple[str, str]:
        """online, offline or disabled, with the reason for offline."""
        asked = self.config["tracking"].get("mode", "auto")
        if asked == "auto":  # WANDB_MODE, and what `wandb offline` has set
            asked = {"dryrun": "offline", "offline": "offline", "disabled": "disabled"}.get(settings.mode, "auto")
            reason = "WANDB_MODE or `wandb offline` says so"
        else:
            reason = "tracking.mode=offline"
        if asked in ("offline", "disabled"):
            return asked, reason
        if not is_logged_in(settings.base_url, settings.api_key):
            return "offline", "not logged in"
        return ("offline", WandbBackend.unreachable) if WandbBackend.unreachable else ("online", "")

    def _init(self, mode: Literal["online", "offline"]) -> Any:
        import wandb

        self.folder_of_wandb.mkdir(parents=True, exist_ok=True)
        tracking = self.config["tracking"]
        run = wandb.init(
            project=tracking.get("project") or "lazyregime",
            entity=tracking.get("entity"),
            dir=str(self.folder_of_wandb),
            id=self.id,
            resume="allow",
            name=self.called.name,
            group=self.called.sweep,
            job_type=look_up(self.config, "regime.name"),
            tags=[str(tag) for tag in self.config.get("tags") or ()],
            config=self._flat_config(),
            mode=mode,
            reinit="create_new",
            settings=wandb.Settings(console="off", show_info=False, quiet=True, init_timeout=INIT_SECONDS),
        )
        if self.folder.config.exists():  # config.yaml is wandb's own name
            shutil.copyfile(self.folder.config, Path(run.dir) / "lazyregime-config.yaml")
        return run

    def _flat_config(self) -> dict[str, Any]:
        """All of it at one level, the choices also by their names, and where the run lies."""
        names = {key: look_up(self.config, f"{key}.name") for key in _CHOICES}
        told = flat(self.config) | {key: name for key, name in names.items() if name is not None}
        told.pop("group", None)
        return told | {"folder_group": self.folder.group, "run": self.folder.path.name}


def first_line(error: BaseException) -> str:
    """The first line of an exception's message."""
    return (str(error).splitlines() or [""])[0]


def _service_processes() -> list[int]:
    """The children of this process that are wandb's service; none where there is no /proc."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = entry.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if name.startswith("wandb-core") and int(rest.split()[1]) == os.getpid():
            found.append(int(entry.parent.name))
    return found
