"""python tests/faults/drive_faults.py --trials 800 --out DIR: faults at random, each followed by the same command.

Every trial is a line of DIR/trials.jsonl, so that the drive goes on where it stopped; what has not ended the same is
tried again by the next drive, under the commit of then. --table prints what all came to.
"""

import argparse
import json
import os
import random
import shutil
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from fault_kinds import KINDS
from fault_process import warm_up
from fault_table import read_trials, table
from fault_trial import SCENARIOS, NotPossibleError, Trial, Undisturbed, undisturbed


def main(arguments: Sequence[str] | None = None) -> int:
    """The number of trials that did not end the same, at most 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=800, help="how many in all")
    parser.add_argument("--out", type=Path, required=True, help="where the record and the folders of bad trials lie")
    parser.add_argument("--seed", type=int, default=0, help="of all that is random")
    parser.add_argument("--kinds", help="only these, between commas")
    parser.add_argument("--scenarios", help="only these, between commas")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no trial after so long")
    parser.add_argument("--table", action="store_true", help="only print the table of what was done")
    given = parser.parse_args(arguments)
    record = given.out.absolute() / "trials.jsonl"
    if given.table:
        print(table(read_trials(record), KINDS))
        return 0
    plan = planned(given.trials, given.seed, given.kinds, given.scenarios)
    done = {number for number, last in read_trials(record).items() if last[-1]["outcome"] in ("same", "not possible")}
    left = [trial for trial in plan if trial[0] not in done]
    return int(drive(left, given.seed, given.out.absolute(), record, given.seconds) > 0)


def planned(trials: int, seed: int, kinds: str | None, scenarios: str | None) -> list[tuple[int, str, str]]:
    """Number, kind and scenario of each trial: the kinds in turn, and of each the scenarios that it suits in turn."""
    wanted = [s for s in SCENARIOS.values() if scenarios is None or s.name in scenarios.split(",")]
    suited = {name: [s.name for s in wanted if kind.where(s.name, s.only_reads)] for name, kind in KINDS.items()}
    names = [name for name in KINDS if suited[name] and (kinds is None or name in kinds.split(","))]
    random.Random(seed).shuffle(names)
    for name in names:
        random.Random(f"{seed} {name}").shuffle(suited[name])
    in_turn = [(names[n % len(names)], n // len(names)) for n in range(trials)]
    return [(n, name, suited[name][turn % len(suited[name])]) for n, (name, turn) in enumerate(in_turn)]


def drive(plan: Sequence[tuple[int, str, str]], seed: int, out: Path, record: Path, seconds: float) -> int:
    """Do the trials; how many did not end the same."""
    from lazyregime.runs.clock import commit

    out.mkdir(parents=True, exist_ok=True)
    warm_up()
    wanted = [name for name in SCENARIOS if any(name == scenario or name in SCENARIOS[scenario].needs
                                                for _, _, scenario in plan)]  # fmt: skip
    known = {name: undisturbed(SCENARIOS[name], out / "undisturbed") for name in wanted}
    known = {name: undisturbed(SCENARIOS[name], out / "undisturbed") for name in wanted}  # warm, as the trials are
    bad, began = 0, time.monotonic()
    for number, kind, scenario in plan:
        if time.monotonic() - began > seconds:
            break
        since = time.monotonic()
        outcome, seen, commands = tried(kind, scenario, known[scenario], random.Random(f"{seed} {number}"), out, number)
        bad += outcome not in ("same", "not possible")
        line = {"trial": number, "kind": kind, "scenario": scenario, "outcome": outcome, "seen": seen,
                "commands": commands, "commit": commit(), "seconds": round(time.monotonic() - since, 2)}  # fmt: skip
        with open(record, "a") as stream:
            stream.write(json.dumps(line) + "\n")
        if outcome != "same":
            print(f"{number} {kind} / {scenario}: {outcome}: {seen[:600]}", flush=True)
    return bad


def tried(
    kind: str, scenario: str, known: Undisturbed, rng: random.Random, out: Path, number: int
) -> tuple[str, str, int]:
    """The outcome of one trial, what was seen, and how many commands it took; a bad one's folder is kept."""
    trial: Any = Trial(SCENARIOS[scenario], known, out / f"trial{number}", rng)
    try:
        KINDS[kind].do(trial)
        outcome, seen = trial.verdict()
    except NotPossibleError as error:
        outcome, seen = "not possible", str(error)
    except Exception:  # what cannot be looked at is not as it was
        outcome, seen = "differed", traceback.format_exc()[-1500:]
    if outcome in ("same", "not possible"):
        shutil.rmtree(trial.folder, ignore_errors=True)
    return outcome, seen, trial.commands


if __name__ == "__main__":
    sys.exit(main())
