"""One trial: something is done to a command, the same command is given again, and all must be as if undisturbed."""

import random
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fault_process import Ended, Running, import_also, start
from fault_same import contents, differences, unsound
from fault_scenarios import SCENARIOS, Scenario

TRIES = 3
BAD_WORDS = ("Traceback (most recent", "Exception ignored", "Fatal Python error", "terminate called", "Segmentation")


class NotPossibleError(Exception):
    """This machine does not let us do that; the trial does not count."""


@dataclass
class Undisturbed:
    """A scenario as it ends when nothing is done to it."""

    folder: Path
    seconds: float
    contents: dict[str, str]
    printed: str


@dataclass
class Trial:
    """A folder of its own, in which the scenario is prepared, for a kind of fault to be done to it."""

    scenario: Scenario
    undisturbed: Undisturbed
    folder: Path  # everything of the trial
    rng: random.Random
    cwd: Path = field(init=False)  # where the commands are given
    sent: set[int] = field(default_factory=set)  # signals that may end a command
    troubles: list[str] = field(default_factory=list)
    commands: int = 0
    environment: dict[str, str] = field(default_factory=dict)  # of all commands
    undo: list[Callable[[], object]] = field(default_factory=list)
    command: list[str] = field(init=False)

    def __post_init__(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.cwd = self.folder / "here"
        self.cwd.mkdir(parents=True)
        prepare(self.scenario, self.undisturbed.folder.parent, self.cwd)
        self.command = filled(self.scenario.command, self.cwd)

    def start(self, command: Sequence[str] | None = None, **how: Any) -> Running:
        """The scenario's command, or another one."""
        self.commands += 1
        argv = self.command if command is None else list(command)
        environment = {**self.environment, **how.pop("environment", {})}
        return start(argv, self.cwd, self.folder / f"log{self.commands}", environment=environment, **how)

    def end(self, running: Running) -> Ended:
        """Wait for the end of a command, and see that it ended as one may."""
        ended = running.end()
        words = next((w for w in BAD_WORDS if w in ended.err or w in ended.out), None)
        if words is not None:
            text = ended.err if words in ended.err else ended.out
            self.troubles.append(f"printed {words!r}: {text[text.index(words) :][-1500:]}")
        if "\x1b" in ended.out + ended.err:
            self.troubles.append(f"an escape sequence on the terminal: {running.logs}")
        if ended.code is None:
            self.troubles.append(f"stuck: {running.logs}")
        elif ended.code < 0 and -ended.code not in self.sent:
            self.troubles.append(f"ended by {signal.Signals(-ended.code).name}: {ended.err[-500:]}")
        elif ended.code > 0 and not ended.err.strip() and not ended.out.strip() and not self.sent:
            self.troubles.append(f"exit code {ended.code} without a word")
        if ended.orphans:
            self.troubles.append("left processes behind")
        return ended

    def run(self, command: Sequence[str] | None = None, **how: Any) -> Ended:
        """A command from its start to its end."""
        return self.end(self.start(command, **how))

    def send(self, running: Running, *signums: int) -> None:
        """Signals, which may end a command from now on."""
        for signum in signums:
            self.sent.add(signum)
            running.send(signum)

    def moment(self, share: float = 1.05) -> float:
        """Seconds, up to a share of what the command takes undisturbed."""
        return self.rng.uniform(0.0, share * self.undisturbed.seconds)

    def killed(self) -> None:
        """The command, killed at a random moment."""
        running = self.start()
        running.wait_for(self.moment())
        self.send(running, signal.SIGKILL)
        self.end(running)

    def partly(self) -> None:
        """The command, complete or killed at a random moment: what there is to be damaged."""
        if self.rng.random() < 0.5:
            self.run()
        else:
            self.killed()

    def runs(self) -> list[Path]:
        """The run folders that there are."""
        return sorted({path.parent for path in (self.cwd / "runs").rglob("config.yaml")})

    def expected(self) -> list[Path]:
        """The run folders that there will be."""
        there = self.undisturbed.folder
        return sorted(self.cwd / path.parent.relative_to(there) for path in there.rglob("result.json"))

    def files(self, *patterns: str) -> list[Path]:
        """Files below `runs` of these names that there are."""
        return sorted(p for pattern in patterns for p in (self.cwd / "runs").rglob(pattern) if p.is_file())

    def verdict(self) -> tuple[str, str]:
        """The outcome of giving the same command again: same, differed or stuck; and what was seen."""
        for undo in reversed(self.undo):
            undo()
        scenario = self.scenario
        ended = None
        for _ in range(TRIES):
            for name in scenario.needs:
                self.run(SCENARIOS[name].command)
            ended = self.run()
            if ended.code == 0:
                break
        assert ended is not None
        if ended.code != 0:
            return (
                "stuck",
                f"exit code {ended.code} at the last of {TRIES} tries: {ended.err[-700:] or ended.out[-700:]}",
            )
        found = unsound(self.cwd / "runs") + differences(contents(self.cwd), self.undisturbed.contents)
        if scenario.command[:2] == ["sweeps", "status"]:
            found += [] if ended.out == self.undisturbed.printed else ["it printed something else"]
        if found:
            return "differed", "; ".join(found)[:1500]
        return ("same", "") if not self.troubles else ("differed", "; ".join(self.troubles)[:3000])


def prepare(scenario: Scenario, undisturbed: Path, cwd: Path) -> None:
    """What the scenario stands on."""
    for name in scenario.needs:
        shutil.copytree(undisturbed / slug(name), cwd, dirs_exist_ok=True)
    scenario.prepare(cwd)


def filled(command: Sequence[str], cwd: Path) -> list[str]:
    """The command, with the first run in the place of @SCENARIO."""
    first = next(iter(sorted(path.parent for path in (cwd / "runs").rglob("config.yaml"))), Path("runs/none"))
    where = first.relative_to(cwd) if first.is_relative_to(cwd) else first
    return [f"{word.partition('@')[0]}{where}" if "@" in word else word for word in command]


def undisturbed(scenario: Scenario, folder: Path) -> Undisturbed:
    """Run it, and keep it."""
    cwd = folder / slug(scenario.name)
    shutil.rmtree(cwd, ignore_errors=True)
    cwd.mkdir(parents=True)
    prepare(scenario, folder, cwd)
    since = time.monotonic()
    logs = folder / "logs" / slug(scenario.name)
    ended = start(filled(scenario.command, cwd), cwd, logs, note_modules=True).end()
    seconds = time.monotonic() - since
    if ended.code != 0:
        raise RuntimeError(f"{scenario.name} ends with {ended.code} undisturbed: {ended.err}")
    import_also((logs / "modules").read_text().split())  # the next one starts at once
    return Undisturbed(cwd, seconds, contents(cwd), ended.out)


def slug(name: str) -> str:
    """The name of a scenario as that of a folder."""
    return name.replace(" ", "_")


__all__ = ["SCENARIOS", "NotPossibleError", "Trial", "Undisturbed", "filled", "undisturbed"]
