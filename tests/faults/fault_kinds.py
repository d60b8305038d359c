"""The kinds of fault: each is a function of a few lines that does it to a trial; the same command is given afterwards.

A kind says in its docstring what is done, and where it makes sense: to every command, to those that write runs, or to
trainings with checkpoints.
"""

import contextlib
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fault_damage import DAMAGES, damage
from fault_hooks import at_call, fail_at_call
from fault_mounts import small_file_system
from fault_process import Running
from fault_trial import SCENARIOS, NotPossibleError, Trial, filled

CHECKPOINTED = ("train", "train sweep", "gradient flow", "gradient flows together")


@dataclass(frozen=True)
class Kind:
    """One kind of fault."""

    name: str
    what: str
    do: Callable[[Trial], object]
    where: Callable[[str, bool], bool]  # of a scenario's name, and whether it only reads


KINDS: dict[str, Kind] = {}


def fault(*, only: tuple[str, ...] | None = None, writes: bool = False) -> Callable[..., Callable[[Trial], object]]:
    """Register a kind of fault, for some scenarios only or for those that write runs."""

    def register(do: Callable[[Trial], object]) -> Callable[[Trial], object]:
        name = do.__name__.replace("_", " ")

        def suits(scenario: str, only_reads: bool) -> bool:
            return scenario in only if only is not None else not (writes and only_reads)

        KINDS[name] = Kind(name, " ".join((do.__doc__ or "").split()), do, suits)
        return do

    return register


# Signals, at random moments


@fault()
def kill(trial: Trial) -> None:
    """SIGKILL at a random moment."""
    trial.killed()


@fault()
def kill_three_times(trial: Trial) -> None:
    """SIGKILL at a random moment of three attempts."""
    for _ in range(3):
        trial.killed()


@fault()
def kill_early(trial: Trial) -> None:
    """SIGKILL in the first tenth, while folders, locks and records are made."""
    running = trial.start()
    running.wait_for(trial.moment(0.1))
    trial.send(running, signal.SIGKILL)
    trial.end(running)


def _told(trial: Trial, *signums: int, pause: float = 0.0, **how: object) -> None:
    running = trial.start(**how)
    running.wait_for(trial.moment())
    for signum in signums:
        trial.send(running, signum)
        running.wait_for(pause)
    trial.end(running)


@fault()
def term(trial: Trial) -> None:
    """SIGTERM at a random moment."""
    _told(trial, signal.SIGTERM)


@fault()
def interrupt(trial: Trial) -> None:
    """SIGINT (Ctrl-C) at a random moment."""
    _told(trial, signal.SIGINT)


@fault()
def interrupt_twice(trial: Trial) -> None:
    """SIGINT twice, up to 0.2 s apart."""
    _told(trial, signal.SIGINT, signal.SIGINT, pause=trial.rng.uniform(0, 0.2))


@fault()
def usr2(trial: Trial) -> None:
    """SIGUSR2 outside of SLURM."""
    _told(trial, signal.SIGUSR2)


@fault()
def usr2_of_a_preemption(trial: Trial) -> None:
    """SIGUSR2 where SLURM_JOB_ID is set, as SLURM announces a preemption."""
    trial.sent.add(signal.SIGTERM)
    _told(trial, signal.SIGUSR2, environment={"SLURM_JOB_ID": "7", "SLURM_RESTART_COUNT": "0"})


@fault()
def hang_up(trial: Trial) -> None:
    """SIGHUP at a random moment: the terminal is lost."""
    _told(trial, signal.SIGHUP)


@fault()
def stop_and_continue(trial: Trial) -> None:
    """SIGSTOP, and SIGCONT up to half a second later."""
    running = trial.start()
    running.wait_for(trial.moment())
    if running.send(signal.SIGSTOP):
        time.sleep(trial.rng.uniform(0.05, 0.5))
        running.send(signal.SIGCONT)
    trial.end(running)


@fault()
def two_signals(trial: Trial) -> None:
    """Two of TERM, INT, HUP, USR2 and KILL, up to 0.1 s apart."""
    choice = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2, signal.SIGKILL]
    _told(trial, *trial.rng.sample(choice, 2), pause=trial.rng.uniform(0, 0.1))


