"""A table as CSV that a spreadsheet shows and never runs: a text that begins as a formula does gets an apostrophe."""

import pandas as pd

from lazyregime.reports.reading.cleaning import clean_text

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(table: pd.DataFrame) -> str:
    """The table in UTF-8's terms; numbers are left alone, texts and headings cleaned and made harmless."""
    safe = table.rename(columns=lambda name: harmless(str(name)))
    for position, (_, column) in enumerate(table.items()):
        if not pd.api.types.is_numeric_dtype(column):
            safe.isetitem(position, column.map(lambda value: harmless(value) if isinstance(value, str) else value))
    return safe.to_csv(index=False)


def harmless(text: str) -> str:
    """The same text, or the same behind an apostrophe."""
    return f"'{clean_text(text)}" if text.startswith(FORMULA) else clean_text(text)
