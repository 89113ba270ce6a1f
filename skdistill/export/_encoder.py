"""The nodes of an encoder: from a raw table to the inputs of the student's first layer."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skdistill._utils.levels import NUMBERS as OF_NUMBERS
from skdistill._utils.levels import as_text, kinds_of
from skdistill._utils.types import ArrayLike, FloatArray, NDArray
from skdistill.export._graph import FLOAT, ML_DOMAIN, Graph
from skdistill.serving import CATEGORIES, NUMBERS
from skdistill.table import LARGEST_LOG, TabularEncoder

# Columns beyond this in units of their scale are cut, as the encoder does after the logarithm.
CUT = float(np.sinh(LARGEST_LOG))


@dataclass
class Texts:
    """How the category columns are written as strings.

    Attributes
    ----------
    levels : list of list
        The categories of each column, as they were in the table.
    missing, unknown : str
        Texts that are no category's, for missing and for unknown values.
    """

    levels: list[list[Any]] = field(default_factory=list)
    missing: str = ""
    unknown: str = "?"

    @classmethod
    def of(cls, categories: list[NDArray[Any]]) -> "Texts":
        """Choose the texts for the fitted categories of each column."""
        levels = [[getattr(one, "item", lambda one=one: one)() for one in c] for c in categories]
        texts = [as_text(one) for column in levels for one in column]
        for column in levels:
            if len({as_text(one) for one in column}) < len(column):
                raise ValueError(
                    f"categories of one column read the same as text, among {column[:10]}: ONNX "
                    "has strings only. Turn them into strings of their own before the fit."
                )
        missing = _unused("", texts)
        return cls(levels, missing, _unused("?", [*texts, missing]))


def _unused(text: str, taken: list[str]) -> str:
    while text in taken:
        text += "?"
    return text


def _other_spellings(level: Any) -> list[str]:
    """What a number or a bool may be written as where it becomes text outside of the graph."""
    if isinstance(level, bool):
        return [str(level).lower(), str(level).upper()]
    return [str(float(level))] if kinds_of([level]) == {OF_NUMBERS} else []


class EncodedTable:
    """A table as :class:`~skdistill.TabularEncoder` encodes it.

    Parameters
    ----------
    graph : Graph
    encoder : TabularEncoder
        Fitted.
    texts : Texts
    numbers, categories : str
        Names of the float64 matrix and of the matrix of strings.
    """

    def __init__(
        self,
        graph: Graph,
        encoder: TabularEncoder,
        texts: Texts,
        numbers: str = NUMBERS,
        categories: str = CATEGORIES,
    ) -> None:
        self._graph, self._encoder, self._texts = graph, encoder, texts
        self._raw_numbers, self._raw_categories = numbers, categories
        self._scaled: tuple[str, FloatArray] | None = None
        self.has_numbers = len(encoder.center_) > 0
        self.has_categories = len(encoder.categories_) > 0
        self.n_codes = len(encoder.cardinalities_)
        self.n_columns = encoder.n_outputs_

    def scaled_numbers(self) -> tuple[str, FloatArray]:
        """Name of the encoded number columns, and what they are still to be multiplied by."""
        if self._scaled is None:
            self._scaled = self._add_numbers()
        return self._scaled

    def rows(self, offsets: ArrayLike) -> str:
        """Name of the int64 matrix of a :class:`~skdistill.modules.CategoryLayer`'s table rows."""
        return self._look_up("int64", np.asarray(offsets).tolist())

    def matrix(self) -> str:
        """Name of the matrix that ``transform`` returns."""
        parts = []
        if self.has_numbers:
            numbers, factors = self.scaled_numbers()
            parts.append(self._graph.add("Mul", numbers, self._graph.constant(factors)))
        if self.has_categories and self.n_codes:
            parts.append(self._look_up("float", [0] * self.n_codes))
        elif self.has_categories:
            parts += self._add_indicators()
        return parts[0] if len(parts) == 1 else self._graph.add("Concat", *parts, axis=1)

    def _add_numbers(self) -> tuple[str, FloatArray]:
        add, constant, encoder = self._graph.add, self._graph.constant, self._encoder
        has_logarithms = encoder.fine_scale_ is not None
        unit = np.array(encoder.fine_scale_ if has_logarithms else encoder.scale_)
        usable = unit != 0
        ratio = np.divide(encoder.scale_, unit, where=usable, out=np.zeros(len(unit)))
        # In float64 up to here: a timestamp has more digits than float32 holds.
        distance = add("Sub", self._raw_numbers, constant(np.asarray(encoder.center_)))
        distance = add("Mul", distance, constant(unit))
        missing = add("IsNaN", distance)
        if encoder._takes_missing():  # else it stays NaN, as it is an error for the encoder
            distance = add("Where", missing, constant(np.float64(0)), distance)
        # z / sqrt(1 + (z / 3)^2) = 3 sin(atan(z / 3)), which nothing overflows.
        third = add(
            "Mul", add("Cast", distance, to=FLOAT), constant((ratio / 3).astype(np.float32))
        )
        parts = [add("Sin", add("Atan", third))]
        factors = [np.full(len(unit), 3.0)]
        if has_logarithms:
            parts.append(self._add_logarithm(distance))
            factors.append(np.ones(len(unit)))
        if len(encoder._indicated):
            if len(encoder._indicated) < len(unit):
                missing = add("Gather", missing, constant(encoder._indicated), axis=1)
            parts.append(add("Cast", missing, to=FLOAT))
            factors.append(np.ones(len(encoder._indicated)))
        if encoder.nominal_:
            repeated = add("Gather", self._raw_numbers, constant(encoder._places), axis=1)
            equal = add("Equal", repeated, constant(encoder._values))
            parts.append(add("Cast", equal, to=FLOAT))
            factors.append(np.ones(len(encoder._values)))
        numbers = parts[0] if len(parts) == 1 else add("Concat", *parts, axis=1)
        return numbers, np.concatenate(factors).astype(np.float32)

    def _add_logarithm(self, distance: str) -> str:
        """asinh(v) as log(v + sqrt(v^2 + 1)), ten times as fast as the node Asinh.

        In float64 the sum keeps enough digits where v is negative.
        """
        add, constant = self._graph.add, self._graph.constant
        v = add("Clip", distance, constant(np.float64(-CUT)), constant(np.float64(CUT)))
        root = add("Sqrt", add("Add", add("Mul", v, v), constant(np.float64(1))))
        return add("Log", add("Cast", add("Add", v, root), to=FLOAT))

    def _look_up(self, dtype: str, offsets: list[int]) -> str:
        """Look all category columns up at once: the key of a cell is its column and its text."""
        kind = float if dtype == "float" else int
        keys: list[str] = []
        values: list[int | float] = []
        for column, (levels, offset) in enumerate(zip(self._texts.levels, offsets, strict=True)):
            codes = {self._texts.missing: 1}
            codes |= {as_text(level): code for code, level in enumerate(levels, start=2)}
            for code, level in enumerate(levels, start=2):
                for text in _other_spellings(level):
                    codes.setdefault(text, code)
            keys += [f"{column}:{text}" for text in codes]
            values += [kind(code + offset) for code in codes.values()]
        columns = [f"{column}:" for column in range(len(offsets))]
        prefixes = self._graph.constant(np.array(columns, dtype=object))
        cells = self._graph.add("StringConcat", prefixes, self._raw_categories)
        table: dict[str, Any] = {f"values_{dtype}s": values, f"default_{dtype}": kind(0)}
        return self._graph.add("LabelEncoder", cells, domain=ML_DOMAIN, keys_strings=keys, **table)

    def _add_indicators(self) -> list[str]:
        """One 0/1 column for each code but that of unknown values."""
        add, constant = self._graph.add, self._graph.constant
        codes = self._look_up("int64", [0] * len(self._texts.levels))
        parts = []
        for column, levels in enumerate(self._texts.levels):
            code = add("Gather", codes, constant(np.array([column])), axis=1)
            equal = add("Equal", code, constant(np.arange(1, len(levels) + 2)))
            parts.append(add("Cast", equal, to=FLOAT))
        return parts


class PlainTable:
    """A float32 matrix that the student takes as it is.

    Parameters
    ----------
    name : str
    n_columns : int
    """

    has_numbers, has_categories, n_codes = True, False, 0

    def __init__(self, name: str, n_columns: int) -> None:
        self._name, self.n_columns = name, n_columns

    def scaled_numbers(self) -> tuple[str, FloatArray]:
        """Name of the matrix, and what it is still to be multiplied by."""
        return self._name, np.ones(self.n_columns, np.float32)

    def matrix(self) -> str:
        """Name of the matrix."""
        return self._name