@fault()
def term_then_kill(trial: Trial) -> None:
    """SIGTERM, and SIGKILL up to 0.3 s later, as schedulers do."""
    _told(trial, signal.SIGTERM, signal.SIGKILL, pause=trial.rng.uniform(0, 0.3))


@fault(only=("train sweep", "fit sweep", "gradient flows together"))
def kill_the_sweep_twice(trial: Trial) -> None:
    """SIGKILL in the second half of a sweep, and again in what is left of it."""
    for _ in range(2):
        running = trial.start()
        running.wait_for(trial.undisturbed.seconds * trial.rng.uniform(0.4, 1.0))
        trial.send(running, signal.SIGKILL)
        trial.end(running)


@fault(only=("report",))
def kill_the_report_while_it_draws(trial: Trial) -> None:
    """SIGKILL as a figure of the report is saved, at a random one."""
    _stopped(trial, "savefig", trial.rng.randrange(8))


# Aimed at single calls: killed before or after, or refused by the system


def _stopped(trial: Trial, call: str, number: int, *, after: bool = False) -> None:
    trial.sent.add(signal.SIGKILL)
    trial.run(before=lambda: at_call(call, number, lambda: os.kill(os.getpid(), signal.SIGKILL), after=after))


@fault(writes=True)
def killed_before_a_rename(trial: Trial) -> None:
    """SIGKILL as a file is about to be renamed, at a random one: what was written lies beside its place."""
    _stopped(trial, "replace", trial.rng.randrange(30))


@fault(writes=True)
def killed_between_two_renames(trial: Trial) -> None:
    """SIGKILL right after a file has been renamed, at a random one: the next one has not."""
    _stopped(trial, "replace", trial.rng.randrange(30), after=True)


@fault(only=CHECKPOINTED)
def killed_between_the_two_checkpoints(trial: Trial) -> None:
    """SIGKILL between the renames of last.ckpt, previous.ckpt and checksums.json, three times."""
    for _ in range(3):
        _stopped(trial, "replace", trial.rng.randrange(12), after=trial.rng.random() < 0.5)


@fault(writes=True)
def killed_at_a_sync(trial: Trial) -> None:
    """SIGKILL at an fsync, at a random one."""
    _stopped(trial, "fsync", trial.rng.randrange(40), after=trial.rng.random() < 0.5)


@fault(writes=True)
def killed_at_an_unlink(trial: Trial) -> None:
    """SIGKILL as a file is taken away, at a random one, in a run that is computed anew or goes on."""
    trial.killed()
    _stopped(trial, "unlink", trial.rng.randrange(6), after=trial.rng.random() < 0.5)


@fault(writes=True)
def kernel_blocks_cut_short(trial: Trial) -> None:
    """SIGKILL while a kernel is written in blocks; then k.npy cut or damaged, or request.json gone or damaged."""
    trial.sent.add(signal.SIGKILL)
    number = trial.rng.randrange(4)
    trial.run(before=lambda: at_call("finish_block", number, lambda: os.kill(os.getpid(), signal.SIGKILL)))
    for path in trial.files("*.npy", "request.json"):
        damage(trial.rng, path)


@fault()
def the_disk_fails(trial: Trial) -> None:
    """EIO from one fsync, rename or open for writing, at a random one."""
    call = trial.rng.choice(["fsync", "replace", "open"])
    number = trial.rng.randrange(20)
    trial.run(before=lambda: fail_at_call(call, number, 5))


@fault()
def the_disk_is_full_at_one_moment(trial: Trial) -> None:
    """ENOSPC or EDQUOT from one fsync, rename or open for writing and all later ones."""
    call, number = trial.rng.choice(["fsync", "replace", "open"]), trial.rng.randrange(20)
    number_of_error = trial.rng.choice([28, 122])
    trial.run(before=lambda: fail_at_call(call, number, number_of_error, for_good=True))


# Several processes


def _two(trial: Trial, share: float) -> tuple[Running, Running]:
    """The command, and once more within a share of what it takes."""
    first = trial.start()
    first.wait_for(trial.moment(share))
    return first, trial.start()


