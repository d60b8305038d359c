"""result.json: what a run says of itself, as one type that is written and read by the same code.

In the file it is flat, so that a person, or a program that knows nothing of us, can read it; here its parts are typed.
What metrics found is an open mapping, `measures`, since a metric is one file somewhere else.
"""

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from typing_extensions import override

from lazyregime.errors import LazyRegimeError

SCHEMA = 2  # of the file; 1, the version before, has no schema, no checksums and no warnings
Scalar = bool | int | float | str | None


@dataclass(frozen=True, kw_only=True)
class Which:
    """Which run it is."""

    command: str
    name: str
    id: str
    group: str


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """Of what was drawn."""

    seed: int | None = None
    init_seed: int | None = None
    data_seed: int | None = None
    batch_seed: int | None = None


@dataclass(frozen=True, kw_only=True)
class Computed:
    """How, where and when it was computed; times in UTC."""

    seconds: float
    host: str
    device: str
    num_threads: int
    started: str
    finished: str
    precision: str | None = None
    commit: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Result(Mapping[str, Any]):
    """A complete run; as a mapping, its flat scalars.

    Raises:
        LazyRegimeError: If a measure is no scalar.
    """

    which: Which
    seeds: Seeds
    computed: Computed
    measures: Mapping[str, Any]  # scalars, of numpy and torch too; they become plain
    warnings: tuple[str, ...] = ()
    non_finite: tuple[str, ...] = ()  # measures that are no numbers, and stand as null
    checksums: Mapping[str, str] = field(default_factory=dict)  # of the run's files
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        measures = {name: _scalar(name, value) for name, value in self.measures.items()}
        lost = tuple(k for k, v in measures.items() if isinstance(v, float) and not math.isfinite(v))
        object.__setattr__(self, "measures", {k: None if k in lost else v for k, v in measures.items()})
        object.__setattr__(self, "non_finite", tuple(dict.fromkeys((*self.non_finite, *lost))))

    @functools.cached_property
    def flat(self) -> dict[str, Any]:
        """Everything at one level, as result.json has it."""
        return _flat(self)

    @override
    def __getitem__(self, key: str) -> Any:
        return self.flat[key]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self.flat)

    @override
    def __len__(self) -> int:
        return len(self.flat)

    def with_checksums(self, checksums: Mapping[str, str]) -> "Result":
        """The same result, of these files."""
        return dataclasses.replace(self, checksums=dict(checksums))


def from_flat(kind: type[Result], content: Mapping[str, Any]) -> Result:
    """What a file says.

    Raises:
        LazyRegimeError: If something that every run says is missing, or is of another kind.
    """
    known = _field_names(kind)
    measures = {k: v for k, v in content.items() if k not in known}
    return cast(Result, _built(kind, {"schema": 1, **content, "measures": measures}))


def _flat(part: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in dataclasses.fields(part):
        value = getattr(part, each.name)
        if each.name == "measures":
            found |= value
        elif dataclasses.is_dataclass(value):
            found |= _flat(value)
        else:
            found[each.name] = list(value) if isinstance(value, tuple) else value
    return found


@functools.cache
def _field_names(cls: type) -> frozenset[str]:
    """Of a part and of the parts inside of it, and the word that the file begins with."""
    names: set[str] = {"status"}
    for each in _fields(cls):
        names |= _field_names(each.part) if each.part is not None else {each.name}
    return frozenset(names - {"measures"})


@dataclass(frozen=True)
class _Field:
    """A field as a file is read into it: a part, or a value that `fits`."""

    name: str
    part: type | None
    fits: Callable[[Any], bool]
    is_needed: bool


@functools.cache
def _fields(cls: type) -> tuple[_Field, ...]:
    """Of a part; worked out once, since thousands of files are read at a time."""
    return tuple(
        _Field(
            each.name,
            each.type if isinstance(each.type, type) and dataclasses.is_dataclass(each.type) else None,
            _fitting(each.type),
            each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING,
        )
        for each in dataclasses.fields(cls)
    )


def _built(cls: type, content: Mapping[str, Any]) -> Any:
    values: dict[str, Any] = {}
    for each in _fields(cls):
        if each.part is not None:
            values[each.name] = _built(each.part, content)
        elif each.name in content:
            value = content[each.name]
            if not each.fits(value):
                raise LazyRegimeError(f"its {each.name} is {str(value)[:100]!r}")
            values[each.name] = tuple(value) if isinstance(value, list) else value  # JSON has no tuples
        elif each.is_needed:
            raise LazyRegimeError(f"it does not say its {each.name}")
    return cls(**values)


def _fitting(kind: Any) -> Callable[[Any], bool]:
    """Whether JSON's value is of a kind: a scalar, one of several, a tuple of one kind or a mapping."""
    origin, of = typing.get_origin(kind) or kind, typing.get_args(kind)
    if origin is Any:
        return lambda value: True
    if origin is tuple:
        inside = _fitting(of[0])
        return lambda value: isinstance(value, list) and all(map(inside, value))
    if origin is Mapping:
        inside = _fitting(of[1])
        return lambda value: isinstance(value, dict) and all(map(inside, value.values()))
    members = of if origin in (typing.Union, types.UnionType) else (origin,)
    classes = (*members, int) if float in members else members
    return lambda value: isinstance(value, classes)


def _scalar(name: str, value: Any) -> Scalar:
    if hasattr(value, "item"):  # of numpy or torch
        value = value.item()
    if not isinstance(value, bool | int | float | str | None):
        raise LazyRegimeError(f"its {name} is a {type(value).__name__}, and a measure is one number or word")
    return value
