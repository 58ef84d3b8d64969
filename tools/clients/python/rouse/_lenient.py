"""What all results have in common: they are made of the objects that the server sent, and refuse nothing."""

from __future__ import annotations

import collections.abc
import dataclasses
import typing
from typing import Any, Callable, ClassVar, Dict, FrozenSet, Generic, List, Mapping, Optional, Tuple, Type, TypeVar, cast

from .errors import Diagnostic

L = TypeVar("L", bound="Lenient")
T = TypeVar("T")
Convert = Callable[[Any], Any]


class Lenient:
    """An object of a reply. The members it came with are its attributes, so that making one costs next to nothing.

    Members that did not come have their default; those that are newer than this client stand in `extra`. A member whose
    name is Python's own, or taken, has a `_` behind it: `from_`.
    """

    _known: ClassVar[Optional[FrozenSet[str]]] = None
    _nested: ClassVar[Optional[List[Tuple[str, Convert]]]] = None
    _renamed: ClassVar[Optional[List[Tuple[str, str]]]] = None

    @classmethod
    def from_dict(cls: Type[L], members: Dict[str, Any]) -> L:
        """Takes the parsed object over; do not use it afterwards."""
        for name, convert in cls._converters():
            value = members.get(name)
            if value is not None:
                members[name] = convert(value)
        for name, ours in cls._renames():
            if name in members:
                members[ours] = members.pop(name)
        new = object.__new__(cls)
        new.__dict__ = members
        return new

    @classmethod
    def _converters(cls) -> List[Tuple[str, Convert]]:
        """Members that are objects themselves, as the annotations say, and what makes them."""
        found = cls.__dict__.get("_nested")
        if found is None:
            hints = typing.get_type_hints(cls)
            made = [(field.name, _converter(hints[field.name])) for field in dataclasses.fields(cast(Any, cls))]
            cls._nested = found = [(name, convert) for name, convert in made if convert is not None]
        return cast(List[Tuple[str, Convert]], found)

    @classmethod
    def _renames(cls) -> List[Tuple[str, str]]:
        """Members whose names are taken: by Python, or by `extra`."""
        found = cls.__dict__.get("_renamed")
        if found is None:
            found = cls._renamed = [(name[:-1], name) for name in cls._names() if name.endswith("_")]
        return cast(List[Tuple[str, str]], found)

    @classmethod
    def _names(cls) -> FrozenSet[str]:
        known = cls.__dict__.get("_known")
        if known is None:
            known = frozenset(field.name for field in dataclasses.fields(cast(Any, cls)))
            cls._known = known
        return cast(FrozenSet[str], known)

    @property
    def extra(self) -> Dict[str, Any]:
        """Members that this client does not know."""
        names = self._names()
        return {name: value for name, value in self.__dict__.items() if name not in names}

    def to_dict(self) -> Dict[str, Any]:
        """The members as they came, without those that did not."""
        renamed = {ours: name for name, ours in self._renames()}
        return {renamed.get(name, name): _plain(value) for name, value in self.__dict__.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, (Lenient, Diagnostic)):
        return value.to_dict()
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


def _converter(hint: Any) -> Optional[Convert]:
    """What makes a member of an annotation's type out of JSON; None where JSON's own types do."""
    origin, words = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Union:
        found = [convert for convert in map(_converter, words) if convert is not None]
        return found[0] if found else None
    if origin is collections.abc.Sequence:
        inner = _converter(words[0])
        return _each(inner) if inner is not None else None
    if origin is collections.abc.Mapping:
        inner = _converter(words[1])
        return _every(inner) if inner is not None else None
    if origin is Sides:
        return _sides(_converter(words[0]))
    if isinstance(hint, type) and issubclass(hint, Lenient):
        make = hint.from_dict
    elif hint is Diagnostic:
        make = cast(Any, Diagnostic)
    else:
        return None
    return lambda value: make(value) if isinstance(value, dict) else value


def _each(inner: Convert) -> Convert:
    return lambda value: [inner(each) for each in value] if isinstance(value, list) else value


def _every(inner: Convert) -> Convert:
    return lambda value: {name: inner(each) for name, each in value.items()} if isinstance(value, dict) else value


def _sides(inner: Optional[Convert]) -> Convert:
    def make(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if inner is not None:
            for name in ("old", "new"):
                if value.get(name) is not None:
                    value[name] = inner(value[name])
        return Sides.from_dict(value)

    return make


def defaults(cls: Type[L]) -> Type[L]:
    """Defaults that dataclasses would make anew for each object become the class's own."""
    for field in dataclasses.fields(cast(Any, cls)):
        if field.default_factory is not dataclasses.MISSING:
            setattr(cls, field.name, field.default_factory())
    return cls


class _Nothing(Dict[str, Any]):
    """The default that all objects of a class share."""

    def __setitem__(self, name: str, value: Any) -> None:
        raise TypeError("this default is shared; make a dict of your own")


def nothing() -> Mapping[str, Any]:
    return _Nothing()


@defaults
@dataclasses.dataclass
class Sides(Lenient, Generic[T]):
    """The same of the old policy and of the new one."""

    old: T = cast(Any, None)
    new: T = cast(Any, None)


@defaults
@dataclasses.dataclass
class Rate(Lenient):
    """A share of what was counted, and Wilson's interval of 95 % around it. `rate` is None where `of` is 0."""

    count: int = 0
    of: int = 0
    rate: Optional[float] = None
    low: float = 0.0
    high: float = 1.0