@fault(writes=True)
def the_same_command_beside_it(trial: Trial) -> None:
    """The same command twice at the same time; one may say that the other is at work."""
    first, second = _two(trial, 0.5)
    trial.end(first)
    trial.end(second)


@fault(writes=True)
def one_of_two_is_killed(trial: Trial) -> None:
    """The same command twice at the same time, and one of them is killed."""
    first, second = _two(trial, 0.3)
    first.wait_for(trial.moment(0.7))
    trial.send(trial.rng.choice([first, second]), signal.SIGKILL)
    trial.end(first)
    trial.end(second)


@fault(writes=True)
def looked_at_while_it_runs(trial: Trial) -> None:
    """status, verify and report over and over while it runs."""
    running = trial.start()
    running.wait_for(trial.moment(0.3))
    looks = [["sweeps", "status", "runs"], ["sweeps", "verify", "runs"], ["report", "runs", "--out", "../seen"]]
    for command in trial.rng.sample(looks, 2):
        trial.run(command)
    trial.end(running)


# Streams


def _without(*descriptors: int) -> Callable[[], None]:
    from fault_process import open_streams

    def close() -> None:
        for descriptor in descriptors:
            os.close(descriptor)
        open_streams()

    return close


@fault()
def stdout_is_closed(trial: Trial) -> None:
    """Started as `command >&-`."""
    trial.run(before=_without(1))


@fault()
def stderr_is_closed(trial: Trial) -> None:
    """Started as `command 2>&-`."""
    trial.run(before=_without(2))


@fault()
def stdin_is_closed(trial: Trial) -> None:
    """Started as `command <&-`."""
    trial.run(before=_without(0))


@fault()
def no_stream_is_open(trial: Trial) -> None:
    """Started with all three standard streams closed, by a daemon, say."""
    trial.run(before=_without(0, 1, 2))


@fault()
def head_1(trial: Trial) -> None:
    """`command | head -1`."""
    running = trial.start(pipe=True)
    running.read_line()
    trial.end(running)


@fault()
def nobody_reads(trial: Trial) -> None:
    """Its stdout is a pipe whose reader goes at a random moment."""
    running = trial.start(pipe=True)
    running.wait_for(trial.moment(0.3))
    running.close_pipe()
    trial.end(running)


@fault()
def the_terminal_is_lost(trial: Trial) -> None:
    """It runs at a terminal, with bars, which is closed at a random moment: SIGHUP, and EIO for what is printed."""
    import fcntl
    import termios

    from fault_process import open_streams

    keyboard, screen = os.openpty()

    def sit_at_it() -> None:
        os.close(keyboard)
        fcntl.ioctl(screen, termios.TIOCSCTTY, 0)
        for number in (0, 1, 2):
            os.dup2(screen, number)
        os.close(screen)
        open_streams()

    trial.sent.add(signal.SIGHUP)
    running = trial.start(before=sit_at_it, environment={"TERM": "xterm"})
    os.close(screen)
    running.wait_for(trial.moment())  # what it prints until then stays in the terminal
    os.close(keyboard)
    trial.end(running)


def _streams_to(path: str, *descriptors: int) -> Callable[[], None]:
    def lead() -> None:
        for descriptor in descriptors:
            there = os.open(path, os.O_WRONLY)
            os.dup2(there, descriptor)
            os.close(there)

    return lead


@fault()
def stdout_to_a_full_disk(trial: Trial) -> None:
    """Its stdout, or both, lead to /dev/full."""
    trial.run(before=_streams_to("/dev/full", *trial.rng.choice([(1,), (1, 2)])))


@fault()
def a_terminal_that_knows_ascii_only(trial: Trial) -> None:
    """Its streams are encoded in ASCII, strictly."""
    import sys

    trial.run(before=lambda: [s.reconfigure(encoding="ascii") for s in (sys.stdout, sys.stderr)])


# Limits


def _limited(trial: Trial, which: int, amount: int) -> None:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python has it
        resource.setrlimit(which, (amount, resource.getrlimit(which)[1]))

    trial.run(before=limit)


