"""Ways to damage a file."""

import random
from collections.abc import Callable
from pathlib import Path


def _flip(path: Path, rng: random.Random) -> None:
    content = bytearray(path.read_bytes())
    if content:
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def _cut(path: Path, rng: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(max(1, len(content)))])


ORDINARY: dict[str, Callable[[Path, random.Random], object]] = {
    "a bit flipped": _flip,
    "cut": _cut,
    "empty": lambda path, rng: path.write_bytes(b""),
    "gone": lambda path, rng: path.unlink(),
    "zeros": lambda path, rng: path.write_bytes(bytes(path.stat().st_size)),
    "noise": lambda path, rng: path.write_bytes(rng.randbytes(max(1, path.stat().st_size))),
    "longer": lambda path, rng: path.write_bytes(path.read_bytes() + rng.randbytes(40)),
}
AIMED: dict[str, Callable[[Path, random.Random], object]] = {
    "nested": lambda path, rng: path.write_text(rng.choice("[{") * 100_000),
    "complete": lambda path, rng: path.write_text('{"status": "complete"}'),
    "not utf-8": lambda path, rng: path.write_bytes(b"\xff\xfe\x80" + path.read_bytes()),
}
DAMAGES = tuple(ORDINARY)


def damage(rng: random.Random, path: Path, how: str | None = None) -> None:
    """Damage a file, in a random one of the ordinary ways or in the one that is named."""
    {**ORDINARY, **AIMED}[how or rng.choice(DAMAGES)](path, rng)
