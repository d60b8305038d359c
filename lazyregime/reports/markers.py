"""`-0.99<!-- = gsjw20.kernel_change_lazy.value -->`: a number in a page that a stored measurement must bear out.

The marker stands behind the number; it names a claim and one of its fields (value, low, high, num_seeds, verdict or
size). As many digits are checked as the page shows, and a number with % is a hundred times the measurement.
"""

# pandas tells its types only in part.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportReturnType=false
# pyright: reportGeneralTypeIssues=false, reportIndexIssue=false

import re

import pandas as pd

MARKER = re.compile(r"<!-- = ([\w.+-]+)\.(\w+) -->")
NUMBER = re.compile(r"([-+−]?[\d,]*\.?\d+(?:e[-+]?\d+)?)\s*(%?)$")
FIELDS = ("value", "low", "high", "num_seeds", "verdict", "size")


def wrong_numbers(text: str, table: pd.DataFrame) -> list[str]:
    """A sentence for each marked number of a page that the ledger's `table` does not bear out."""
    rows = table.set_index("id")
    told: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        for marker in MARKER.finditer(line):
            trouble = _trouble(line[: marker.start()].rstrip("`* "), marker[1], marker[2], rows)
            told += [f"line {number}: {trouble}"] if trouble else []
    return told


def _trouble(before: str, name: str, field: str, rows: pd.DataFrame) -> str:
    if name not in rows.index or field not in FIELDS:
        return f"there is no {name}.{field}"
    value = rows.loc[name, field]
    if field in ("verdict", "size"):
        return "" if before.endswith(str(value)) else f"{name}.{field} is {value!r}, and not {before[-30:]!r}"
    shown = NUMBER.search(before)
    if shown is None:
        return f"no number stands before {name}.{field}"
    text = shown[1].replace(",", "").replace("−", "-")
    scale = 100.0 if shown[2] else 1.0
    return (
        ""
        if _agrees(text, scale * float(value))
        else f"{name}.{field} is {scale * float(value):.6g}, and not {shown[0]}"
    )


def _agrees(text: str, value: float) -> bool:
    """Within half a unit of the last digit shown."""
    mantissa, _, exponent = text.partition("e")
    digits = len(mantissa.partition(".")[2]) - int(exponent or 0)
    return abs(float(text) - value) <= 0.5000001 * 10.0**-digits
