"""What has become of a run, in one word, the same wherever it is told."""

from enum import StrEnum


class Status(StrEnum):
    """The state of a run folder; `waiting` is known of a queue's jobs only."""

    complete = "complete"
    running = "running"
    waiting = "waiting"
    failed = "failed"
    interrupted = "interrupted"  # begun, and neither finished nor failed: the same command goes on
    damaged = "damaged"  # its result.json is there and is none: the same command makes it again
    not_started = "not started"