@fault()
def a_limit_on_the_size_of_files(trial: Trial) -> None:
    """RLIMIT_FSIZE of 0 bytes to 300 kB."""
    _limited(trial, resource.RLIMIT_FSIZE, int(10 ** trial.rng.uniform(0, 5.5)) - 1)


@fault()
def too_many_open_files(trial: Trial) -> None:
    """RLIMIT_NOFILE of 4 to 24 more than are open."""
    open_now = len(os.listdir("/proc/self/fd"))
    _limited(trial, resource.RLIMIT_NOFILE, open_now + trial.rng.randrange(4, 24))


@fault(writes=True)
def out_of_processor_time(trial: Trial) -> None:
    """RLIMIT_CPU of one second: SIGXCPU, wherever that is."""
    trial.sent |= {signal.SIGXCPU, signal.SIGKILL}
    _limited(trial, resource.RLIMIT_CPU, 1)


@fault()
def a_full_disk(trial: Trial) -> None:
    """All is on a tmpfs of 16 kB to 1 MB."""
    with small_file_system(trial, kilobytes=int(10 ** trial.rng.uniform(1.2, 3.0))):
        trial.run()


@fault()
def a_disk_without_inodes(trial: Trial) -> None:
    """All is on a tmpfs that has room for 2 to 40 more files."""
    with small_file_system(trial, inodes=trial.rng.randrange(2, 40)):
        trial.run()


@fault()
def a_read_only_disk(trial: Trial) -> None:
    """All is on a file system that is mounted read-only; a half of it may be there already."""
    if trial.rng.random() < 0.5:
        trial.killed()
    with small_file_system(trial, read_only=True):
        trial.run()


@fault()
def a_folder_that_is_not_ours(trial: Trial) -> None:
    """The folder, or all in it, belongs to another user and cannot be written in."""
    if os.getuid():
        raise NotPossibleError("only root can become another user")
    if trial.rng.random() < 0.5:
        trial.killed()
    home = {"HOME": "/nonexistent"}
    trial.run(environment=home, before=lambda: os.setuid(65534))


# In the way


FILES_OF_A_RUN = ("lock", "result.json", "metrics.csv", "config.yaml", "kernels.safetensors", "failure.json", "rerun",
                  "checkpoints/last.ckpt", "checkpoints/previous.ckpt", "checkpoints/checksums.json",
                  "checkpoints/best.ckpt", "figures/summary.png")  # fmt: skip


