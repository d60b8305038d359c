"""What the poster's table lacks of what these runs have begun, and the commands that make it."""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from collections.abc import Sequence

import pandas as pd

from lazyregime.reports.tables.poster import poster_runs
from lazyregime.reports.tables.published import POSTER, published
from lazyregime.reports.tables.tags import tagged

ENOUGH_SEEDS = 3
PUBLISHED_SAMPLES = 60_000
ARCH_CHOICE = {"mlp": "arch=mlp", "cnn": "arch=cnn arch.last_activation=false"}


def missing_commands(runs: pd.DataFrame) -> list[str]:
    """Commands for what these runs have begun: further columns of the poster, more seeds, the regimes beside them.

    A network is asked for only if it was begun on, and other widths only if the poster's row is what was meant: two of
    its widths were run, or the runs bear its tag.
    """
    done = poster_runs(runs)
    done = done[done.n_train == PUBLISHED_SAMPLES]
    group = _group(runs)
    commands = []
    for arch, choice in ARCH_CHOICE.items():
        begun = done[done.network == arch.upper()]
        have = {int(width) for width in begun.width}
        lacking = [c.width for c in POSTER if c.arch == arch and c.regular is not None and c.width not in have]
        if lacking and (len(have) > 1 or len(tagged(begun, "poster", "regular"))):
            commands.append(_train(f"{choice} width={_list(lacking)}", group))
    commands += [_seeds(done, arch, choice, group) for arch, choice in ARCH_CHOICE.items()]
    return [command for command in [*commands, *_regimes(runs, done, group)] if command]


def _seeds(done: pd.DataFrame, arch: str, choice: str, group: str) -> str:
    """The first `ENOUGH_SEEDS` seeds for every width that has fewer (finished ones are not repeated)."""
    few = [
        int(width)
        for width, part in done[done.network == arch.upper()].groupby("width")
        if part.seed.nunique() < ENOUGH_SEEDS and published(arch, int(width)) is not None
    ]
    return _train(f"{choice} width={_list(few)} seed={_list(range(ENOUGH_SEEDS))}", group) if few else ""


def _regimes(runs: pd.DataFrame, done: pd.DataFrame, group: str) -> list[str]:
    commands = []
    for arch, choice in ARCH_CHOICE.items():
        have = {int(width) for width in done[done.network == arch.upper()].width}
        widths = sorted(width for width in have if published(arch, width) is not None)
        beside = runs[(runs.status == "complete") & (runs.arch == arch) & (runs.data == "mnist")]
        lacking = [
            regime for regime in ("feature", "lazy") if not set(widths) <= set(beside[beside.regime == regime].width)
        ]
        if widths and lacking:
            commands.append(_train(f"regime={_list(lacking)} {choice} width={_list(widths)}", group))
    return commands


def _group(runs: pd.DataFrame) -> str:
    """The group the given runs share, so that new runs join them; that of the data set needs no saying."""
    groups = runs[runs.data.isin(["mnist"]) | runs.data.isna()].group.dropna().unique()
    return f" group={groups[0]}" if len(groups) == 1 and groups[0] not in ("mnist", "debug") else ""


def _train(choices: str, group: str) -> str:
    sweep = " -m" if "," in choices else ""
    return f"python -m lazyregime.train{sweep} {choices}{group}"


def _list(values: Sequence[object]) -> str:
    return ",".join(map(str, values))
