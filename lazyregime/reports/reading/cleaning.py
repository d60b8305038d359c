"""What stands in a run folder is somebody else's text: cleaned once, where it is read and where it is shown.

Control characters (escape sequences of a terminal among them), marks that turn the direction of writing, and halves of
characters become one visible sign each; line breaks become spaces; what is longer than a name or a sentence is cut.
"""

import math
import unicodedata
from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]
SIGN = "\ufffd"
LONGEST = 2000
DEEPEST = 12
MOST_KEYS = 3000
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn"}  # categories of characters that are not drawn, or not as they stand
LARGEST = 2.0**63


class Unreadable(Exception):
    """A file that holds something else than it should; the message says what."""


def clean_text(text: str) -> str:
    """One line that can be shown anywhere."""
    if len(text) > LONGEST:
        text = text[:LONGEST] + "…"
    if text.isprintable():
        return text
    text = " ".join(text.split("\n")) if "\n" in text else text
    return "".join(" " if c in "\t\r\v\f\x85\u2028\u2029" else SIGN if _unseen(c) else c for c in text)


def brief(text: str, most: int = 48) -> str:
    """As much of a name as a figure has room for."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def clean_value(value: object) -> object:
    """A number, a truth value, a cleaned text or None; a list is one readable text, a huge number is infinite."""
    match value:
        case None | bool() | float():
            return value
        case int():
            return value if abs(value) < LARGEST else math.inf if value > 0 else -math.inf
        case str():
            return clean_text(value)
        case list() | tuple():
            return clean_text(", ".join(str(clean_value(item)) for item in value[:LONGEST]))
        case _:
            return clean_text(str(value)) if not isinstance(value, Mapping) else "{…}"


def flatten(tree: Mapping[Any, Any]) -> Row:
    """{"a": {"b": 1}} as {"a.b": 1}, with clean keys and values.

    Raises:
        Unreadable: If it is nested deeper, or has more keys, than any run's.
    """
    flat: Row = {}
    _flatten(tree, "", flat, 0)
    return flat


def _flatten(tree: Mapping[Any, Any], prefix: str, flat: Row, depth: int) -> None:
    if depth > DEEPEST:
        raise Unreadable(f"is nested deeper than {DEEPEST} levels")
    for key, value in tree.items():
        name = f"{prefix}{clean_text(str(key))}"
        if isinstance(value, Mapping):
            _flatten(value, f"{name}.", flat, depth + 1)
        else:
            flat[name] = clean_value(value)
        if len(flat) > MOST_KEYS:
            raise Unreadable(f"has more than {MOST_KEYS} keys")


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in UNSEEN