def _in_the_way(trial: Trial, put: Callable[[Path], object], names: tuple[str, ...] = FILES_OF_A_RUN) -> None:
    """Something takes the name of a file of a run, before it or in its middle; then it is taken away."""
    if trial.rng.random() < 0.4:
        trial.killed()
    path = trial.rng.choice(trial.expected()) / trial.rng.choice(names)
    kept = path.with_name(f"{path.name}.kept")
    made = [folder for folder in (path.parent, path.parent.parent) if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(path):
        os.replace(path, kept)
    put(path)

    def take_away() -> None:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        if os.path.lexists(kept):
            os.replace(kept, path)
        for folder in made:
            with contextlib.suppress(OSError):  # it is in use by now
                folder.rmdir()

    trial.undo.append(take_away)
    trial.run()


@fault()
def a_folder_in_the_place_of_a_file(trial: Trial) -> None:
    """An empty folder, or one with something in it, has the name of a file of a run."""

    def put(path: Path) -> None:
        path.mkdir()
        if trial.rng.random() < 0.5:
            (path / "something").write_text("of yours")

    _in_the_way(trial, put)


@fault()
def a_link_in_the_place_of_a_file(trial: Trial) -> None:
    """A symbolic link, to a file of somebody's or to nowhere, has the name of a file of a run; the target stays."""
    canary = trial.folder / "canary"
    canary.write_text("untouched")
    target = canary if trial.rng.random() < 0.7 else trial.folder / "nowhere"
    _in_the_way(trial, lambda path: path.symlink_to(target))
    if canary.read_text() != "untouched" or (trial.folder / "nowhere").exists():
        trial.troubles.append("something was written through the link")


@fault()
def a_pipe_in_the_place_of_a_file(trial: Trial) -> None:
    """A named pipe, from which nothing ever comes, has the name of a file of a run."""
    _in_the_way(trial, lambda path: os.mkfifo(path))


@fault()
def a_file_in_the_place_of_a_folder(trial: Trial) -> None:
    """A plain file has the name of a folder: checkpoints, figures, blocks, the run's, the group's or runs itself."""
    names = ("checkpoints", "figures", "blocks", "", "..", "../..")
    name = trial.rng.choice(names)
    path = Path(os.path.normpath(trial.rng.choice(trial.expected()) / name))
    kept = trial.folder / "kept"
    if path.exists():
        shutil.move(path, kept)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("in the way")

    def take_away() -> None:
        if path.is_file():
            path.unlink()
        if kept.exists():
            shutil.move(kept, path)

    trial.undo.append(take_away)
    trial.run()


@fault(only=("train sweep", "fit sweep", "gradient flows together", "sweeps resubmit"))
def the_record_of_the_sweep_is_in_the_way(trial: Trial) -> None:
    """`.sweeps` is a file, or its record is a folder."""
    folder = trial.expected()[0].parent / ".sweeps"
    kept = trial.folder / "kept"
    if folder.exists():
        shutil.move(folder, kept)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")

    def take_away() -> None:
        folder.unlink()
        if kept.exists():
            shutil.move(kept, folder)

    trial.undo.append(take_away)
    trial.run()


# Damaged files, of complete and of half runs


def _damaged(trial: Trial, *patterns: str, every: bool = False, how: str | None = None) -> None:
    trial.partly()
    there = trial.files(*patterns)
    for path in there if every else there and [trial.rng.choice(there)]:
        damage(trial.rng, path, how)
    if trial.scenario.only_reads or trial.rng.random() < 0.3:
        trial.run(["sweeps", trial.rng.choice(["status", "verify"]), "runs"])
    if trial.scenario.only_reads:
        trial.run()


def _kind_of_damage(name: str, what: str, *patterns: str, **options: object) -> None:
    def do(trial: Trial) -> None:
        _damaged(trial, *patterns, **options)

    do.__name__, do.__doc__ = name, what
    fault()(do)


HOW = f"({', '.join(DAMAGES)})"
_kind_of_damage("damaged_result", f"result.json {HOW}.", "result.json")
_kind_of_damage("damaged_metrics", f"metrics.csv {HOW}.", "metrics.csv")
_kind_of_damage("damaged_config", f"config.yaml {HOW}.", "config.yaml")
_kind_of_damage("damaged_kernels", f"kernels.safetensors {HOW}.", "kernels.safetensors")
_kind_of_damage("damaged_figure", f"A figure {HOW}.", "*.png")
_kind_of_damage("damaged_null", f"The file of two initializations in .nulls {HOW}.", ".nulls/*.json")
_kind_of_damage("damaged_record_of_a_sweep", f"A file in .sweeps {HOW}.", ".sweeps/*.json")
_kind_of_damage("any_file_damaged", f"One file of any kind {HOW}.", "*")
_kind_of_damage("every_file_damaged", f"Every file, each in its own way {HOW}.", "*", every=True)
_kind_of_damage("a_power_cut", "Every file of a run is empty.", "*-*/*", every=True, how="empty")
_kind_of_damage(
    "files_of_zeros", "Every file of a run has its length and holds zeros.", "*-*/*", every=True, how="zeros"
)
_kind_of_damage("deeply_nested", "A JSON file holds 100,000 brackets.", "*.json", how="nested")
_kind_of_damage(
    "status_complete_only", '`{"status": "complete"}` is all that result.json says.', "result.json", how="complete"
)
_kind_of_damage(
    "not_utf_8", "A text file begins with bytes that are no UTF-8.", "*.json", "*.csv", "*.yaml", how="not utf-8"
)


def _kind_of_checkpoint(name: str, what: str, *patterns: str, **options: object) -> None:
    def do(trial: Trial) -> None:
        trial.killed()
        there = trial.files(*patterns)
        for path in there if options.get("every") else there and [trial.rng.choice(there)]:
            damage(trial.rng, path)

    do.__name__, do.__doc__ = name, what
    fault(only=CHECKPOINTED)(do)


_kind_of_checkpoint("damaged_last_checkpoint", f"Killed, and then last.ckpt {HOW}.", "last.ckpt")
_kind_of_checkpoint("damaged_checkpoint_before", f"Killed, and then previous.ckpt {HOW}.", "previous.ckpt")
_kind_of_checkpoint("both_checkpoints_damaged", f"Killed, and then both {HOW}.", "*.ckpt", every=True)
_kind_of_checkpoint("damaged_checksums", f"Killed, and then checksums.json {HOW}.", "checksums.json")


@fault(writes=True)
def a_file_of_another_run(trial: Trial) -> None:
    """Two runs of a sweep, or a run and a damaged copy, exchange a file."""
    trial.partly()
    runs = trial.runs()
    if len(runs) < 2:
        return
    a, b = trial.rng.sample(runs, 2)
    name = trial.rng.choice(
        ["result.json", "metrics.csv", "kernels.safetensors", "config.yaml", "checkpoints/last.ckpt"]
    )
    if (a / name).is_file() and (b / name).is_file():
        shutil.copy(a / name, b / name)


# Taken away or moved


def _while_running(trial: Trial, do: Callable[[], object]) -> None:
    running = trial.start()
    running.wait_for(trial.moment(0.9))
    do()
    trial.end(running)


@fault(writes=True)
def the_run_is_deleted_while_it_runs(trial: Trial) -> None:
    """Rm -r of the run's folder, or of runs, while it runs."""
    target = trial.rng.choice([*trial.expected(), trial.cwd / "runs"])
    kept = trial.folder / "needed"
    shutil.copytree(trial.cwd, kept)
    _while_running(trial, lambda: shutil.rmtree(target, ignore_errors=True))
    if trial.scenario.needs:  # what the command stands on is no loss of ours
        shutil.rmtree(trial.cwd)
        shutil.move(kept, trial.cwd)


@fault(only=CHECKPOINTED)
def its_checkpoints_are_deleted_while_it_runs(trial: Trial) -> None:
    """Rm -r of checkpoints while it runs."""
    _while_running(trial, lambda: [shutil.rmtree(run / "checkpoints", ignore_errors=True) for run in trial.runs()])


@fault(writes=True)
def runs_is_moved_while_it_runs(trial: Trial) -> None:
    """`runs` gets another name while it runs, and its own again afterwards."""
    runs, away = trial.cwd / "runs", trial.cwd / "away"
    _while_running(trial, lambda: runs.exists() and runs.rename(away))
    if away.exists():
        shutil.rmtree(runs, ignore_errors=True)
        away.rename(runs)


@fault(writes=True)
def the_working_directory_is_deleted(trial: Trial) -> None:
    """Rm -r of the directory in which the command was given, while it runs."""
    if trial.scenario.needs:
        raise NotPossibleError("the runs that it needs are in there")
    _while_running(trial, lambda: shutil.rmtree(trial.cwd, ignore_errors=True))
    trial.cwd.mkdir(exist_ok=True)


@fault(writes=True)
def what_killed_writers_leave(trial: Trial) -> None:
    """Half-written files of killed processes lie about, and a lock that nobody holds."""
    trial.partly()
    for run in trial.expected():
        run.mkdir(parents=True, exist_ok=True)
        (run / ".result.1-abc.tmp.json").write_text("{")
        (run / "lock").write_text(trial.rng.choice(["", "{", "null", "[" * 9999, '{"host": "x", "pid": 1}']))
    for result in trial.files("result.json"):
        result.unlink()  # what lies in a complete run stays there


@fault(writes=True)
def odd_times(trial: Trial) -> None:
    """All files are from 1970 or from 2100: the clock was wrong."""
    trial.partly()
    for path in [*trial.files("*"), *trial.runs()]:
        os.utime(path, (when := trial.rng.choice([0, 4102444800]), when))


# Surroundings


@fault(writes=True)
def another_default_of_torch(trial: Trial) -> None:
    """Other defaults of torch around it (dtype, grad mode, determinism, autocast): killed, or to its end."""
    import torch

    def surround() -> None:
        trial.rng.choice([
            lambda: torch.set_default_dtype(torch.float64),
            lambda: torch.set_grad_enabled(False),
            lambda: torch.use_deterministic_algorithms(True),
            lambda: torch.autocast("cpu", torch.bfloat16).__enter__(),
            lambda: torch.set_float32_matmul_precision("medium"),
            lambda: torch.inference_mode().__enter__(),
        ])()  # fmt: skip

    running = trial.start(before=surround)
    if trial.rng.random() < 0.5:
        running.wait_for(trial.moment())
        trial.send(running, signal.SIGKILL)
    trial.end(running)


@fault(writes=True)
def more_threads_in_the_environment(trial: Trial) -> None:
    """Torch begins with 3 threads; the configuration says num_threads=1."""
    import torch

    running = trial.start(before=lambda: torch.set_num_threads(3), environment={"OMP_NUM_THREADS": "3"})
    running.wait_for(trial.moment())
    trial.send(running, signal.SIGKILL)
    trial.end(running)


@fault()
def an_odd_environment(trial: Trial) -> None:
    """No home, no temporary folder, TERM=dumb, COLUMNS=1, another time zone, LANG=C."""
    odd = {"HOME": "/nonexistent", "TMPDIR": "/nonexistent", "TERM": "dumb", "COLUMNS": "1", "TZ": "Asia/Kathmandu",
           "LANG": "C", "LC_ALL": "C", "XDG_CONFIG_HOME": "/proc/x", "MPLCONFIGDIR": "/proc/x"}  # fmt: skip
    names = trial.rng.sample(sorted(odd), 4)
    trial.run(environment={name: odd[name] for name in names})


@fault(writes=True)
def runs_in_an_odd_place(trial: Trial) -> None:
    """LAZYREGIME_RUNS is /dev/null, /proc/x, a plain file, an open one or a link in a circle; then it is not set."""
    (trial.folder / "plain").write_text("x")
    (trial.folder / "circle").symlink_to(trial.folder / "circle")
    places = ["/dev/null", "/proc/x", str(trial.folder / "plain"), str(trial.folder / "circle"), "/proc/self/fd/0"]
    trial.run(environment={"LAZYREGIME_RUNS": trial.rng.choice(places)})


@fault()
def a_folder_with_an_odd_name(trial: Trial) -> None:
    """Everything lies in a folder named `a, b=(c) ~é $x'"`; killed in the middle."""
    odd = trial.folder / """a, b=(c) ~é $x'"[1] {2}"""
    trial.cwd.rename(odd)
    trial.cwd = odd
    trial.killed()


@fault(writes=True)
def an_odd_umask(trial: Trial) -> None:
    """Umask 0277: what it writes it may not write again."""
    trial.run(before=lambda: os.umask(0o277))


# Stale results


@fault(writes=True)
def rerun_killed(trial: Trial) -> None:
    """All is complete; the command with rerun=true is killed at a random moment, and given again until it ends."""
    if trial.command[0] == "sweeps":
        raise NotPossibleError("resubmit takes no rerun=true")
    trial.run()
    again = [*trial.command, "rerun=true"]
    running = trial.start(again)
    running.wait_for(trial.moment())
    trial.send(running, signal.SIGKILL)
    trial.end(running)
    trial.run(again)
    for record in trial.files(".sweeps/*.json"):  # that of another command
        if "rerun=true" in record.read_text():
            record.unlink()


@fault(only=("fit of a network",))
def network_not_finished(trial: Trial) -> None:
    """The run whose network is wanted is not complete: refused, and right when that run has been finished."""
    network = trial.cwd / trial.command[-1].partition("=")[2]
    (network / "result.json").unlink()
    refused = trial.run()
    if refused.code != 2 or "finish it by its own command" not in refused.err:
        trial.troubles.append(f"a network that is not finished is taken: {refused.code} {refused.err[-300:]}")
    trial.run(filled(SCENARIOS["train sweep"].command, trial.cwd))
