"""What a fit says of its columns: numbers as text, free text, identifiers, nothing at all."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from skdistill._utils.levels import NUMBERS, TEXT, kinds_of
from skdistill._utils.types import FloatArray, ObjectArray
from skdistill.table._frame import Columns
from skdistill.table._nominal import FEWEST_VALUES, MOST_VALUES

# Of fewer rows nothing is said.
FEWEST_ROWS = 50
# A column of text is one of numbers if this share of its values are numbers.
NUMBER_SHARE = 0.8
# Different values per row from which a column is an identifier, or free text.
IDENTIFIER_SHARE, FREE_TEXT_SHARE = 0.95, 0.3
# Words and characters that free text has on average.
FREE_TEXT_WORDS, FREE_TEXT_LENGTH = 3, 20
# Whole numbers are identifiers if all differ where chance would make more pairs than this equal.
EXPECTED_PAIRS = 20
# Of one weight of the student.
BYTES = 4

_SIGN, _EXPONENT = r"[-+]?", r"(?:[eE][-+]?\d+)?"
# No leading zero: "007" is a code.
_PLAIN_NUMBER = re.compile(rf"{_SIGN}(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+){_EXPONENT}")
_CURRENCY = r"(?:[$€£¥₹]|[A-Z]{3})?"
_GROUPED = r"(?:[1-9]\d{0,2}(?:[ ,.'\u00a0\u202f]\d{3})+|0|[1-9]\d*)"
_FORMATTED_NUMBER = re.compile(
    rf"{_SIGN}\s?{_CURRENCY}\s?{_SIGN}{_GROUPED}(?:[.,]\d+)?\s?(?:%|{_CURRENCY})"
)
_ID_NAME = re.compile(
    r"(?i:(?:^|[\W_])(?:id|uuid|guid|index|rownumber)$)|[a-z](?:Id|ID)$|^Unnamed: 0$"
)


def notes_on(
    table: Columns, categories: list[ObjectArray], width: int | None = None
) -> dict[str, str]:
    """What a user should know of the columns of a fit.

    Parameters
    ----------
    table : Columns
    categories : list of ndarray
        The categories of each category column.
    width : int, default=None
        Units of the student's first layer, to tell what columns cost; None leaves it out.

    Returns
    -------
    dict of str to str
        By the name of the column; empty ones are told of together, by "".
    """
    notes = _on_empty_columns(table, width)
    for name, values, known in zip(table.category_names, table.categories, categories, strict=True):
        present = values[~pd.isna(values)]
        note = (
            _on_numbers_as_text(name, present, known, width)
            or _on_free_text(name, present, known, width)
            or _on_identifiers(name, present, known, width)
        )
        notes |= {str(name): note} if note else {}
    columns = zip(table.number_names, table.numbers.T, strict=True)
    identifiers = [name for name, values in columns if _is_identifier(name, values)]
    return notes | {str(name): _on_number(name) for name in identifiers}


def _on_empty_columns(table: Columns, width: int | None) -> dict[str, str]:
    """Columns without a value."""
    empty = [
        n for n, v in zip(table.number_names, table.numbers.T, strict=True) if np.isnan(v).all()
    ]
    n_columns = 3 * len(empty)
    for name, values in zip(table.category_names, table.categories, strict=True):
        if pd.isna(values).all():
            empty.append(name)
            n_columns += 1
    if not empty or not len(table.numbers):
        return {}
    return {
        "": f"the column(s) {_first_five(empty)} hold no value at all. They cost "
        f"{_cost(n_columns, width)}, and tell nothing: leave them out."
    }


def unseen_columns(table: Columns, scale: FloatArray) -> list[str]:
    """Number columns that vary, which an encoder knows as constant or empty.

    Parameters
    ----------
    table : Columns
        Of later rows.
    scale : ndarray of shape (n_numbers,)
        Of the encoder; 0 where the rows of its fit had one value or none.

    Returns
    -------
    list of str
    """
    columns = zip(table.number_names, table.numbers.T, scale, strict=True)
    return [str(name) for name, values, factor in columns if factor == 0 and _n_levels(values) > 1]


def _n_levels(values: FloatArray) -> int:
    return len(np.unique(values[~np.isnan(values)]))


def _on_numbers_as_text(
    name: str, present: ObjectArray, known: ObjectArray, width: int | None
) -> str | None:
    kinds = kinds_of(known)
    if not {TEXT} <= kinds <= {TEXT, NUMBERS}:
        return None
    texts = [one for one in known if isinstance(one, str)]
    plain = [one for one in texts if _PLAIN_NUMBER.fullmatch(one.strip())]
    formatted = [one for one in texts if _FORMATTED_NUMBER.fullmatch(one.strip())]
    read = formatted if len(formatted) > len(plain) else plain
    others = set(texts) - set(read)
    n_numbers = len(known) - len(others)
    # Few whole numbers may be codes, but not beside other cells and numbers with a sign or a point.
    are_no_codes = NUMBERS in kinds or (others and any(not one.strip().isdigit() for one in read))
    fewest = FEWEST_VALUES if are_no_codes else MOST_VALUES + 1
    if n_numbers < max(fewest, NUMBER_SHARE * len(known)):
        return None
    n_others = sum(isinstance(value, str) and value in others for value in present)
    found = next(iter(read), known[0])
    what = "text that reads as numbers" if read else "numbers"
    if read is formatted:
        what += " without its signs and separators"
    odd = (
        f", and {n_others:,} cell(s) that do not, as {_first_five(sorted(others))}"
        if others
        else ""
    )
    remedy = "take them away and convert it" if read is formatted else "convert it"
    return (
        f"column '{name}' holds {what}, {found!r} for one{odd}, and each of its {len(known):,} "
        f"values becomes a category; they cost {_cost(len(known), width)}. If it is a quantity, "
        f"{remedy}, as by pd.to_numeric(column, errors='coerce'), which makes other cells missing."
    )


def _on_free_text(
    name: str, present: ObjectArray, known: ObjectArray, width: int | None
) -> str | None:
    if len(known) < max(FEWEST_ROWS, FREE_TEXT_SHARE * len(present)) or kinds_of(known) != {TEXT}:
        return None
    some = known[:: -(-len(known) // 1000)]
    n_words = np.mean([len(text.split()) for text in some])
    if n_words < FREE_TEXT_WORDS or np.mean([len(text) for text in some]) < FREE_TEXT_LENGTH:
        return None
    return (
        f"column '{name}' looks like free text: it has {len(known):,} different values in "
        f"{len(present):,} rows, {known[0][:40]!r} for one. As categories they cost "
        f"{_cost(len(known), width)} and tell little of new rows: leave it out, or turn it into "
        "numbers, before the fit or by an `encoder` of your own."
    )


def _on_identifiers(
    name: str, present: ObjectArray, known: ObjectArray, width: int | None
) -> str | None:
    if len(known) < max(FEWEST_ROWS, IDENTIFIER_SHARE * len(present)):
        return None
    return (
        f"column '{name}' looks like an identifier: it has {len(known):,} different values in "
        f"{len(present):,} rows. As categories they cost {_cost(len(known), width)} and tell "
        "nothing of new rows: leave it out."
    )


def _on_number(name: str) -> str:
    return (
        f"column '{name}' looks like an identifier, or the number of the row: it holds whole "
        "numbers that are all different. What is learned of them does not hold for new rows: leave "
        "it out, unless it is a quantity."
    )


def _is_identifier(name: str, values: FloatArray) -> bool:
    """Whether whole numbers are all different, though chance or their name speaks against it."""
    n_cells, values = len(values), values[~np.isnan(values)]
    n_rows = len(values)
    if n_rows < max(FEWEST_ROWS, IDENTIFIER_SHARE * n_cells):
        return False
    if not _are_different_integers(values[:1000]):
        return False
    span = values.max() - values.min() + 1
    is_unlikely = n_rows * (n_rows - 1) / (2 * span) > EXPECTED_PAIRS
    return bool((is_unlikely or _ID_NAME.search(name)) and _are_different_integers(values))


def _are_different_integers(values: FloatArray) -> bool:
    return bool((values == np.round(values)).all()) and len(np.unique(values)) == len(values)


def _cost(n_columns: int, width: int | None) -> str:
    columns = f"{n_columns:,} column{'s' if n_columns > 1 else ''}"
    if width is None:
        return columns
    return f"{columns}, about {n_columns * width * BYTES:,} bytes of the student"


def _first_five(values: Sequence[object]) -> str:
    more = ", ..." if len(values) > 5 else ""
    return f"[{', '.join(map(repr, values[:5]))}{more}]"
