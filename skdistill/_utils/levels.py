"""The categories of one column, and which of them a value means.

Only NumPy is imported here: the scorer of an exported file follows the same rule.
"""

import math
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

# A plain value of a cell.
Value: TypeAlias = str | bool | int | float

TEXT, BOOLS, NUMBERS = "text", "bools", "numbers"
_FLOATS = (float, np.floating)
# A bool is an int as well, so it comes first.
_TYPES: dict[str, type | tuple[type, ...]] = {
    TEXT: str,
    BOOLS: (bool, np.bool_),
    NUMBERS: (int, float, np.number),
}
_BOOLS = {"true": True, "false": False}
_REMEDIES = {TEXT: "strings", BOOLS: "bools", NUMBERS: "numbers"}


def as_text(value: Value) -> str:
    """A category as text: a whole float as an integer, since frames turn one into the other."""
    if isinstance(value, _FLOATS) and value.is_integer():
        value = int(value)
    return str(value)


def kind_of_type(kind: type) -> str:
    """The name of what values of a type are: text, bools, numbers, or the type's own."""
    return next((name for name, types in _TYPES.items() if issubclass(kind, types)), kind.__name__)


def kinds_of(values: Iterable[object]) -> set[str]:
    """What the values are.

    Parameters
    ----------
    values : iterable

    Returns
    -------
    set of str
    """
    return {kind_of_type(kind) for kind in set(map(type, values))}


class Levels:
    """The categories of one column, and which of them a value means.

    A value of a type that the column had is looked up as it is. Frames and files change types,
    though: 11 becomes "11" or 11.0, and True becomes "True" or 1. So a value that is not found, or
    that is of another type, means the category that reads as the same number or bool.

    Parameters
    ----------
    name : str
        Of the column, for messages.
    levels : sequence of str, bool, int or float
        The categories.
    """

    def __init__(self, name: str, levels: Sequence[Value]) -> None:
        self.name = name
        self.levels = levels
        self.kinds = kinds_of(levels)

    def find(self, value: Value) -> int | None:
        """The place of the category that a value means.

        Parameters
        ----------
        value : str, bool, int or float

        Returns
        -------
        int or None
            None for a value that is none of the categories.

        Raises
        ------
        ValueError
            If the column held another type, as which the value does not read, or if the value reads
            as several categories.
        """
        kind = kind_of_type(type(value))
        own = self._by_kind.get(kind, {}).get(_key(value))
        if own:
            return own[0]
        others = self.kinds - {kind}
        found = [place for other in others for place in self._alike(value, kind, other)]
        if len(found) > 1 and kind in self.kinds:
            return None  # a new value of a type that the column had
        if len(found) > 1:
            raise ValueError(
                f"column '{self.name}' holds {value!r}, which may stand for "
                f"{' or '.join(repr(self.levels[i]) for i in found)}, since it held "
                f"{self._held} when the model was fitted: convert it to {self._remedy}."
            )
        if found:
            return found[0]
        if kind not in self.kinds and not all(self._compares(value, kind, o) for o in others):
            self._refuse(value, kind)
        return None

    def _alike(self, value: Value, kind: str, other: str) -> list[int]:
        """Places of the categories of another kind that read as the value."""
        if other == TEXT:
            return self._texts_read_as(kind).get(_key(value), [])
        read = self._read(value, kind, other)
        return [] if read is None else self._by_kind[other].get(read, [])

    def _compares(self, value: Value, kind: str, other: str) -> bool:
        """Whether a value can be told from the categories of another kind."""
        if other == TEXT:
            return bool(self._texts_read_as(kind))
        return self._read(value, kind, other) is not None

    def _read(self, value: Value, kind: str, other: str) -> Value | None:
        """The value as one of another kind; None where it does not read as one."""
        if kind == BOOLS and other == NUMBERS and not self._by_kind[NUMBERS].keys() <= {0, 1}:
            return None  # among other numbers, 1 is no True
        return _read_as(value, kind, other)

    @cached_property
    def _by_kind(self) -> dict[str, dict[Value, list[int]]]:
        """Places of the categories by their kind, then by value."""
        found: dict[str, dict[Value, list[int]]] = {kind: {} for kind in self.kinds}
        for place, level in enumerate(self.levels):
            kind = kind_of_type(type(level))
            found[kind].setdefault(_key(level), []).append(place)
        return found

    @cached_property
    def _readings(self) -> dict[str, dict[Value, list[int]]]:
        """Places of the texts by the bool or the number that they read as."""
        readings: dict[str, dict[Value, list[int]]] = {BOOLS: {}, NUMBERS: {}}
        for kind, found in readings.items():
            for text, places in self._by_kind.get(TEXT, {}).items():
                read = _read_as(text, TEXT, kind)
                if read is not None:
                    found.setdefault(read, []).extend(places)
        return readings

    def _texts_read_as(self, kind: str) -> dict[Value, list[int]]:
        return self._readings.get(kind, {})

    @property
    def _held(self) -> str:
        return f"{' and '.join(sorted(self.kinds))}, as {self.levels[0]!r},"

    @property
    def _remedy(self) -> str:
        """The types to convert to, in words."""
        return " or ".join(_REMEDIES.get(kind, kind) for kind in sorted(self.kinds))

    def _refuse(self, value: Value, kind: str) -> None:
        raise ValueError(
            f"column '{self.name}' held {self._held} when the model was fitted, but now {kind}, as "
            f"{value!r}: convert it to {self._remedy}."
        )


def readable_texts(levels: Sequence[str]) -> list[str]:
    """Those of the texts that may stand for a number or a bool, and the first other one.

    All that :class:`Levels` needs to know where a column of text is given something else.
    """
    kinds = (BOOLS, NUMBERS)
    readable = [
        text for text in levels if any(_read_as(text, TEXT, kind) is not None for kind in kinds)
    ]
    others = [text for text in levels if text not in set(readable)]
    return others[:1] + readable


def _key(value: Value) -> Value:
    """What equal values of one kind have in common: 11.0 is 11."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _read_as(value: Any, kind: str, other: str) -> Value | None:
    """A value of one kind as a key of another; None where it does not read as one."""
    if kind == TEXT:
        if other == BOOLS:
            return _BOOLS.get(value.strip().lower())
        return _number_in(value) if other == NUMBERS else None
    if kind == BOOLS and other == NUMBERS:
        return int(value)
    if kind == NUMBERS and other == BOOLS and value in (0, 1):
        return bool(value)
    return None


def _number_in(text: str) -> Value | None:
    if "_" in text:
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return _key(number) if math.isfinite(number) else None
