"""What is fetched, from where and to where, is said: the console has what the logger of lazyregime.data is told."""

import contextlib
import logging
from collections.abc import Callable, Iterator

from typing_extensions import override

LOGGER = logging.getLogger("lazyregime.data")


class _Said(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self.say = say

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.say(record.getMessage())


@contextlib.contextmanager
def fetching_is_told(say: Callable[[str], None]) -> Iterator[None]:
    """For as long as the block lasts."""
    handler, level = _Said(say), LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(level)
