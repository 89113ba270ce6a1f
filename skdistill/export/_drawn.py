"""Rows that are drawn to check a file on: none of them is the user's."""

from typing import Any

import numpy as np
import pandas as pd

from skdistill._utils.levels import NUMBERS as OF_NUMBERS
from skdistill._utils.levels import TEXT, as_text, kinds_of
from skdistill._utils.types import Estimator, FloatArray, NDArray, ObjectArray
from skdistill.export._schema import Schema
from skdistill.serving import CATEGORIES, MATRIX, NUMBERS, Feed
from skdistill.table import CATEGORY, TabularEncoder

DRAWN_ROWS = 512
# Share of the cells that are drawn missing, and of the categories that are drawn unknown.
ODD_SHARE = 0.1


def draw_table(
    encoder: Estimator, schema: Schema, random_state: int = 0, n_rows: int = DRAWN_ROWS
) -> NDArray[Any] | pd.DataFrame:
    """Draw rows in the ranges that a fitted encoder knows, and beyond.

    Parameters
    ----------
    encoder : transformer or None
        Of the student.
    schema : Schema
    random_state : int, default=0
    n_rows : int, default=512

    Returns
    -------
    ndarray or DataFrame of shape (n_rows, n_features)
        Missing and unknown values among them, where the classifier takes them.
    """
    rng = np.random.default_rng(random_state)
    drawn = _draw_numbers(encoder, schema, rng, n_rows)
    if schema.layout == MATRIX:
        drawn = drawn.astype(np.float32).astype(np.float64)
    numbers = iter(drawn.T)
    levels = iter(schema.texts.levels)
    columns = [
        _draw_levels(next(levels), rng, n_rows) if kind == CATEGORY else next(numbers)
        for kind in schema.kinds
    ]
    if not schema.n_categories and schema.names is None:
        return np.column_stack(columns)
    frame = pd.DataFrame(dict(enumerate(columns)))
    if schema.names is None:
        return frame.to_numpy(dtype=object)
    return frame.set_axis(schema.names, axis=1)


def draw_feed(encoder: Estimator, schema: Schema, n_rows: int, random_state: int = 0) -> Feed:
    """Draw rows as the graph takes them, of values that it knows.

    Parameters
    ----------
    encoder : transformer or None
        Of the student.
    schema : Schema
    n_rows : int
    random_state : int, default=0

    Returns
    -------
    dict of str to ndarray
    """
    rng = np.random.default_rng(random_state)
    feed: Feed = {}
    if schema.n_numbers:
        numbers = _draw_numbers(encoder, schema, rng, n_rows)
        feed[NUMBERS] = numbers.astype(schema.number_type)
    if schema.n_categories:
        texts = [[as_text(value) for value in levels] for levels in schema.texts.levels]
        columns = [rng.choice(known or [schema.texts.missing], n_rows) for known in texts]
        feed[CATEGORIES] = np.column_stack(columns).astype(object)
    return feed


def _draw_numbers(
    encoder: Estimator, schema: Schema, rng: np.random.Generator, n_rows: int
) -> FloatArray:
    shape = n_rows, schema.n_numbers
    if type(encoder) is not TabularEncoder:
        return rng.normal(size=shape)
    scale = np.array(encoder.scale_)
    spread = np.divide(1, scale, where=scale > 0, out=np.ones(len(scale)))
    # Cauchy: most rows within the range, some of them far beyond.
    numbers = encoder.center_ + spread * np.clip(rng.standard_cauchy(shape), -1e6, 1e6)
    if schema.allow_missing:
        numbers[rng.random(shape) < ODD_SHARE] = np.nan
    largest = 1e38 if schema.layout == MATRIX else 1e300
    return np.clip(numbers, -largest, largest)


def _draw_levels(levels: list[Any], rng: np.random.Generator, n_rows: int) -> ObjectArray:
    odd = [None, *never_seen(levels)]
    values = np.empty(len(levels) + len(odd), dtype=object)
    values[:] = [*levels, *odd]
    share = ODD_SHARE if levels else 1 / len(odd)
    shares = np.full(len(values), (1 - len(odd) * share) / max(len(levels), 1))
    shares[len(levels) :] = share
    return values[rng.choice(len(values), n_rows, p=shares)]


def never_seen(levels: list[Any]) -> list[Any]:
    """An unknown value of a type that the column has; none of bools, which are all known."""
    kinds = kinds_of(levels)
    if not kinds or TEXT in kinds:
        return ["a value never seen"]
    numbers = [one for one in levels if kinds_of([one]) == {OF_NUMBERS}]
    return [max(numbers) + 1] if numbers else []
