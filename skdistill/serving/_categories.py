"""Categories as the graph knows them: by their text."""

from collections.abc import Iterable
from typing import Any, TypeAlias

from skdistill._utils.levels import TEXT, Levels, as_text, kind_of_type
from skdistill._utils.values import category_value, is_missing

# What a category may have been in the table: text, a bool or a number.
Category: TypeAlias = str | bool | int | float


class CategoryColumn:
    """A category column, from the values of its cells to their texts.

    Parameters
    ----------
    label : str
        What to call the column in an error.
    levels : list of (str, bool, int or float) or None
        The categories. None for a column of text, where each text stands for itself.
    readable : list of str
        Of a column of text, the texts that may stand for a number or a bool.
    missing, unknown : str
        The texts for missing and for unknown values.
    """

    def __init__(
        self,
        label: str,
        levels: list[Category] | None,
        readable: list[str],
        missing: str,
        unknown: str,
    ) -> None:
        self._label, self._missing, self._unknown = label, missing, unknown
        self._is_text = levels is None
        self._levels = Levels(label, readable if levels is None else levels)
        # The common case: a category of the very type that it had.
        self._texts = {(type(level), level): as_text(level) for level in self._levels.levels}

    def texts(self, values: Iterable[Any]) -> list[str]:
        """The texts of many cells."""
        if not self._is_text:
            return [self.text(value) for value in values]
        values, missing = list(values), self._missing
        if set(map(type, values)) == {str} and missing not in set(values):  # quick, and usual
            return values
        return [
            value if type(value) is str and value != missing else self.text(value)
            for value in values
        ]

    def text(self, value: Any) -> str:
        """The text of one cell."""
        if self._is_text and type(value) is str:
            return self._unknown if value == self._missing else value
        if is_missing(value):
            return self._missing
        try:
            value = category_value(value)
        except TypeError as error:
            raise TypeError(f"column '{self._label}' holds {error}") from error
        if self._is_text and isinstance(value, str):
            return self.text(value)
        text = self._texts.get((type(value), value))
        if text is not None:
            return text
        found = self._levels.find(value)
        return self._unknown if found is None else as_text(self._levels.levels[found])


class OwnEncoderColumn:
    """A category column for an encoder of the user's own, which gets the text of every value.

    It may know more categories than the file tells.

    Parameters
    ----------
    label : str
        What to call the column in an error.
    levels : list of (str, bool, int or float) or None
        The categories in the rows of the export. None for a column of text.
    """

    def __init__(self, label: str, levels: list[Category] | None) -> None:
        self._label = label
        self._kinds = ({TEXT} if levels is None else Levels(label, levels).kinds) or {TEXT}

    def texts(self, values: Iterable[Any]) -> list[str]:
        """The texts of many cells."""
        return [self.text(value) for value in values]

    def text(self, value: Any) -> str:
        """The text of one cell."""
        if is_missing(value):
            raise ValueError(
                f"column '{self._label}' has a missing value, which the graph of an `encoder` of "
                "your own cannot tell from text: fill it before, or fit with encoder='auto'."
            )
        if kind_of_type(type(value)) not in self._kinds:
            # As text it could be taken for a category that it is not.
            raise ValueError(
                f"column '{self._label}' held {' and '.join(sorted(self._kinds))} in the `X` of "
                f"the export, but now {value!r}: convert it."
            )
        return as_text(value)


def category_columns(labels: list[str], features: dict[str, Any]) -> list[Any]:
    """The category columns of a table.

    Parameters
    ----------
    labels : list of str
        What to call each in an error.
    features : dict
        As the metadata of the file describe the table.

    Returns
    -------
    list of (CategoryColumn or OwnEncoderColumn)
    """
    columns = zip(labels, features["levels"], strict=True)
    if features["own_encoder"]:
        return [OwnEncoderColumn(label, levels) for label, levels in columns]
    missing, unknown = features["missing"], features["unknown"]
    return [
        CategoryColumn(label, levels, readable, missing, unknown)
        for (label, levels), readable in zip(columns, features["readable_texts"], strict=True)
    ]
