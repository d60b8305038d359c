"""The runs of one study: those that bear its tag."""

# pandas tells its types only in part.
# pyright: reportReturnType=false

import pandas as pd


def tagged(runs: pd.DataFrame, tag: str, regime: str = "scaled") -> pd.DataFrame:
    """The runs of an experiment in one regime."""
    if "config.tags" not in runs:
        return runs.iloc[:0]
    has = runs["config.tags"].map(lambda tags: isinstance(tags, str) and tag in tags.split(", ")).astype(bool)
    return runs[has & (runs.regime == regime)]
