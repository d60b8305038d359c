"""Unless a row says otherwise: the value of a setting that more than half of a table's runs have, said once above it.

The sentence above the table and the remark at each row come from one computation, so that they cannot contradict each
other. Where no value has more than half of the runs, as with one short run beside one long one, each row says its own.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from lazyregime.reports.tables.settings import ABSENT, Settings, concerns, is_choice, setting_words


class Told(NamedTuple):
    """A table with a column `settings` (what a row says), and the sentence above it."""

    table: pd.DataFrame
    unless: str


@dataclass(frozen=True)
class Usual:
    """The settings that go without saying in one table."""

    values: Mapping[str, str]

    @staticmethod
    def of(runs: Iterable[Settings]) -> "Usual":
        """From the settings of each run in the table."""
        tables = [dict(settings) for settings in runs]
        values: dict[str, str] = {}
        for key in dict.fromkeys(key for table in tables for key in table if not is_choice(key)):
            counts = Counter(table.get(key, ABSENT) for table in tables if concerns(key, table))
            (value, count), *_ = counts.most_common(1)
            if 2 * count > counts.total():
                values[key] = value
        return Usual(values)

    def sentence(self, keys: Iterable[str]) -> str:
        """What stands above the table: of `keys`, in their order, those that there is a usual value of."""
        told = [setting_words(key, self.values[key]) for key in keys if self.values.get(key, ABSENT) != ABSENT]
        return f"Unless a row says otherwise: {', '.join(told)}." if told else ""

    def unlike(self, settings: Settings, keys: Collection[str] | None = None) -> Settings:
        """Where the settings of a row are not the usual ones (of `keys` only, if given)."""
        table = dict(settings)
        return tuple(
            (key, table.get(key, ABSENT))
            for key in {**self.values, **table}
            if not is_choice(key)
            and (keys is None or key in keys)
            and table.get(key, ABSENT) != self.values.get(key)
            and concerns(key, table)
        )


def remark(settings: Settings) -> str:
    """What a row says of them."""
    return ", ".join(dict.fromkeys(setting_words(key, value) for key, value in settings))
