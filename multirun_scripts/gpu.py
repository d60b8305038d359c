"""What a GPU (or a processor) makes of this project: first whether it is right, then how fast, beside its floor.

    python multirun_scripts/gpu.py                              correctness, engine, regression, training
    python multirun_scripts/gpu.py --all --minutes 50           and the studies at the sizes of an hour, a run a piece
    python multirun_scripts/gpu.py --only gmmm20,poster         some groups
    python multirun_scripts/gpu.py --device cpu --tiny          all of it in a minute, to see that it works

A piece takes a few minutes; what is done stands in OUT and is not repeated, and a run of a study that was interrupted
goes on from its checkpoint, so the same command after an interruption goes on. It runs from a checkout that is not
installed. The floor of a piece is its counted operations over the rate of a large matrix product, measured
at the start; launches and memory traffic are not in it.
"""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from gpu_measures import GROUPS as MEASURES
from gpu_pieces import Kit, Piece, rate_of
from gpu_studies import GROUPS as STUDIES

from lazyregime.app.compose.devices import device_of
from lazyregime.app.compose.hints import ConfigError
from lazyregime.app.compose.places import runs_dir
from lazyregime.app.console import Console
from lazyregime.atomic import atomic_write
from lazyregime.errors import LazyRegimeError, in_words, is_of_the_machine

GROUPS = MEASURES | STUDIES
COLUMNS = ["piece", "operations", "GB", "floor", "taken", "factor", "found"]


def main() -> int:
    """Do what is asked for, and print one table."""
    options = arguments()
    try:
        device = device_of({"device": options.device})
        kit = Kit(device, options.tiny, options.out / "runs", rate_of(device, torch.float32, tiny=options.tiny),
                  rate_of(device, torch.float64, tiny=options.tiny))  # fmt: skip
    except ConfigError as error:
        Console().error(str(error))
        return 2
    console = Console()
    card = f"processor, {torch.get_num_threads()} threads"
    if device.type == "cuda":
        card = torch.cuda.get_device_name(device)
    console.say(f"{card}, torch {torch.__version__}: {kit.rate32 / 1e12:.3g} TFLOP/s in float32, "
                f"{kit.rate64 / 1e12:.3g} in float64")  # fmt: skip
    store = options.out / f"pieces-{device.type}{'-tiny' if options.tiny else ''}.json"
    done: dict[str, list[str]] = json.loads(store.read_text()) if store.exists() else {}
    since, wrong = time.monotonic(), 0
    for piece in planned(kit, options):
        if piece.name in done:
            continue
        if options.minutes is not None and time.monotonic() - since > 60 * options.minutes:
            console.say(f"{options.minutes:g} minutes are over; the same command goes on with {piece.name}")
            break
        console.say(f"{piece.name}: {piece.predicted(kit)}")
        try:
            done[piece.name] = piece.row(kit)
        except Exception as error:  # it is not done: the same command tries it again
            if not (isinstance(error, LazyRegimeError) or is_of_the_machine(error)):
                raise
            console.error(f"{piece.name}: {in_words(error)}")
            wrong += 1
            if piece.name.startswith("right"):
                console.error("Nothing is measured of what is not right.")
                break
            continue
        store.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(store, json.dumps(done, indent=1).encode())
    console.table(COLUMNS, [[name, *row] for name, row in done.items()])
    return 1 if wrong else 0


def planned(kit: Kit, options: argparse.Namespace) -> list[Piece]:
    """Correctness, and the pieces of the groups that were asked for."""
    names = options.only or ["right", *(name for name in GROUPS if options.all or options.tiny or name in MEASURES)]
    return [piece for name in dict.fromkeys(["right", *names]) for piece in GROUPS[name](kit)]


def arguments() -> argparse.Namespace:
    """Of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="the studies too")
    parser.add_argument("--only", type=lambda text: text.split(","), help=f"some of {','.join(GROUPS)}")
    parser.add_argument("--minutes", type=float, help="begin no piece after so many")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--tiny", action="store_true", help="every group at a size of seconds")
    parser.add_argument("--out", type=Path, default=runs_dir() / "gpu")
    options = parser.parse_args()
    unknown = [name for name in options.only or () if name not in GROUPS]
    if unknown:
        parser.error(f"{unknown[0]} is no group of pieces; there are {', '.join(GROUPS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
